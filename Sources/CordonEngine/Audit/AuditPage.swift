// SPDX-License-Identifier: Apache-2.0

import CordonCore
import CordonStore

/// A page of the log as the store gave it, with its lines shared out.
struct AuditPage: Sendable {
    /// Enough that sharing them out costs little, and small enough that what is made of them stays near the processor.
    static let entries = 2000

    /// The first place of the `entries` that it is of.
    let first: Int
    let lines: [IndexedEntry]
    let piece: AuditPiece
    let failure: StoreError?
    /// Whether nothing lay behind it when it was read.
    let isLast: Bool
    /// Where the next entry is when there is none in it.
    let next: Int

    /// No log reaches so far: what claims such a place is there to be overlooked.
    private static let placeMax = 1 << 53

    private init(_ first: Int, _ found: [IndexedEntry], _ shards: Int, failure: StoreError?) {
        // Of a log with a gap the rest belongs to another page.
        let end = first + Self.entries
        lines = found.last.map { $0.index < end } ?? true ? found : Array(found.prefix { $0.index < end })
        piece = AuditPiece(.entries(lines), shards: shards)
        let rest = found.count > lines.count ? found[lines.count].index : nil
        let isBeyond = rest.map { $0 > Self.placeMax } ?? false
        let beyond = isBeyond ? StoreError(.corrupt, "an entry claims a place that no log reaches") : nil
        next = isBeyond ? end : rest ?? end
        self.failure = failure ?? beyond
        // What lies behind a gap is judged too.
        isLast = failure != nil || isBeyond || (rest == nil && found.count < Self.entries)
        self.first = first
    }

    static func read(_ store: any Store, from first: Int, _ shards: Int) async -> AuditPage {
        do throws(StoreError) {
            return AuditPage(first, try await store.log(from: first, limit: entries), shards, failure: nil)
        } catch { return AuditPage(first, [], shards, failure: error) }
    }
}

/// The pages of a log in their order, some of them on their way at once: reading one needs no other.
struct AuditPages {
    private static let ahead = 3

    /// Hands over page by page, until there are no more or one could not be read.
    static func each(of store: any Store, shards: Int, _ take: (AuditPage) async -> Void) async {
        await withTaskGroup(of: AuditPage.self) { group in
            var starts: [Int] = []
            var ready: [Int: AuditPage] = [:]
            var next = 0
            while true {
                while starts.count < AuditPages.ahead {
                    let first = next
                    group.addTask { await AuditPage.read(store, from: first, shards) }
                    starts.append(first)
                    next += AuditPage.entries
                }
                let first = starts.removeFirst()
                while ready[first] == nil, let page = await group.next() { ready[page.first] = page }
                guard let page = ready.removeValue(forKey: first) else { return }
                await take(page)
                // What came behind the last one meanwhile is not judged: it was not there when that was read.
                guard !page.isLast else { return group.cancelAll() }
                next = max(next, page.next)
            }
        }
    }
}
