// SPDX-License-Identifier: Apache-2.0

import CordonCore
import CordonEvidence
import CordonLanguage
package import CordonStore

/// Why something can't be held, released or erased, with the way out. Equal by code.
package struct RetentionRefusal: Error, Sendable {
    package enum Code: String, Sendable { case notFound, conflict, held, live, store, disk }

    package var code: Code
    package var reason: String
}

extension RetentionRefusal: Equatable {
    package static func == (left: RetentionRefusal, right: RetentionRefusal) -> Bool { left.code == right.code }
}

/// Sets and releases legal holds, and erases what is kept of a subject: each is a line of the history before anything
/// else happens.
package struct RetentionDesk: Sendable {
    /// Bodies that one line of the history may tell of.
    private static let alertsPerLine = 500
    private static let triesMax = 8

    private let store: any Store
    private let clock: any WallClock
    private let evidence: EvidenceKeeper

    package init(store: any Store, clock: any WallClock, evidence: EvidenceKeeper) {
        (self.store, self.clock, self.evidence) = (store, clock, evidence)
    }

    package func book() async throws(RetentionRefusal) -> RetentionBook {
        var book = RetentionBook()
        do { try await book.read(store) } catch { throw Self.refusal(error) }
        return book
    }

    // MARK: Legal holds

    package func hold(_ scope: RetentionBook.Scope, by: String, reason: String) async throws(RetentionRefusal) {
        try await write(RetentionBook.holdSet, by, reason, scope) { (book) throws(RetentionRefusal) in
            guard book.holds[scope] == nil else {
                throw RetentionRefusal(code: .conflict, reason: "\(scope.text) is held already")
            }
        }
    }

    package func release(_ scope: RetentionBook.Scope, by: String, reason: String) async throws(RetentionRefusal) {
        try await write(RetentionBook.holdReleased, by, reason, scope) { (book) throws(RetentionRefusal) in
            guard book.holds[scope] != nil else {
                throw RetentionRefusal(code: .notFound, reason: "no legal hold stands on \(scope.text)")
            }
        }
    }

    private func write(
        _ kind: String, _ by: String, _ reason: String, _ scope: RetentionBook.Scope,
        _ check: (RetentionBook) throws(RetentionRefusal) -> Void
    ) async throws(RetentionRefusal) {
        for _ in 0..<Self.triesMax {
            let book = try await book()
            try check(book)
            let entry = Chronicle().entry(
                RetentionBook.stream, book.number + 1, clock.now, kind,
                ["scope": .string(scope.text), "by": .string(by), "reason": .string(reason)])
            do throws(StoreError) { return try await store.note(entry) } catch {
                // Somebody took the number: what stands now is read again.
                guard error.code == .conflict else { throw Self.refusal(error) }
            }
        }
        throw RetentionRefusal(code: .store, reason: "the stream of retention is being written by others; try again")
    }

    // MARK: Erasure

    /// Takes away the bodies of the alerts and the evidence of all runs of one subject. The history keeps its lines, with
    /// the digests; a crash in between leaves evidence that the next start takes away.
    package func erase(
        subject key: String, by: String, reason: String
    ) async throws(RetentionRefusal) -> RetentionBook.Erasure {
        let book = try await book()
        evidence.forget()
        let trace: SubjectTrace
        do { trace = try await SubjectTrace.read(.subject(key), store) } catch { throw Self.refusal(error) }
        guard !trace.runs.isEmpty || !trace.alerts.isEmpty else {
            throw RetentionRefusal(code: .notFound, reason: "the history knows no subject \(key)")
        }
        try await refuseHeld(trace, key, book)
        if let live = trace.liveRuns.first {
            throw RetentionRefusal(
                code: .live, reason: "\(live) of \(key) has not ended; cancel it or wait, then erase again")
        }
        let bodies = try await bodies(of: trace)
        var erasure = RetentionBook.Erasure(
            subject: key, by: by, reason: reason, at: clock.now, runs: trace.runs.sorted(), alerts: [],
            blobs: trace.blobs.subtracting(trace.shared).sorted(), shared: trace.shared.sorted())
        var rest = bodies[...]
        repeat {
            erasure.alerts = rest.prefix(Self.alertsPerLine).map(\.text)
            try await tell(erasure, Array(rest.prefix(Self.alertsPerLine)), trace, seen: book)
            rest = rest.dropFirst(Self.alertsPerLine)
        } while !rest.isEmpty
        // Durable from here: the evidence goes now, or at the next start.
        do { try await evidence.erase(erasure.blobs) } catch {
            throw RetentionRefusal(code: .disk, reason: "the history says that it goes, but \(error.reason)")
        }
        erasure.alerts = bodies.map(\.text)
        return erasure
    }

    private func refuseHeld(_ trace: SubjectTrace, _ key: String, _ book: RetentionBook) async throws(RetentionRefusal)
    {
        for hold in book.holds.values {
            switch hold.scope {
            case .subject(key): break
            case .run(let id) where trace.runs.contains(id.text): break
            default:
                guard try await !held(hold.scope).isDisjoint(with: trace.alerts) else { continue }
            }
            throw RetentionRefusal(
                code: .held,
                reason: "\(hold.scope.text) is held since \(hold.since) by \(hold.by): \(hold.reason); release it first"
            )
        }
    }

    private func held(_ scope: RetentionBook.Scope) async throws(RetentionRefusal) -> Set<String> {
        do { return try await SubjectTrace.read(scope, store).alerts } catch { throw Self.refusal(error) }
    }

    private func bodies(of trace: SubjectTrace) async throws(RetentionRefusal) -> [AlertID] {
        var found: [AlertID] = []
        for text in trace.alerts.sorted() {
            var query = AlertQuery()
            query.id = AlertID(text)
            do {
                for alert in try await store.alerts(query) where !alert.body.isEmpty { found.append(alert.id) }
            } catch { throw Self.refusal(error) }
        }
        return found
    }

    private func tell(
        _ erasure: RetentionBook.Erasure, _ alerts: [AlertID], _ trace: SubjectTrace, seen: RetentionBook
    ) async throws(RetentionRefusal) {
        for _ in 0..<Self.triesMax {
            // A hold has a number in this stream: it stands before this line and is heard, or this line is refused.
            let now = try await book()
            if now.holds != seen.holds { try await refuseHeld(trace, erasure.subject, now) }
            let number = now.number
            let entry = Chronicle().entry(
                RetentionBook.stream, number + 1, erasure.at, RetentionBook.erased, erasure.body)
            do throws(StoreError) { return try await store.expire(alerts, entry: entry) } catch {
                guard error.code == .conflict else { throw Self.refusal(error) }
                // Either another writer took the number, or a live run needs one of these bodies.
                guard try await book().number == number else { continue }
                throw RetentionRefusal(
                    code: .live, reason: "a run that has not ended needs one of its alerts; erase again when it has")
            }
        }
        throw RetentionRefusal(code: .store, reason: "the stream of retention is being written by others; try again")
    }

    private static func refusal(_ error: StoreError) -> RetentionRefusal {
        RetentionRefusal(code: .store, reason: error.reason)
    }
}
