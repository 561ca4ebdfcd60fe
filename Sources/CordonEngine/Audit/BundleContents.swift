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
    private var files: [String: Tar.File] = [:]
    private var absent: [Value] = []
    private var total = 0

    private init(_ store: any Store, _ blobs: Blobs, _ includesBodies: Bool) {
        self.store = store
        self.blobs = blobs
        self.includesBodies = includesBodies
    }

    static func gather(
        _ head: BundleHead, _ lines: [BundleLine], store: any Store, blobs: Blobs, includesBodies: Bool
    ) async throws -> [Tar.File] {
        var history = HistoryAudit(head.coverage)
        for line in lines { history.take(line.bytes, place: "entry \(line.index)") }
        var contents = BundleContents(store, blobs, includesBodies)
        try contents.addBlobs(history)
        try await contents.addBodies(history)
        // Of a run those that it ran on; of a period all that came into force.
        try await contents.addDefinitions(head.kind == .run ? history.pins : history.pins.union(history.published))
        return Array(contents.files.values)
            + [Tar.File(name: BundleFormat.absent, bytes: BundleViews.jsonFile(.array(contents.absent)))]
    }

    private mutating func addBlobs(_ history: HistoryAudit) throws {
        for named in history.blobs.values.sorted(by: { $0.digest < $1.digest }) {
            let bytes: [UInt8]
            do throws(EvidenceError) { bytes = try blobs.get(try Digest(parsing: named.digest)) } catch {
                lack("blob", named, .lost, error.reason)
                continue
            }
            try add(BundleFormat.blob(named.digest), bytes)
        }
    }

    private mutating func addBodies(_ history: HistoryAudit) async throws {
        let expired = try await expired()
        for (alert, named) in history.bodies.sorted(by: { $0.key < $1.key }) {
            var query = AlertQuery()
            query.id = AlertID(alert)
            let body = try await store.alerts(query).first?.body ?? []
            if body.isEmpty, named.digest != digestText([]) {
                if expired.contains(alert) || history.expired.contains(alert) {
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

    /// What the history says of bodies that had their time: a bundle of a run does not hold those lines.
    private func expired() async throws -> Set<String> {
        var all: Set<String> = []
        var next = 1
        while true {
            let page = try await store.history(RetentionBook.stream, from: next, limit: 500)
            guard !page.isEmpty else { return all }
            for item in page {
                let body = (try? JSON.parse(item.entry.bytes))?["body"]
                all.formUnion((body?["alerts"]?.arrayValue ?? []).compactMap(\.stringValue))
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

    private mutating func add(_ name: String, _ bytes: [UInt8]) throws(Bundler.Failure) {
        total += bytes.count
        guard total <= Bundler.blobBytesMax else {
            throw .tooLarge("what it names is larger than \(Bundler.blobBytesMax) bytes")
        }
        files[name] = Tar.File(name: name, bytes: bytes)
    }

    private mutating func lack(
        _ what: String, _ named: HistoryAudit.Named, _ state: AbsentState, _ reason: String
    ) {
        absent.append([
            "what": .string(what), "digest": .string(named.digest), "named_by": .string(named.place),
            "state": .string(state.rawValue), "reason": .string(reason),
        ])
    }
}
