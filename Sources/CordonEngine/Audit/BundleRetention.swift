// SPDX-License-Identifier: Apache-2.0

import CordonCore
import CordonLanguage
import CordonStore

/// What the history says of what is gone, and in which line: a bundle does not hold all of those lines by itself.
struct BundleRetention {
    private static let pageRows = 500

    struct Told {
        var state: AbsentState
        /// Who took it away, when and why.
        var says: String
        /// The place of the line in the log.
        var index: Int
    }

    /// What lines that were read at one time tell of.
    struct News {
        /// Alerts whose bodies went, and digests of evidence.
        var names: Set<String> = []
        var destroysKey = false
    }

    /// By alert or digest.
    private var told: [String: Told] = [:]
    private var number = 0

    subscript(_ name: String) -> Told? { told[name] }

    /// Reads what was told since it was last read.
    mutating func read(_ store: any Store) async throws(StoreError) -> News {
        var news = News()
        while true {
            let page = try await store.history(RetentionBook.stream, from: number + 1, limit: Self.pageRows)
            for indexed in page { take(indexed, &news) }
            number = page.last?.entry.number ?? number
            guard page.count == Self.pageRows else { return news }
        }
    }

    private mutating func take(_ indexed: IndexedEntry, _ news: inout News) {
        let entry = indexed.entry
        let body = (try? JSON.parse(entry.bytes))?["body"] ?? .null
        func names(_ member: String) -> [String] { (body[member]?.arrayValue ?? []).compactMap(\.stringValue) }
        func tell(_ names: [String], _ state: AbsentState, _ says: String) {
            news.names.formUnion(names)
            // What was erased is not called expired by a later line.
            for name in names where state == .erased || told[name]?.state != .erased {
                told[name] = Told(state: state, says: says, index: indexed.index)
            }
        }
        switch entry.kind {
        case RetentionBook.erased:
            tell(names("alerts") + names("blobs"), .erased, "\(entry.at): \(HistoryAudit.erasure(body))")
        case RetentionBook.evidenceExpired:
            tell(names("blobs"), .expired, "it had its time, and the history says so at \(entry.at)")
        case RetentionBook.expired: tell(names("alerts"), .expired, "it had its time, and the history says so")
        case RetentionBook.keyDestroyed: news.destroysKey = true
        default: break
        }
    }
}
