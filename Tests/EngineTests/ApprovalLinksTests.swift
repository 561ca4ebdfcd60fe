// SPDX-License-Identifier: Apache-2.0

import CordonConnectors
import CordonCore
import Foundation
import Testing

@testable import CordonEngine

/// What a signed link says, and that it says it only as it was made.
@Suite struct ApprovalLinksTests {
    private static let now = Instant(milliseconds: 1_700_000_000_000)
    private let links = ApprovalLinks(base: "https://cordon.example", key: Secret(Array("a key".utf8)))
    private let ticket = ApprovalLinks.Ticket(
        run: RunID("run_01M89N9GNJW26GQ3JDHC3NDGWS")!,  // A constant of the right form.
        step: "purge", shown: "sha256:1", endpoint: "mail:Änn & co", until: now.adding(milliseconds: 1000))

    private func fields(_ link: String) -> [String: String] {
        let query = link.split(separator: "?").last ?? ""
        return Dictionary(
            query.split(separator: "&").compactMap { pair in
                let parts = pair.split(separator: "=", maxSplits: 1).map(String.init)
                return parts.count == 2 ? (parts[0], parts[1].removingPercentEncoding ?? "") : nil
            }
        ) { first, _ in first }
    }

    @Test func `a link gives back what it was made of, until it expires`() throws {
        let link = links.link(ticket)
        #expect(link.hasPrefix("https://cordon.example/approve?run=run_"))
        #expect(link.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F })
        let fields = fields(link)
        #expect(try links.ticket({ fields[$0] }, at: Self.now) == ticket)
        #expect(throws: ApprovalLinks.Fault.expired) {
            try links.ticket({ fields[$0] }, at: Self.now.adding(milliseconds: 1000))
        }
    }

    @Test(arguments: ["run", "step", "shown", "to", "until", "mac"])
    func `whatever is changed or left out, it is altered`(name: String) {
        var fields = fields(links.link(ticket))
        let right = fields[name] ?? ""
        for value in [nil, "", right + "0", String(right.dropLast())] {
            fields[name] = value
            #expect(throws: ApprovalLinks.Fault.altered) { try links.ticket({ fields[$0] }, at: Self.now) }
        }
    }

    @Test func `a link of another installation is altered here`() {
        let other = ApprovalLinks(base: "https://cordon.example", key: Secret(Array("another key".utf8)))
        let fields = fields(other.link(ticket))
        #expect(throws: ApprovalLinks.Fault.altered) { try links.ticket({ fields[$0] }, at: Self.now) }
    }
}
