// SPDX-License-Identifier: Apache-2.0

import Crypto
import HTTPTypes

/// What only this server and the readers of its state folder know. Before a command shows its token it sends a nonce;
/// whoever merely took the port of a server that died can't answer it.
package struct ProofKey: Sendable, Hashable {
    static let header = HTTPField.Name("x-cordon-nonce")!  // a valid token of RFC 9110 §5.6.2
    package static let headerText = "x-cordon-nonce"
    private static let nonceBytes = 16...128

    /// Hex, as it stands in the state folder.
    package let text: String

    package init(_ text: String) { self.text = text }

    /// Hex HMAC-SHA256 of the nonce under the key, or `nil` for a nonce of the wrong length.
    package func proof(of nonce: String) -> String? {
        guard ProofKey.nonceBytes.contains(nonce.utf8.count) else { return nil }
        let code = HMAC<SHA256>.authenticationCode(
            for: Array("cordon-server:\(nonce)".utf8), using: SymmetricKey(data: Array(text.utf8)))
        return hex(code)
    }
}
