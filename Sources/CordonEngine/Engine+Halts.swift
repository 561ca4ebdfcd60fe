// SPDX-License-Identifier: Apache-2.0

package import CordonCore
import CordonLanguage
package import CordonStore
import Logging
import Synchronization

/// One halt that stands: what it stops, who set it, and why.
package struct Halt: Sendable, Hashable {
    package var scope: Halts.Scope
    package var by: String
    package var reason: String
    package var since: Instant

    package init(scope: Halts.Scope, by: String, reason: String, since: Instant) {
        self.scope = scope
        self.by = by
        self.reason = reason
        self.since = since
    }
}

/// The halts as their own stream of the history tells of them.
struct HaltBook: Sendable {
    static let stream = "halts"
    private static let set = "haltSet"
    private static let lifted = "haltLifted"

    private(set) var standing: [Halts.Scope: Halt] = [:]
    /// The number of the stream's last entry.
    private(set) var number = 0

    var halts: Halts { Halts(Set(standing.keys)) }

    mutating func apply(_ entry: Entry) throws(EngineError) {
        // One's own line may come after another's that was read meanwhile.
        guard entry.number > number else { return }
        let body: Value
        do { body = try JSON.parse(entry.bytes)["body"] ?? .null } catch { throw unreadable(entry) }
        guard let scope = body["scope"]?.stringValue.flatMap(Halts.Scope.init(text:)) else { throw unreadable(entry) }
        switch entry.kind {
        case Self.set:
            standing[scope] = Halt(
                scope: scope, by: body["by"]?.stringValue ?? "", reason: body["reason"]?.stringValue ?? "",
                since: entry.at)
        case Self.lifted: standing[scope] = nil
        default: throw unreadable(entry)
        }
        number = entry.number
    }

    /// The entry that sets or lifts a halt, or `nil` when nothing would change.
    func entry(
        _ scope: Halts.Scope, isSet: Bool, by: String, reason: String, _ chronicle: Chronicle, at now: Instant
    ) -> Entry? {
        guard (standing[scope] != nil) != isSet else { return nil }
        return chronicle.entry(
            Self.stream, number + 1, now, isSet ? Self.set : Self.lifted,
            ["scope": .string(scope.text), "by": .string(by), "reason": .string(reason)])
    }

    private func unreadable(_ entry: Entry) -> EngineError {
        EngineError(.store, "line \(entry.number) of \(entry.stream) can't be read by this version")
    }
}

extension Halt {
    package var reported: GuardReport.Halted {
        GuardReport.Halted(scope: scope.text, by: by, reason: reason, since: since)
    }
}

extension Store {
    /// The halts that stand, where no server runs.
    package func standingHalts() async throws -> [Halt] {
        var book = HaltBook()
        while true {
            let page = try await history(HaltBook.stream, from: book.number + 1, limit: 500)
            for indexed in page { try book.apply(indexed.entry) }
            if page.count < 500 { return book.standing.values.sorted { $0.scope.text < $1.scope.text } }
        }
    }
}

extension Engine {
    package var standingHalts: [Halt] {
        haltBook.withLock { $0.standing.values.sorted { $0.scope.text < $1.scope.text } }
    }

    package var providerNames: [String] { providers.keys.sorted() }

    var halts: Halts { haltBook.withLock { $0.halts } }

    /// Reads what stands before anything is done.
    func readHalts() async throws {
        while true {
            let first = haltBook.withLock { $0.number } + 1
            let page = try await store.history(HaltBook.stream, from: first, limit: 500)
            for indexed in page {
                try haltBook.withLock { (book) throws(EngineError) in try book.apply(indexed.entry) }
            }
            if page.count < 500 { return }
        }
    }

    /// Stops automation there, or lets it go on. In force, and in the history, when it returns; false when it was so.
    package func setHalt(
        _ scope: Halts.Scope, isSet: Bool, by: String, reason: String
    ) async throws(StoreError) -> Bool {
        while true {
            let entry = haltBook.withLock {
                $0.entry(scope, isSet: isSet, by: by, reason: reason, chronicle, at: clock.now)
            }
            guard let entry else { return false }
            do throws(StoreError) {
                let notices = notice(ofHalt: scope, isSet: isSet, by: by, reason: reason, entry.number)
                try await store.note(entry, notices: notices)
                noticeDesk.note(notices)
            } catch {
                guard error.code == .conflict else { throw error }
                // Another was first: what stands is read again, then decided anew.
                do { try await readHalts() } catch { throw StoreError(.corrupt, "\(error)") }
                continue
            }
            do throws(EngineError) {
                try haltBook.withLock { (book) throws(EngineError) in try book.apply(entry) }
            } catch { throw StoreError(.corrupt, error.reason) }
            logger.notice(
                isSet ? "automation is halted" : "a halt is lifted",
                metadata: ["scope": "\(scope.text)", "by": "\(by)", "reason": "\(reason)"])
            if !isSet { await releaseHalted() }
            return true
        }
    }

    /// Has every run that waits for the end of a halt look again.
    func releaseHalted() async {
        var query = RunQuery()
        query.onlyLive = true
        query.wake = "halt"
        query.readsTails = false
        query.oldestFirst = true
        query.limit = 500
        do throws(StoreError) {
            while true {
                let page = try await store.runs(query)
                for stored in page { hand(.advance(stored.id, .timerFired)) }
                guard page.count == query.limit else { return }
                query.beyond = page.last?.id
            }
        } catch {
            // The sweep comes back to them.
            logger.error("halted runs could not be read", metadata: ["error": "\(error)"])
        }
    }
}
