// SPDX-License-Identifier: Apache-2.0

import CordonCore
import CordonEvidence
import CordonStore

/// A page of the log with all of it done that needs no order: hashed, parsed, compared with the columns beside it.
struct AuditPage: Sendable {
    /// A class, so that a line that was read is handed on and not copied. Its bytes were looked at and are gone.
    final class Line: Sendable {
        let index: Int
        let stream: String
        let number: Int
        /// Of its bytes, and as it stands beside them.
        let hash: Digest
        let leaf: Digest?
        let line: Result<HistoryLine, HistoryLine.Fault>
        /// Whether the columns say what the line says.
        let isAsItsColumns: Bool

        init(_ indexed: IndexedEntry) {
            let entry = indexed.entry
            (index, stream, number) = (indexed.index, entry.stream, entry.number)
            leaf = Digest(bytes: entry.leaf)
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

    /// Small enough that what is made of it stays near the processor until it is judged.
    static let entries = 500

    /// The first place of the `entries` that it is of.
    let first: Int
    let lines: [Line]
    let failure: StoreError?
    /// Whether nothing lay behind it when it was read.
    let isLast: Bool
    /// Where the next entry is when there is none in it.
    let next: Int

    static func read(_ store: any Store, from first: Int) async -> AuditPage {
        let found: [IndexedEntry]
        do throws(StoreError) { found = try await store.log(from: first, limit: entries) } catch {
            return AuditPage(first: first, lines: [], failure: error, isLast: true, next: first)
        }
        // Of a log with a gap the rest belongs to another page.
        let lines = found.prefix { $0.index < first + entries }.map(Line.init)
        let next = found.count > lines.count ? found[lines.count].index : first + entries
        return AuditPage(first: first, lines: lines, failure: nil, isLast: found.count < entries, next: next)
    }
}

/// The pages of a log in their order, some of them on their way at once: reading, hashing and parsing one need no other.
struct AuditPages {
    private static let ahead = 4

    /// Hands over page by page, until there are no more or one could not be read.
    static func each(of store: any Store, _ take: (AuditPage) -> Void) async {
        await withTaskGroup(of: AuditPage.self) { group in
            var starts: [Int] = []
            var ready: [Int: AuditPage] = [:]
            var next = 0
            while true {
                while starts.count < AuditPages.ahead {
                    let first = next
                    group.addTask { await AuditPage.read(store, from: first) }
                    starts.append(first)
                    next += AuditPage.entries
                }
                let first = starts.removeFirst()
                while ready[first] == nil, let page = await group.next() { ready[page.first] = page }
                guard let page = ready.removeValue(forKey: first) else { return }
                take(page)
                // What came behind the last one meanwhile is not judged: it was not there when that was read.
                guard !page.isLast else { return group.cancelAll() }
                next = max(next, page.next)
            }
        }
    }
}
