// SPDX-License-Identifier: Apache-2.0

package import CordonCore
package import CordonEvidence
package import CordonLanguage
package import CordonStore

/// What the history tells of its own signed log: under which name and keys it is signed, and whether it was forked.
package struct LogBook: Sendable {
    package static let stream = "log"
    static let opened = "logOpened"
    static let keysChanged = "logKeysChanged"
    static let witnessesChanged = "logWitnessesChanged"
    /// No quorum of witnesses has cosigned for a while, and signing goes on without.
    static let silent = "witnessesSilent"
    package static let forked = "logForked"
    /// Nothing is signed for now: no key is there, a disk is full, no witness answers.
    package static let refused = "logSigningRefused"
    /// A person had a new log begun, after the old one was forked.
    package static let reopened = "logReopened"
    private static let pageRows = 500

    /// That what had been signed was not there any more.
    package struct Fork: Sendable, Hashable {
        package var size: Int64
        package var root: String
        package var says: String
        package var at: Instant
    }

    package private(set) var origin: String?
    package private(set) var keys: [String] = []
    /// Name and key of those that are asked to cosign.
    package private(set) var witnesses: [String] = []
    /// Since when those are asked.
    private(set) var witnessesAt: Instant?
    /// When and where it was told last that too few of them answer.
    private(set) var silence: (place: String, at: Instant)?
    /// Unless a new log was begun since.
    package private(set) var fork: Fork?
    private(set) var number = 0

    package init() {}

    package mutating func apply(_ entry: Entry) {
        let body = (try? JSON.parse(entry.bytes))?["body"] ?? .null
        switch entry.kind {
        case Self.opened:
            origin = body["origin"]?.stringValue
            keys = (body["keys"]?.arrayValue ?? []).compactMap(\.stringValue)
        case Self.reopened: (origin, keys, fork) = (nil, [], nil)
        case Self.keysChanged: keys = (body["keys"]?.arrayValue ?? []).compactMap(\.stringValue)
        case Self.witnessesChanged:
            witnesses = (body["witnesses"]?.arrayValue ?? []).compactMap(\.stringValue)
            witnessesAt = entry.at
        case Self.silent: silence = ("\(entry.stream)@\(entry.number)", entry.at)
        case Self.forked:
            fork = Fork(
                size: body["signed_size"]?.intValue ?? 0, root: body["signed_root"]?.stringValue ?? "",
                says: body["says"]?.stringValue ?? "", at: entry.at)
        default: break
        }
        number = entry.number
    }

    /// What a log had signed when it was put aside, for the line that begins the next.
    package static func told(_ log: LogFolder, as name: String) -> Value {
        var was: [String: Value] = ["folder": .string(name)]
        // Whatever can't be read there is why it is put aside: the folder's name stands all the same.
        guard let note = try? log.published(), let read = try? Note(parsing: note),
            let checkpoint = try? Checkpoint(parsing: read.text)
        else { return .object(was) }
        was["origin"] = .string(checkpoint.origin)
        was["size"] = .int(Int64(clamping: checkpoint.size))
        was["root"] = .string(checkpoint.root.text)
        was["keys"] = .array(((try? log.keys()) ?? []).map { .string($0.text) })
        return .object(was)
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
