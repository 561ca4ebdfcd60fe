// SPDX-License-Identifier: Apache-2.0

package import CordonCore
import CordonLanguage
import Crypto
import Foundation

/// Seals calls: the idempotency key under the installation's key, and the digest of the request as it will be sent,
/// with handles where its secrets will stand.
package struct CallSealer: Sealer {
    private let providers: [String: Provider]
    /// Under the installation's key, which is worked in once: a copy of it begins each code.
    private let keyed: HMAC<SHA256>

    package init(providers: [String: Provider], key: Secret) {
        self.providers = providers
        keyed = HMAC<SHA256>(key: SymmetricKey(data: key.reveal()))
    }

    private func code(_ parts: [UInt8]...) -> [UInt8] {
        var code = keyed
        for part in parts { code.update(data: part) }
        return Array(code.finalize())
    }

    package func seal(_ draft: CallDraft) -> Result<Seal, Refusal> {
        guard let provider = providers[draft.provider] else {
            return .failure(Refusal(.unbuildable, "no provider '\(draft.provider)' is configured"))
        }
        if draft.purpose == .act, provider.shape.action(draft.capability)?.effectClass.isWrite == true,
            let setting = provider.ownName(in: draft.arguments, of: draft.capability)
        {
            return .failure(
                Refusal(
                    .notAllowed,
                    "it is about whom Cordon itself signs in as at \(draft.provider) ('\(setting)'); nothing was done"))
        }
        // No epoch and no node in it: whoever sends this intent presents the same key.
        let idempotencyKey = hexText(Array(code(Array(draft.id.utf8)).prefix(16)))
        let exchange = provider.shape.action(draft.capability)?.exchange(for: draft.purpose)
        let mark = exchange?.request.needsMark == true ? mark(draft) : ""
        return provider.build(
            draft.capability, draft.purpose, draft.arguments, secrets: provider.handles,
            idempotencyKey: idempotencyKey, beside: Provider.Beside(mark: mark)
        ).map { Seal(idempotencyKey: idempotencyKey, requestDigest: digestText($0.canonical)) }
    }

    /// What stands in place of a secret that a provider told: without the key nobody finds by trying which it was.
    func standIn(_ bytes: [UInt8]) -> String {
        let code = code(Array("cordon state secret\n".utf8), bytes)
        return "‹secret hmac-sha256:\(hexText(Array(code.prefix(16))))›"
    }

    /// What marks what a step makes, whichever of its calls asks.
    func mark(_ draft: CallDraft) -> String {
        let name = "mark of \(draft.run)/\(Step.forwardID(of: draft.step))"
        return hexText(Array(code(Array(name.utf8)).prefix(16)))
    }

    /// A keyed fingerprint: it tells one secret from another, and nothing of either.
    func fingerprint(_ secret: IssuedSecret) -> String {
        "hmac-sha256:" + hexText(code(Array("issued secret\n".utf8), secret.bytes))
    }

    package func digest(_ bytes: [UInt8]) -> String { digestText(bytes) }
}

func base64(_ bytes: [UInt8]) -> String { Data(bytes).base64EncodedString() }
