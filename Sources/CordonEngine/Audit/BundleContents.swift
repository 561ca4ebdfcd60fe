// SPDX-License-Identifier: Apache-2.0

import CordonConnectors
import CordonCore
import CordonEvidence
import CordonLanguage
import CordonStore

/// Gathers what the lines of a bundle name (blobs, bodies, definitions), and lists what is not there and why.
struct BundleContents {
    private let store: any Store
    private let blobs: Blobs
    private let includesBodies: Bool
    private let draft: BundleDraft
    private var absent: [UInt8] = []
    private var total = 0

    init(_ store: any Store, _ blobs: Blobs, _ includesBodies: Bool, _ draft: BundleDraft) {
        self.store = store
        self.blobs = blobs
        self.includesBodies = includesBodies
        self.draft = draft
    }

    /// Puts all of it into the draft.
    mutating func gather() async throws {
        let history = draft.history
        let retention = try await retention()
        try addBlobs(history, retention)
        try await addBodies(history, retention)
        try await addDefinitions(draft.head.definitions(of: history))
        let list = absent.isEmpty ? Array("[]\n".utf8) : Array("[\n".utf8) + absent + Array("\n]\n".utf8)
        try draft.add(BundleFormat.absent, list)
    }

    private mutating func addBlobs(_ history: HistoryAudit, _ retention: Retention) throws {
        for named in history.blobs.values.sorted(by: { $0.digest < $1.digest }) {
            if let says = retention.erased[named.digest] {
                lack("blob", named, .erased, says)
                continue
            }
            if let says = retention.expiredBlobs[named.digest] {
                lack("blob", named, .expired, says)
                continue
            }
            let bytes: [UInt8]
            do throws(EvidenceError) { bytes = try blobs.get(try Digest(parsing: named.digest)) } catch {
                if error.code == .blobSealed {
                    let label = try blobs.sealing(of: try Digest(parsing: named.digest)) ?? ""
                    let says = history.destroyedKeys[label]
                    lack("blob", named, says == nil ? .sealed : .erased, says ?? error.reason, key: label)
                    continue
                }
                lack("blob", named, .lost, error.reason)
                continue
            }
            try add(BundleFormat.blob(named.digest), bytes)
        }
    }

    private mutating func addBodies(_ history: HistoryAudit, _ retention: Retention) async throws {
        for (alert, named) in history.bodies.sorted(by: { $0.key < $1.key }) {
            var query = AlertQuery()
            query.id = AlertID(alert)
            let body = try await store.alerts(query).first?.keptBytes ?? []
            if body.isEmpty, named.digest != digestText([]) {
                if let says = retention.erased[alert] {
                    lack("body of \(alert)", named, .erased, says)
                } else if retention.expired.contains(alert) || history.expired.contains(alert) {
                    lack("body of \(alert)", named, .expired, "it had its time, and the history says so")
                } else {
                    lack("body of \(alert)", named, .lost, "it is gone, and no line of the history says why")
                }
            } else if includesBodies {
                try add(BundleFormat.blob(named.digest), body)
            } else {
                lack(
                    "body of \(alert)", named, .withheld,
                    "an alert's body may hold a live secret; --bodies exports it")
            }
        }
    }

    /// What the history says of what is gone: a bundle of a run does not hold all of those lines.
    private struct Retention {
        var expired: Set<String> = []
        var expiredBlobs: [String: String] = [:]
        /// By alert or digest: who erased it, when and why.
        var erased: [String: String] = [:]
    }

    private func retention() async throws -> Retention {
        var all = Retention()
        var next = 1
        while true {
            let page = try await store.history(RetentionBook.stream, from: next, limit: 500)
            guard !page.isEmpty else { return all }
            for entry in page.map(\.entry) {
                let body = (try? JSON.parse(entry.bytes))?["body"] ?? .null
                let alerts = (body["alerts"]?.arrayValue ?? []).compactMap(\.stringValue)
                if entry.kind == RetentionBook.evidenceExpired {
                    for gone in (body["blobs"]?.arrayValue ?? []).compactMap(\.stringValue) {
                        all.expiredBlobs[gone] = "it had its time, and the history says so at \(entry.at)"
                    }
                }
                guard entry.kind == RetentionBook.erased else {
                    all.expired.formUnion(alerts)
                    continue
                }
                let says = "\(entry.at): \(HistoryAudit.erasure(body))"
                for gone in alerts + (body["blobs"]?.arrayValue ?? []).compactMap(\.stringValue) {
                    all.erased[gone] = says
                }
            }
            next += page.count
        }
    }

    private mutating func addDefinitions(_ digests: Set<String>) async throws {
        for digest in digests.sorted() {
            if let definition = try await store.definition(digest) {
                try add(BundleFormat.definition(digest), definition.source)
            } else {
                lack(
                    "definition", HistoryAudit.Named(digest: digest, place: "a run"), .lost,
                    "the store does not hold it")
            }
        }
    }

    private mutating func add(_ name: String, _ bytes: [UInt8]) throws {
        total += bytes.count
        guard total <= Bundler.blobBytesMax else {
            throw Bundler.Failure.tooLarge("what it names is larger than \(Bundler.blobBytesMax) bytes")
        }
        try draft.add(name, bytes)
    }

    private mutating func lack(
        _ what: String, _ named: HistoryAudit.Named, _ state: AbsentState, _ reason: String, key: String? = nil
    ) {
        var members: [String: Value] = [
            "what": .string(what), "digest": .string(named.digest), "named_by": .string(named.place),
            "state": .string(state.rawValue), "reason": .string(reason),
        ]
        members["key"] = key.map(Value.string)
        let item = Value.object(members)
        // As text: of a long period there are many.
        if !absent.isEmpty { absent += Array(",\n".utf8) }
        absent += Array("  ".utf8) + item.jsonBytes
    }
}
