// SPDX-License-Identifier: Apache-2.0

import CordonCore
import CordonEvidence
import CordonStore

/// A page of the log with all of it done that needs no order: hashed, parsed, compared with the columns beside it.
struct AuditPage: Sendable {
    struct Line: Sendable {
        let indexed: IndexedEntry
        let hash: Digest
        let line: Result<HistoryLine, HistoryLine.Fault>
        /// Whether the columns say what the line says.
        let isAsItsColumns: Bool

        init(_ indexed: IndexedEntry) {
            let entry = indexed.entry
            self.indexed = indexed
            hash = MerkleLog.leafHash(entry.bytes)
            line = HistoryLine.read(entry.bytes, known: entry.stream)
            if case .success(let read) = line {
                isAsItsColumns =
                    read.at == entry.at && read.number == entry.number && read.kind == entry.kind
                    && read.stream == entry.stream && read.isSpelledAsWritten
            } else {
                isAsItsColumns = false
            }
        }
    }

    /// Where it was to begin.
    let first: Int
    let lines: [Line]
    let failure: StoreError?
    let isLast: Bool

    static func read(_ store: any Store, from first: Int, limit: Int) async -> AuditPage {
        let page: [IndexedEntry]
        do throws(StoreError) { page = try await store.log(from: first, limit: limit) } catch {
            return AuditPage(first: first, lines: [], failure: error, isLast: true)
        }
        async let half = page.prefix(page.count / 2).map(Line.init)
        let rest = page.suffix(page.count - page.count / 2).map(Line.init)
        return AuditPage(first: first, lines: await half + rest, failure: nil, isLast: page.count < limit)
    }

    static func next(after page: AuditPage, _ store: any Store, limit: Int) async -> AuditPage? {
        guard !page.isLast, let last = page.lines.last?.indexed.index else { return nil }
        return await read(store, from: last + 1, limit: limit)
    }
}
