// SPDX-License-Identifier: Apache-2.0

package import CordonCore
package import CordonLanguage
package import CordonStore

/// What the history tells of retention: what had its time, what is held for the law, what was erased.
package struct RetentionBook: Sendable {
    package static let stream = "retention"
    static let expired = "bodiesExpired"
    package static let evidenceExpired = "evidenceExpired"
    /// How long each class is kept from here on.
    package static let policySet = "retentionPolicySet"
    /// Which keys evidence is sealed with from here on, and that one of them is gone for good.
    package static let keysSet = "evidenceKeysSet"
    package static let keyDestroyed = "evidenceKeyDestroyed"
    static let holdSet = "legalHoldSet"
    static let holdReleased = "legalHoldReleased"
    package static let erased = "subjectErased"
    private static let pageRows = 500

    /// What a legal hold keeps: all of a subject, or one run.
    package enum Scope: Sendable, Hashable {
        /// `Subject.key`, such as `credential:billing-token`.
        case subject(String)
        case run(RunID)

        package var text: String {
            switch self {
            case .subject(let key): "subject \(key)"
            case .run(let id): "run \(id)"
            }
        }

        package init?(text: String) {
            let parts = text.split(separator: " ", maxSplits: 1).map(String.init)
            switch parts.first {
            case "subject" where parts.count == 2 && parts[1].contains(":"): self = .subject(parts[1])
            case "run" where parts.count == 2:
                guard let id = RunID(parts[1]) else { return nil }
                self = .run(id)
            default: return nil
            }
        }
    }

    /// Nothing that it covers expires or is erased while it stands.
    package struct LegalHold: Sendable, Hashable {
        package var scope: Scope
        package var by: String
        package var reason: String
        package var since: Instant

        package var value: Value {
            [
                "scope": .string(scope.text), "by": .string(by), "reason": .string(reason),
                "since": .string(since.description),
            ]
        }
    }

    /// What was taken away of one subject, by whom and why; the digests stay, the content is gone.
    package struct Erasure: Sendable, Hashable {
        package var subject: String
        package var by: String
        package var reason: String
        package var at: Instant
        package var runs: [String]
        /// Alerts whose bodies went.
        package var alerts: [String]
        /// Digests of evidence that went.
        package var blobs: [String]
        /// Digests of evidence that stayed: runs of other subjects name it too, so it says nothing of this one alone.
        package var shared: [String]

        package var body: Value {
            func list(_ texts: [String]) -> Value { .array(texts.map(Value.string)) }
            return [
                "subject": .string(subject), "by": .string(by), "reason": .string(reason), "runs": list(runs),
                "alerts": list(alerts), "blobs": list(blobs), "shared": list(shared),
            ]
        }
    }

    /// How long each class is kept; `nil`: for ever.
    package struct Policy: Sendable, Hashable {
        package var alertBodies: Int64?
        package var evidence: Int64?

        package init(alertBodies: Int64?, evidence: Int64?) {
            (self.alertBodies, self.evidence) = (alertBodies, evidence)
        }
    }

    /// How much of one class has had its time, and when the last of it went.
    package struct Expiration: Sendable, Hashable {
        package static let classes = ["alert_bodies", "evidence"]

        package var count = 0
        package var last = Instant(milliseconds: 0)
    }

    package private(set) var holds: [Scope: LegalHold] = [:]
    package private(set) var erasures: [Erasure] = []
    /// What has had its time, by its class.
    package private(set) var expirations: [String: Expiration] = [:]
    /// How long what is kept, as the history was told last; nothing when it was never told.
    package private(set) var policy: Policy?
    /// The body of the last line that told of evidence keys.
    private(set) var evidenceKeys: Value?
    /// Evidence of which the last line says that it had its time: a crash may have left it.
    private(set) var lastExpired: [String] = []
    /// The number of the stream's last entry.
    var number = 0

    package init() {}

    package var value: Value {
        [
            "holds": .array(holds.values.sorted { $0.scope.text < $1.scope.text }.map(\.value)),
            "expired": .object(
                expirations.mapValues { ["count": .int(Int64($0.count)), "last": .string($0.last.description)] }),
            "erasures": .array(
                erasures.map { erasure in
                    var members = erasure.body.objectValue ?? [:]
                    members["at"] = .string(erasure.at.description)
                    return .object(members)
                }),
        ]
    }

    package mutating func apply(_ entry: Entry) {
        let body = (try? JSON.parse(entry.bytes))?["body"] ?? .null
        func text(_ name: String) -> String { body[name]?.stringValue ?? "" }
        func list(_ name: String) -> [String] { (body[name]?.arrayValue ?? []).compactMap(\.stringValue) }
        switch entry.kind {
        case Self.holdSet:
            guard let scope = Scope(text: text("scope")) else { break }
            holds[scope] = LegalHold(scope: scope, by: text("by"), reason: text("reason"), since: entry.at)
        case Self.holdReleased: Scope(text: text("scope")).map { holds[$0] = nil }
        case Self.erased:
            erasures.append(
                Erasure(
                    subject: text("subject"), by: text("by"), reason: text("reason"), at: entry.at, runs: list("runs"),
                    alerts: list("alerts"), blobs: list("blobs"), shared: list("shared")))
        case Self.keysSet: evidenceKeys = body
        // What is sealed from here on is told anew, also with a key of the same label.
        case Self.keyDestroyed: evidenceKeys = nil
        case Self.policySet:
            policy = Policy(alertBodies: body["alert_bodies_ms"]?.intValue, evidence: body["evidence_ms"]?.intValue)
        case Self.expired: expire("alert_bodies", list("alerts").count, entry.at)
        case Self.evidenceExpired:
            lastExpired = list("blobs")
            expire("evidence", lastExpired.count, entry.at)
        default: break
        }
        number = entry.number
    }

    private mutating func expire(_ name: String, _ count: Int, _ at: Instant) {
        expirations[name, default: Expiration()].count += count
        expirations[name]?.last = at
    }

    /// Reads what the history told of since.
    package mutating func read(_ store: any Store) async throws(StoreError) {
        while true {
            let page = try await store.history(Self.stream, from: number + 1, limit: Self.pageRows)
            for indexed in page { apply(indexed.entry) }
            guard page.count == Self.pageRows else { return }
        }
    }
}
