// SPDX-License-Identifier: Apache-2.0

import CordonCore
import Crypto

/// Keyed fingerprints: the same value always gives the same text, and without the key nobody can find by trying which
/// value that was, however short it is.
///
/// A key that is replaced stays among the former ones, so that what it marked is still known.
package struct Fingerprints: Sendable {
    private struct Key: Sendable {
        let id: String
        let key: SymmetricKey

        init(_ secret: Secret) {
            key = SymmetricKey(data: secret.reveal())
            id = hexText(Array(SHA256.hash(data: Array("cordon fingerprint key\n".utf8) + secret.reveal()).prefix(4)))
        }

        /// `about` keeps marks of one use apart from those of another.
        func mark(_ bytes: [UInt8], about: UInt8) -> String {
            var code = HMAC<SHA256>(key: key)
            code.update(data: [about])
            code.update(data: bytes)
            return "hmac-sha256:\(id):\(hexText(Array(code.finalize())))"
        }
    }

    private static let value: UInt8 = 1
    private static let body: UInt8 = 2

    private let current: Key
    private let former: [Key]

    package init(_ key: Secret, former: [Secret] = []) {
        current = Key(key)
        self.former = former.map(Key.init)
    }

    /// What stands in place of a value that was cut out.
    func replacement(of bytes: [UInt8], _ kind: Alert.Cut.Kind) -> String {
        "cordon:cut:\(kind.rawValue):\(current.mark(bytes, about: Self.value))"
    }

    func mark(ofBody bytes: [UInt8]) -> String { current.mark(bytes, about: Self.body) }

    /// What earlier keys made of it.
    package func formerMarks(ofBody bytes: [UInt8]) -> [String] { former.map { $0.mark(bytes, about: Self.body) } }

    package func isMark(_ mark: String, ofBody bytes: [UInt8]) -> Bool {
        ([current] + former).contains { $0.mark(bytes, about: Self.body) == mark }
    }
}
