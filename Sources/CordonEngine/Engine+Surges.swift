// SPDX-License-Identifier: Apache-2.0

package import CordonCore
package import CordonLanguage
import CordonStore
import Logging
import Synchronization

/// A surge of signals on one playbook: one notice, however many signals it is.
package struct SurgeNotice: Sendable, Hashable {
    package var playbook: String
    package var since: Instant
    package var matched: Int
    package var median: Double
    package var threshold: Int
    package var windowMilliseconds: Int64

    package init(_ pace: SurgePace, of playbook: String, since: Instant) {
        self.playbook = playbook
        self.since = since
        matched = pace.matched
        median = pace.median
        threshold = pace.threshold
        windowMilliseconds = pace.rule.windowMilliseconds
    }

    package var value: Value {
        [
            "playbook": .string(playbook), "since": .string(since.description), "matched": .int(Int64(matched)),
            "median": .double(median), "threshold": .int(Int64(threshold)),
            "window": .string(YAMLDuration.text(milliseconds: windowMilliseconds)),
        ]
    }

    init?(_ body: Value) {
        guard let playbook = body["playbook"]?.stringValue,
            let since = body["since"]?.stringValue.flatMap(Instant.init(rfc3339:)),
            let matched = body["matched"]?.intValue, let threshold = body["threshold"]?.intValue,
            let window = body["window"]?.stringValue.flatMap(YAMLDuration.milliseconds)
        else { return nil }
        self.playbook = playbook
        self.since = since
        self.matched = Int(matched)
        self.threshold = Int(threshold)
        windowMilliseconds = window
        switch body["median"] {
        case .double(let number)?: median = number
        case .int(let number)?: median = Double(number)
        default: median = 0
        }
    }
}

/// The surges as their own stream of the history tells of them; whoever pages people reads it there.
package struct SurgeBook: Sendable {
    package static let stream = "surges"
    static let began = "surgeBegan"
    static let ended = "surgeEnded"

    package private(set) var standing: [String: SurgeNotice] = [:]
    /// The number of the stream's last entry.
    package private(set) var number = 0

    package init() {}

    package mutating func apply(_ entry: Entry) throws(EngineError) {
        let body = try? JSON.parse(entry.bytes)["body"]
        guard let body, let playbook = body["playbook"]?.stringValue else { throw unreadable(entry) }
        switch entry.kind {
        case Self.began: standing[playbook] = SurgeNotice(body)
        case Self.ended: standing[playbook] = nil
        default: throw unreadable(entry)
        }
        number = entry.number
    }

    private func unreadable(_ entry: Entry) -> EngineError {
        EngineError(.store, "line \(entry.number) of \(entry.stream) can't be read by this version")
    }
}

extension GuardDesk.State {
    /// The stricter of the installation's rule and the playbook's, where it is over; else the first that there is.
    private func pace(of playbook: String, _ library: Library, at now: Instant) -> [SurgePace] {
        let own = library.playbooks.firstIndex { $0.name == playbook }.flatMap { library.playbooks[$0].guards.surge }
        return [library.guards.surge, own].compactMap { $0 }.map { SurgePace($0, playbook, standing, at: now) }
    }

    mutating func noticeSurge(of playbook: String, _ library: Library, at now: Instant) {
        guard standing.surges[playbook] == nil,
            let over = pace(of: playbook, library, at: now).first(where: \.isOver)
        else { return }
        standing.surges[playbook] = now
        noticed.append(SurgeNotice(over, of: playbook, since: now))
    }

    /// The surges that are over: well below what began them, so that one that comes and goes is one.
    func calm(_ library: Library, at now: Instant) -> [String] {
        standing.surges.keys.sorted().filter { pace(of: $0, library, at: now).allSatisfy(\.isCalm) }
    }
}

extension Engine {
    func readSurges() async throws {
        while true {
            let first = guardDesk.state.withLock { $0.book.number } + 1
            let page = try await store.history(SurgeBook.stream, from: first, limit: 500)
            try guardDesk.state.withLock { state in
                for indexed in page {
                    let known = Set(state.book.standing.keys)
                    try state.book.apply(indexed.entry)
                    for over in known.subtracting(state.book.standing.keys) { state.standing.surges[over] = nil }
                }
                for (playbook, notice) in state.book.standing { state.standing.surges[playbook] = notice.since }
            }
            if page.count < 500 { return }
        }
    }

    /// Puts into the history what was noticed; what can't be stored now is noticed again with the next signal.
    func noteSurges() async {
        let noticed = guardDesk.state.withLock { state in
            defer { state.noticed = [] }
            return state.noticed
        }
        for notice in noticed {
            await note(SurgeBook.began, notice.value, notice.playbook)
            logger.warning(
                "a surge of signals: the playbook only proposes",
                metadata: [
                    "playbook": "\(notice.playbook)", "matched": "\(notice.matched)",
                    "threshold": "\(notice.threshold)",
                ])
        }
    }

    /// Lets surges end that are over.
    func endSurges() async {
        let now = clock.now
        let library = self.library
        for playbook in guardDesk.state.withLock({ $0.calm(library, at: now) }) {
            await note(SurgeBook.ended, ["playbook": .string(playbook), "at": .string(now.description)], playbook)
            logger.notice("a surge of signals is over", metadata: ["playbook": "\(playbook)"])
        }
    }

    private func note(_ kind: String, _ body: Value, _ playbook: String) async {
        while true {
            let number = guardDesk.state.withLock { $0.book.number } + 1
            let entry = chronicle.entry(SurgeBook.stream, number, clock.now, kind, body)
            do {
                try await store.note(entry)
                try guardDesk.state.withLock { state in
                    try state.book.apply(entry)
                    if kind == SurgeBook.ended { state.standing.surges[playbook] = nil }
                }
                return
            } catch let error as StoreError where error.code == .conflict {
                // Another was first: what stands is read again.
                do { try await readSurges() } catch {
                    return logger.error("the surges can't be read", metadata: ["error": "\(error)"])
                }
            } catch {
                guardDesk.state.withLock { state in
                    if kind == SurgeBook.began { state.standing.surges[playbook] = nil }
                }
                return logger.error("a surge could not be stored", metadata: ["error": "\(error)"])
            }
        }
    }
}

extension Decision {
    /// Whether the run is a proposal because of a surge.
    func isSurge(of run: RunID) -> Bool {
        matches.contains { match in
            match.run == run && match.reasons.contains { $0.guardName == "surge" && $0.verdict != .enforce }
        }
    }
}
