// SPDX-License-Identifier: Apache-2.0

package import CordonCore
import CordonLanguage
package import CordonStore

/// What the history tells of its own signed log: under which name and keys it is signed, and whether it was forked.
package struct LogBook: Sendable {
    package static let stream = "log"
    static let opened = "logOpened"
    static let keysChanged = "logKeysChanged"
    static let witnessesChanged = "logWitnessesChanged"
    package static let forked = "logForked"
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
        case Self.forked:
            fork = Fork(
                size: body["signed_size"]?.intValue ?? 0, root: body["signed_root"]?.stringValue ?? "",
                says: body["says"]?.stringValue ?? "", at: entry.at)
        default: break
        }
        number = entry.number
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
