// SPDX-License-Identifier: Apache-2.0

import CordonCore
import SwiftASN1

/// One value of a DER text, read by what it should be.
struct DERPart {
    /// It is something else.
    struct Mismatch: Error {}

    private let node: ASN1Node

    init(_ node: ASN1Node) { self.node = node }

    var bytes: [UInt8] { Array(node.encodedBytes) }
    var isSequence: Bool { node.identifier == .sequence }
    var isInteger: Bool { node.identifier == .integer }
    var isOctets: Bool { node.identifier == .octetString }

    func isTagged(_ number: UInt) -> Bool {
        node.identifier == ASN1Identifier(tagWithNumber: number, tagClass: .contextSpecific)
    }

    func parts() throws -> [DERPart] {
        guard case .constructed(let nodes) = node.content else { throw Mismatch() }
        return nodes.map(DERPart.init)
    }

    /// What stands alone under an explicit tag.
    func explicit(_ number: UInt) throws -> DERPart {
        let parts = try parts()
        guard isTagged(number), parts.count == 1 else { throw Mismatch() }
        return parts[0]
    }

    func name() throws -> ASN1ObjectIdentifier { try ASN1ObjectIdentifier(derEncoded: node) }

    func octets() throws -> [UInt8] { Array(try ASN1OctetString(derEncoded: node).bytes) }

    /// Without leading zeros.
    func integer() throws -> [UInt8] {
        guard isInteger, case .primitive(let bytes) = node.content, !bytes.isEmpty else { throw Mismatch() }
        let short = bytes.drop { $0 == 0 }
        return short.isEmpty ? [0] : Array(short)
    }

    /// Whole milliseconds of a time in UTC.
    func time() throws -> Instant {
        let time = try GeneralizedTime(derEncoded: node)
        func digits(_ number: Int, _ count: Int) -> String {
            let text = String(number)
            return String(repeating: "0", count: max(0, count - text.count)) + text
        }
        let milliseconds = min(999, Int(time.fractionalSeconds * 1000))
        let text =
            "\(digits(time.year, 4))-\(digits(time.month, 2))-\(digits(time.day, 2))T\(digits(time.hours, 2)):"
            + "\(digits(time.minutes, 2)):\(digits(time.seconds, 2)).\(digits(milliseconds, 3))Z"
        guard let instant = Instant(rfc3339: text) else { throw Mismatch() }
        return instant
    }
}
