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
    /// As the history told before the bundle's lines were read.
    private var retention: BundleRetention
    private var absent: [UInt8] = []
    private var total = 0
    /// The places of the lines that say why something is not here.
    private(set) var tellers: Set<Int> = []

    init(
        _ store: any Store, _ blobs: Blobs, _ includesBodies: Bool, _ draft: BundleDraft, _ retention: BundleRetention
    ) {
        self.store = store
        self.blobs = blobs
        self.includesBodies = includesBodies
        self.draft = draft
        self.retention = retention
    }

    /// Puts all of it into the draft.
    ///
    /// - Returns: false when something of it was taken away meanwhile: then lines and contents are of two moments.
    mutating func gather() async throws -> Bool {
        let history = draft.history
        try addBlobs(history)
        let gone = try await addBodies(history)
        // Once all is in hand: a line tells of what is taken away before it goes.
        let news = try await retention.read(store)
        guard !concerns(news, history) else { return false }
        listBodies(history, gone)
        try await addDefinitions(draft.head.definitions(of: history))
        let list = absent.isEmpty ? Array("[]\n".utf8) : Array("[\n".utf8) + absent + Array("\n]\n".utf8)
        try draft.add(BundleFormat.absent, list)
        return true
    }

    /// A body that does not go along may go meanwhile, but for a run: its bundle holds every line that tells of it.
    private func concerns(_ news: BundleRetention.News, _ history: HistoryAudit) -> Bool {
        if news.destroysKey || news.names.contains(where: { history.blobs[$0] != nil }) { return true }
        guard includesBodies || draft.head.kind == .run else { return false }
        return news.names.contains { history.bodies[$0] != nil }
    }

    private mutating func addBlobs(_ history: HistoryAudit) throws {
        for named in history.blobs.values.sorted(by: { $0.digest < $1.digest }) {
            if let told = retention[named.digest] {
                lack("blob", named, told)
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

    /// - Returns: the alerts whose bodies are not there any more.
    private mutating func addBodies(_ history: HistoryAudit) async throws -> Set<String> {
        var gone: Set<String> = []
        for (alert, named) in history.bodies.sorted(by: { $0.key < $1.key }) {
            var query = AlertQuery()
            query.id = AlertID(alert)
            let body = try await store.alerts(query).first?.keptBytes ?? []
            if body.isEmpty, named.digest != digestText([]) {
                gone.insert(alert)
            } else if includesBodies {
                try add(BundleFormat.blob(named.digest), body)
            }
        }
        return gone
    }

    private mutating func listBodies(_ history: HistoryAudit, _ gone: Set<String>) {
        for (alert, named) in history.bodies.sorted(by: { $0.key < $1.key }) {
            let what = "body of \(alert)"
            if gone.contains(alert) {
                if let told = retention[alert] {
                    lack(what, named, told)
                } else {
                    lack(what, named, .lost, "it is gone, and no line of the history says why")
                }
            } else if !includesBodies {
                lack(what, named, .withheld, "an alert's body may hold a live secret; --bodies exports it")
            }
        }
    }

    private mutating func addDefinitions(_ digests: Set<String>) async throws {
        for digest in digests.sorted() {
            if let definition = try await store.definition(digest) {
                try count(definition.source.count)
                try draft.add(definition: digest, definition.source)
            } else {
                lack(
                    "definition", HistoryAudit.Named(digest: digest, place: "a run"), .lost,
                    "the store does not hold it")
            }
        }
    }

    private mutating func add(_ name: String, _ bytes: [UInt8]) throws {
        try count(bytes.count)
        try draft.add(name, bytes)
    }

    private mutating func count(_ bytes: Int) throws {
        total += bytes
        guard total <= Bundler.blobBytesMax else {
            throw Bundler.Failure.tooLarge("what it names is larger than \(Bundler.blobBytesMax) bytes")
        }
    }

    private mutating func lack(_ what: String, _ named: HistoryAudit.Named, _ told: BundleRetention.Told) {
        tellers.insert(told.index)
        lack(what, named, told.state, told.says)
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
