// SPDX-License-Identifier: Apache-2.0

package import CordonCore
import CordonLanguage

/// Whether a stored body is signed by the key that showed whose it is, for those who were not there when it came: only
/// bodies that carry their own signature can show it.
package enum OriginCheck: Sendable, Hashable {
    case holds
    case fails
    /// The signature came beside the body, and is not kept.
    case cannotTell

    /// - Parameter at: when it came: a certificate counts for its time.
    package static func of(_ body: [UInt8], signedBy key: [UInt8], at: Instant) -> OriginCheck {
        if let message = TopicMessage(body) {
            return message.isSigned(by: Secret(key), at: at) ? .holds : .fails
        }
        guard let token = try? WebSignature(body) else { return .cannotTell }
        do throws(WebSignature.Fault) { try token.verify(WebKey.all(in: Secret(key))) } catch { return .fails }
        return .holds
    }
}
