// SPDX-License-Identifier: Apache-2.0

import Foundation
import Synchronization
import TestKit

/// A provider that counts: what it was asked, under which key, what it did and what it answered. By a seed it is slow,
/// busy, down or gone in the middle of an answer; what it did before that, it did.
final class CountingProvider: Sendable {
    /// One request that it read whole.
    struct Line: Sendable, Hashable {
        var order: Int
        /// Only changes carry one.
        var key: String?
        var capability: String
        var subject: String
        /// It was asked for the state, and did nothing.
        var asksState: Bool
        /// It changed something.
        var tookEffect: Bool
        /// The status that it answered, or was about to; nil when it hung up without a word.
        var status: Int?
        /// For how long it did not answer.
        var delayMilliseconds = 0
    }

    /// What a request meets.
    fileprivate enum Mood: CaseIterable {
        case well, slow, silent, hangsUpBefore, hangsUpAfter, resetsAfter, halfAnAnswer, busy, busyForASecond, down
        case faultBefore, faultAfter
    }

    /// Longer than the connector's timeout.
    static let silenceMilliseconds = 1_500

    let server: LoopbackServer
    private let book: Book

    fileprivate struct State {
        var lines: [Line] = []
        /// How often each effect happened, by capability and subject.
        var effects: [String: Int] = [:]
        /// What a key did, for those that are honored.
        var honored: [String: Line] = [:]
        var random: Seeded
        var isKind = false
    }

    /// What the handler, which is made before `self`, shares with it.
    fileprivate final class Book: Sendable {
        let state: Mutex<State>

        init(_ random: Seeded) { state = Mutex(State(random: random)) }
    }

    init(_ random: Seeded) throws {
        let book = Book(random)
        self.book = book
        server = try LoopbackServer { request in book.answer(request) }
    }

    var lines: [Line] { book.state.withLock { $0.lines } }
    var count: Int { book.state.withLock { $0.lines.count } }

    /// From now on every answer is prompt and honest.
    func calmDown() { book.state.withLock { $0.isKind = true } }

    /// Whether the request under this key did what it asked for: what a person finds out who is asked.
    func tookEffect(_ key: String) -> Bool {
        book.state.withLock { state in state.lines.contains { $0.key == key && $0.tookEffect } }
    }

    /// Returns once nothing is on its way any more of what an ended process sent: each request of it is in the lines.
    func settle(_ web: Web) async throws {
        // Connections are taken in order: when this one is answered, those before it were taken too.
        _ = try await web.ask("GET", server.url + "/fence")
        try await eventually("the provider to be done with an ended process") { server.openConnections.isEmpty }
    }
}

extension CountingProvider.Book {
    fileprivate func answer(_ request: LoopbackServer.Request) -> LoopbackServer.Answer {
        let words = request.path.split(separator: "/").map(String.init)
        guard words.count == 3 else { return .respond(204, ["connection": "close"]) }
        return state.withLock { state in
            state.answer(asksState: words[0] == "state", words[1], words[2], request.headers["idempotency-key"])
        }
    }
}

extension CountingProvider.State {
    fileprivate mutating func answer(
        asksState: Bool, _ capability: String, _ subject: String, _ key: String?
    ) -> LoopbackServer.Answer {
        let mood = isKind ? .well : nextMood()
        var line = CountingProvider.Line(
            order: lines.count + 1, key: key, capability: capability, subject: subject, asksState: asksState,
            tookEffect: false, status: mood.status)
        line.delayMilliseconds =
            switch mood {
            case .slow: Int.random(in: 1...60, using: &random)
            case .silent: CountingProvider.silenceMilliseconds
            default: 0
            }
        if mood.acts, !asksState, capability != "evidence.capture" { act(&line) }
        lines.append(line)
        return mood.answer(
            #"{"active":\#(effects[line.effect] == nil),"line":\#(line.order)}"#, delay: line.delayMilliseconds)
    }

    /// Does it, unless it was done under this key before and the key is honored.
    private mutating func act(_ line: inout CountingProvider.Line) {
        let isHonored = CrashDefinitions.keyed.contains(line.capability)
        if isHonored, let key = line.key {
            if honored[key] != nil { return }
            honored[key] = line
        }
        effects[line.effect, default: 0] += 1
        line.tookEffect = true
    }

    private mutating func nextMood() -> CountingProvider.Mood {
        switch Int.random(in: 0..<1000, using: &random) {
        case ..<3: .silent
        case ..<25: .hangsUpBefore
        case ..<50: .hangsUpAfter
        case ..<75: .resetsAfter
        case ..<90: .halfAnAnswer
        case ..<120: .busy
        case ..<124: .busyForASecond
        case ..<150: .down
        case ..<160: .faultBefore
        case ..<175: .faultAfter
        case ..<400: .slow
        default: .well
        }
    }
}

extension CountingProvider.Line {
    var effect: String { "\(capability) of \(subject)" }
}

extension CountingProvider.Mood {
    fileprivate var acts: Bool {
        switch self {
        case .well, .slow, .silent, .hangsUpAfter, .resetsAfter, .halfAnAnswer, .faultAfter: true
        case .hangsUpBefore, .busy, .busyForASecond, .down, .faultBefore: false
        }
    }

    fileprivate var status: Int? {
        switch self {
        case .well, .slow, .silent: 200
        case .busy, .busyForASecond: 429
        case .down: 503
        case .faultBefore, .faultAfter: 502
        case .hangsUpBefore, .hangsUpAfter, .resetsAfter, .halfAnAnswer: nil
        }
    }

    fileprivate func answer(_ body: String, delay: Int) -> LoopbackServer.Answer {
        switch self {
        case .well: .json(body)
        case .slow, .silent: .after(milliseconds: delay, .json(body))
        case .hangsUpBefore, .hangsUpAfter: .closeWithoutAnswer
        case .resetsAfter: .resetWithoutAnswer
        case .halfAnAnswer: .halfBody(200, ["content-type": "application/json"], body)
        case .busy: .respond(429, ["retry-after": "0"])
        case .busyForASecond: .respond(429, ["retry-after": "1"])
        case .down: .respond(503)
        case .faultBefore, .faultAfter: .respond(502)
        }
    }
}
