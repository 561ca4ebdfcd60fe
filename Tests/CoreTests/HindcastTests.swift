// SPDX-License-Identifier: Apache-2.0

import CordonLanguage
import Testing

@testable import CordonCore

/// What a draft would have made of signals: verdicts, plans, whom it would have touched, and its worst hour.
@Suite struct HindcastTests {
    private static let start = Instant(milliseconds: 1_767_600_000_000)

    private static let workflow = """
        workflow: narrow
        title: Narrow
        inputs:
          credential: { type: credential }
          public: { type: bool, default: false }
        steps:
          - id: proof
            do: evidence.capture
            with: { of: "${inputs.credential.id}" }
          - id: fence
            if: inputs.public
            do: scopes.reduce
            with: { subject: "${inputs.credential.id}", keep: [] }
            hold: { for: 1h, then: undo }
          - id: hosts
            each: { in: inputs.credential.hosts, as: host, max: 9 }
            do: account.suspend
            with: { account: "${host}" }
            hold: { for: 1h, then: undo }
          - id: again
            if: steps.proof.result.active == true
            do: evidence.capture
            with: { of: "${inputs.credential.id}" }
          - id: check
            approve: { by: ann, within: 1h, on_timeout: skip }
          - id: cut
            do: credential.disable
            with: { credential: "${inputs.credential.id}" }
            hold: { for: 1h, then: keep }

        """

    private static func library(_ mode: String = "enforce", group: String = "") throws -> Library {
        let playbook = """
            playbook: leak
            title: Leak
            owner: ann
            mode: \(mode)
            trigger:
              signal: secret.exposed
              when: signal.validity == "active"
              subject: { kind: credential, from: signal.credential }
            \(group)
            run: { workflow: narrow, with: { credential: "${subject}", public: "${signal.exposure == 'public'}" } }
            maps: { owasp_nhi: [NHI2] }

            """
        let workflow = try Workflow.load(Array(workflow.utf8), file: "workflows/narrow.yaml", digest: "").get()
        let loaded = try Playbook.load(
            Array(playbook.utf8), file: "playbooks/leak.yaml", digest: "", workflows: [workflow]
        ).get()
        let identities = ["a", "b", "c"].map { name in
            Inventory.Identity(
                subject: Subject(kind: .credential, id: name, provider: "p", attributes: ["hosts": ["h1", "h2"]]),
                matches: ["name": .string(name)])
        }
        return Library(
            playbooks: [loaded], workflows: [workflow], inventory: Inventory(identities: identities, digest: ""))
    }

    private static func given(
        _ name: String, minute: Int64, validity: String = "active", exposure: String = "public",
        live: Decision.Verdict = .enforce
    ) -> Hindcast.Given {
        let at = start.adding(milliseconds: minute * 60_000)
        let alert = AlertID(at: at, random: (UInt64(minute), 0))
        let signal = Signal(
            id: alert.signal(1), alert: alert, source: "s", kind: "secret.exposed", receivedAt: at, occurredAt: nil,
            severity: .high, confidence: 1,
            attributes: [
                "validity": .string(validity), "exposure": .string(exposure), "location": ["kind": "ci_log"],
                "credential": ["name": .string(name)], "secret_type": "key",
            ])
        return Hindcast.Given(signal: signal, decidedAt: at, live: live)
    }

    @Test func `whom a provider named then is whom the draft means, unless the inventory of today knows better`() throws
    {
        let found = Subject(
            kind: .credential, id: "p/z", provider: "p", owner: "ann", tags: ["t"], attributes: ["hosts": ["h1"]])
        func sought(_ name: String, _ resolution: Resolution) -> Sought {
            Sought(
                wanted: Wanted(kind: .credential, reference: ["name": .string(name)]), resolution: resolution,
                told: "p names it (alr@3) as")
        }
        func hindcast(_ name: String, _ sought: [Sought]) throws -> Hindcast.Line {
            var given = Self.given(name, minute: 0)
            given.sought = sought
            return Hindcast([given], try Self.library()).lines[0]
        }
        let named = try hindcast("z", [sought("z", .resolved(found))])
        #expect(named.verdict == .enforce && named.subject == "credential:p/z")
        #expect(named.plan.certain["account.suspend"] == 1)
        #expect(try hindcast("z", []).subject == nil)
        #expect(try hindcast("z", [sought("y", .resolved(found))]).subject == nil, "of somebody else")
        #expect(try hindcast("a", [sought("a", .resolved(found))]).subject == "credential:a")
        #expect(try hindcast("z", [sought("z", .ambiguous(["a", "b"]))]).subject == nil)
    }

    @Test func `a line of the history is read as it was written, and one that was cut is none`() {
        let subject = Subject(kind: .credential, id: "p/z", provider: "p", owner: "ann", attributes: ["x": 1])
        let resolutions: [Resolution] = [.resolved(subject), .missing("nobody"), .ambiguous(["a", "b"])]
        for resolution in resolutions {
            let line: Value = [
                "about": ["kind": "credential", "named": ["name": "z"]], "subject": resolution.value, "because": "so",
            ]
            let wanted = Wanted(kind: .credential, reference: ["name": "z"])
            #expect(Sought(line: line) == Sought(wanted: wanted, resolution: resolution, told: "so"))
        }
        #expect(Sought(line: ["about": ["kind": "credential", "cut": true], "subject": resolutions[0].value]) == nil)
        #expect(Sought(line: .null) == nil)
    }

    @Test func `what is certain is told from what hangs on answers`() throws {
        let hindcast = Hindcast(
            [Self.given("a", minute: 0), Self.given("b", minute: 1, exposure: "internal")], try Self.library())
        #expect(
            hindcast.lines[0].plan
                == Hindcast.Plan(
                    certain: ["evidence.capture": 1, "scopes.reduce": 1, "account.suspend": 2],
                    perhaps: ["evidence.capture": 1, "credential.disable": 1]))
        #expect(hindcast.lines[1].plan.certain == ["evidence.capture": 1, "account.suspend": 2])
        #expect(hindcast.plan.certain == ["evidence.capture": 2, "scopes.reduce": 1, "account.suspend": 4])
        #expect(hindcast.identities == ["credential:a", "credential:b"])
    }

    @Test func `only what differs from the decision that was made is a difference`() throws {
        let hindcast = Hindcast(
            [
                Self.given("c", minute: 3, validity: "inactive"), Self.given("a", minute: 0),
                Self.given("nobody", minute: 1, live: .ignore), Self.given("b", minute: 2, live: .propose),
            ], try Self.library())
        #expect(hindcast.lines.map(\.verdict) == [.enforce, .undecided, .enforce, .ignore])
        #expect(hindcast.differences.map(\.verdict) == [.undecided, .enforce, .ignore])
        #expect(hindcast.count(.enforce) == 2 && hindcast.liveCount(.enforce) == 2)
        #expect(hindcast.opened.count == 3)
        // Nobody is touched by a run that asks first.
        #expect(hindcast.identities == ["credential:a", "credential:b"])
    }

    @Test func `in shadow and as a proposal nothing is called by itself`() throws {
        for (mode, runs) in [("shadow", 0), ("propose", 1)] {
            let hindcast = Hindcast([Self.given("a", minute: 0)], try Self.library(mode))
            #expect(hindcast.opened.count == runs)
            #expect(hindcast.plan == Hindcast.Plan() && hindcast.identities.isEmpty)
        }
    }

    @Test func `later signals of a group join, and the worst hour counts what is opened`() throws {
        let minutes: [Int64] = [0, 30, 59, 60, 119, 200]
        let given = minutes.map { Self.given("a", minute: $0) }
        let alone = Hindcast(given, try Self.library())
        #expect(alone.opened.count == 6)
        #expect(alone.worstHour?.runs == 3 && alone.worstHour?.from == Self.start)
        let grouped = Hindcast(given, try Self.library(group: "  group: { by: [subject.id], window: 1h }"))
        #expect(grouped.lines.map(\.joins) == [false, true, true, true, false, false])
        #expect(grouped.worstHour?.runs == 1)
        #expect(Hindcast([], try Self.library()).worstHour == nil)
    }

    @Test func `a signal reads back as it is stored`() throws {
        let signal = Self.given("a", minute: 0).signal
        #expect(Signal(try JSON.parse(signal.value.jsonBytes)) == signal)
        #expect(Signal(["id": "sig_1"]) == nil)
    }
}
