// SPDX-License-Identifier: Apache-2.0

import CordonLanguage
import Testing

@testable import CordonCore

/// Which security events a change of a session makes: by what holds before and after, for it and all below it.
struct SecurityEventTests {
    private let now = Instant(milliseconds: 1_800_000_000_500)
    private let byPerson = AgentSession.Act(by: "operator:ann", reason: "it reads payroll of Mr. X")
    private let byRun = AgentSession.Act(by: "session_keeper:cordon", reason: "asked", key: "k-1")

    /// Opens sessions, does what is told to the first, and gives what receivers are told of the last thing.
    private func told(
        when whenExceeded: AgentSession.WhenExceeded = .allow, children: [String] = [],
        _ deeds: (AgentSession) -> [SessionEvent]...
    ) -> [SecurityEvent] {
        var book = SessionBook()
        let all: [(String, String?)] = [("a", nil)] + children.map { id -> (String, String?) in (id, "a") }
        for (id, parent) in all {
            let opening = AgentSession.Opening(
                id: id, agent: "refunds", owner: "o", issuer: "https://idp.example", parent: parent,
                scope: ["orders:read", "orders:write"],
                approved: AgentSession.Approval(durationSeconds: 60, bytes: 100), whenExceeded: whenExceeded)
            book.insert(AgentSession(opening, root: "a", depth: parent == nil ? 0 : 1, runtime: "r", at: now))
        }
        var last: [SecurityEvent] = []
        for deed in deeds {
            guard var session = book["a"] else { return [] }
            let events = deed(session)
            for event in events { session.apply(event, at: now) }
            last = book.securityEvents(making: session, by: events, at: now)
            book.update(session)
        }
        return last
    }

    private func words(_ events: [SecurityEvent]) -> [String] { events.map { "\($0.session) \($0.kind.rawValue)" } }

    private func crossing(_ level: Int) -> SessionEvent {
        .boundaryExceeded(
            AgentSession.Crossing(boundary: .bytes, approved: 100, level: level), used: 150,
            alert: AlertID(at: now, random: (1, 2)))
    }

    @Test func `isolation revokes a session and all below it, and its end establishes exactly those again`() throws {
        let isolated = told(children: ["b", "c"], { _ in [.sessionIsolated(byPerson)] })
        #expect(words(isolated) == ["a session-revoked", "b session-revoked", "c session-revoked"])
        let claims = try #require(isolated.first?.claims)
        #expect(claims["event_timestamp"] == 1_800_000_000)
        #expect(claims["initiating_entity"] == "admin")
        #expect(claims.at("reason_admin", "en") == "isolated", "a person's own words stay here")
        let released = told(
            children: ["b"], { _ in [.sessionIsolated(byRun)] }, { _ in [.sessionReleased(byRun)] })
        #expect(words(released) == ["a session-established", "b session-established"])
        #expect(released.first?.claims["initiating_entity"] == "policy")
    }

    @Test func `what changes nothing for a receiver is not told`() {
        #expect(told({ _ in [.sessionIsolated(byRun)] }, { _ in [.sessionClosed(AgentSession.Usage(), byRun)] }) == [])
        #expect(told({ _ in [.sessionUsed(AgentSession.Usage(bytes: 50))] }) == [])
        #expect(told({ _ in [crossing(1)] }) == [], "it may go on beyond its boundary")
        #expect(told(when: .deny, { _ in [crossing(1)] }, { _ in [crossing(2)] }) == [], "it was denied before")
    }

    @Test func `a limit changes claims, and its end gives them back`() throws {
        let limited = told({ _ in [.sessionLimited(.readOnly, byRun)] })
        #expect(words(limited) == ["a token-claims-change"])
        let claims = try #require(limited.first?.claims["claims"])
        #expect(claims == ["scope": "orders:read orders:write", "cordon_verdict": "read_only"])
        let lifted = told({ _ in [.sessionLimited(.slow, byRun)] }, { _ in [.sessionLimited(.none, byRun)] })
        #expect(lifted.first?.claims.at("claims", "cordon_verdict") == "allow")
    }

    @Test func `a session that must show anew who it is loses a level, and more approval gives it back`() throws {
        let asked = told(when: .stepUp, children: ["b"], { _ in [crossing(1)] })
        #expect(words(asked) == ["a assurance-level-change", "b assurance-level-change"])
        let claims = try #require(asked.first?.claims)
        #expect(claims["namespace"] == "cordon-verdict")
        #expect(claims["previous_level"] == "allow" && claims["current_level"] == "step_up")
        #expect(claims["change_direction"] == "decrease")
        let more = AgentSession.Approval(durationSeconds: 60, bytes: 1000)
        let extended = told(when: .stepUp, { _ in [crossing(1)] }, { _ in [.sessionExtended(more, byPerson)] })
        #expect(extended.map { $0.claims["change_direction"] } == ["increase"])
    }

    @Test(arguments: AgentSession.WhenExceeded.allCases)
    func `a boundary that is passed is told as what then holds`(whenExceeded: AgentSession.WhenExceeded) {
        let kinds = told(when: whenExceeded, { _ in [crossing(3)] }).map(\.kind)
        let expected: [SecurityEvent.Kind] =
            switch whenExceeded {
            case .allow: []
            case .readOnly: [.tokenClaimsChange]
            case .stepUp: [.assuranceLevelChange]
            case .deny: [.sessionRevoked]
            }
        #expect(kinds == expected)
    }

    @Test func `a session that is opened is established, under an isolated parent it is not told of`() throws {
        let opening = AgentSession.Opening(
            id: "b", agent: "g", owner: "o", parent: "a", approved: AgentSession.Approval(durationSeconds: 9))
        let event = SessionEvent.sessionOpened(opening, root: "a", depth: 1, runtime: "r")
        let child = try #require(AgentSession(event, at: now))
        var parent = AgentSession(
            AgentSession.Opening(
                id: "a", agent: "g", owner: "o", approved: AgentSession.Approval(durationSeconds: 9)),
            root: "a", depth: 0, runtime: "r", at: now)
        let told = SessionBook([parent]).securityEvents(making: child, by: [event], at: now)
        #expect(words(told) == ["b session-established"])
        #expect(told.first?.claims["reason_admin"] == nil)
        parent.apply(.sessionIsolated(byRun), at: now)
        #expect(SessionBook([parent]).securityEvents(making: child, by: [event], at: now) == [])
    }

    @Test func `its subject is the session and whose it is`() throws {
        let event = try #require(told({ _ in [.sessionIsolated(byRun)] }).first)
        let subject = event.subject(issuer: "https://cordon.example")
        #expect(subject["format"] == "complex")
        #expect(subject["session"] == ["format": "opaque", "id": "a"])
        #expect(subject["user"] == ["format": "iss_sub", "iss": "https://idp.example", "sub": "refunds"])
    }
}
