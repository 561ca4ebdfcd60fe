// SPDX-License-Identifier: Apache-2.0

import CordonCore
import CordonLanguage
import Synchronization

/// A credential that a provider has just issued, in memory between its answer and its delivery. It shows nothing of itself.
struct IssuedSecret: Sendable, Hashable, CustomStringConvertible, CustomReflectable {
    /// Its parts by their names, those that name it with those that nobody may see.
    private let parts: [String: String]

    init(parts: [String: String]) { self.parts = parts }

    var description: String { "‹secret›" }
    var customMirror: Mirror { Mirror(self, children: []) }

    subscript(name: String) -> String? { parts[name] }

    func note(in known: KnownSecrets) { for part in parts.values { known.note(part) } }

    /// What a delivery's templates have as `issued`: the parts, and these as one text.
    var variable: Value {
        let value = Value.object(parts.mapValues(Value.string))
        return ["value": value, "text": .string(value.json)]
    }

    /// What a keyed fingerprint is made of.
    var bytes: [UInt8] { Value.object(parts.mapValues(Value.string)).jsonBytes }
}

extension Answer {
    /// Takes what was issued out of the answer. An answer that lacks it, or of which something secret would be kept, is
    /// none: what was issued is then found and taken back.
    func reading(_ issue: ProviderShape.Issue, beside read: ReadAnswer) -> ReadAnswer {
        var read = read
        guard let known = texts(issue.known), let secret = texts(issue.secret) else {
            read.outcome.kind = .unknown
            read.outcome.reason = "the answer holds no secret where its connector looks"
            // What can't be compared with the secret may hold it.
            read.outcome.result = .null
            read.keepsake = nil
            return read
        }
        let kept = read.outcome.result.json
        // As it stands within a text of JSON.
        if secret.values.contains(where: { kept.contains(String(Value.string($0).json.dropFirst().dropLast())) }) {
            read.outcome = Outcome(
                .unknown, status: status,
                reason: "its connector would keep a secret of the answer; nothing of it is kept")
            read.keepsake = nil
            return read
        }
        read.issued = IssuedSecret(parts: known.merging(secret) { _, secret in secret })
        return read
    }

    private func texts(_ fields: [String: Arguments]) -> [String: String]? {
        guard case .success(.object(let members)) = Arguments.map(fields).render(variables) else { return nil }
        let texts = members.compactMapValues(\.stringValue).filter { !$0.value.isEmpty }
        return texts.count == members.count ? texts : nil
    }
}

/// Where issued credentials wait for their delivery, by their handles. In memory alone, few, and not for long.
final class IssuedDesk: Sendable {
    private struct Place {
        var secret: IssuedSecret
        var until: Instant
    }

    private let places = Mutex<[String: Place]>([:])

    func keep(_ secret: IssuedSecret, as handle: String, at now: Instant) {
        places.withLock { places in
            places = places.filter { $0.value.until > now }
            // The oldest goes: it is issued anew when it is asked for.
            if places.count >= Limits.issuedSecretsMax, let oldest = places.min(by: { $0.value.until < $1.value.until })
            {
                places[oldest.key] = nil
            }
            places[handle] = Place(
                secret: secret, until: now.adding(milliseconds: Limits.issuedSecretMilliseconds))
        }
    }

    func secret(_ handle: String, at now: Instant) -> IssuedSecret? {
        places.withLock { places in
            guard let place = places[handle], place.until > now else {
                places[handle] = nil
                return nil
            }
            return place.secret
        }
    }
}
