// SPDX-License-Identifier: Apache-2.0

import CordonCore
import CordonLanguage
import Testing

/// What authors and operators write of guards.
@Suite struct GuardPolicyTests {
    private func load(_ text: String) -> Result<GuardPolicy, Diagnostics> {
        GuardPolicy.load(Array(text.utf8), file: "guards.yaml")
    }

    private func mistakes(_ text: String) -> [String] {
        if case .failure(let found) = load(text) { found.all.map { "\($0.code) \($0.message)" } } else { [] }
    }

    @Test func `a guard that the file doesn't name stands as where there is no file`() throws {
        let policy = try load("limits: { per_playbook: 5 }\n").get()
        #expect(policy.limits?.perPlaybook == 5)
        #expect(policy.limits?.perProvider == Limits.identitiesPerProvider)
        #expect(policy.surge == GuardPolicy.standard.surge)
        #expect(policy.protection == GuardPolicy.standard.protection)
    }

    @Test func `every guard loads as it is written`() throws {
        let policy = try load(
            """
            confidence: { min: 0.8 }
            protected:
              deny: [id/payroll, { of: owner/team/finance, until: 2027-01-31, because: the year's end }]
              ask: [tier/0]
            limits: { per_playbook: 5, per_provider: 6, per_owner: 7, per_hour: 8, share: 3%, over: deny }
            surge: { factor: 4, window: 10m, cap: 12, then: shadow }
            drift: { times: 2, window: 6h }
            freeze:
              - { name: year-end, from: 2026-12-20, until: 2027-01-04T06:00:00Z }
              - { name: weekend, days: [sat, sun], from: "00:00", until: "24:00" }
            maintenance:
              - { name: rotation, from: 2026-12-01, until: 2026-12-02, signals: [secret.exposed], of: [tag/ci] }
            """
        ).get()
        #expect(policy.confidenceMin == 0.8)
        #expect(
            policy.protection
                == Protection(
                    deny: [
                        ProtectedEntry(.id, "payroll"),
                        ProtectedEntry(
                            .owner, "team/finance", until: Instant(rfc3339: "2027-01-31T00:00:00Z"),
                            because: "the year's end"),
                    ], ask: [ProtectedEntry(.tier, "0")]))
        #expect(
            policy.limits
                == IdentityLimits(perPlaybook: 5, perProvider: 6, perOwner: 7, all: 8, share: 0.03, over: .deny))
        #expect(policy.surge == SurgeRule(factor: 4, windowMilliseconds: 600_000, cap: 12, then: .shadow))
        #expect(policy.drift == DriftRule(times: 2, windowMilliseconds: 6 * 3_600_000))
        #expect(policy.freezes.map(\.name) == ["year-end", "weekend"])
        #expect(policy.freezes.last?.span == .weekly(days: [5, 6], from: 0, until: 1440))
        let saturday = try #require(Instant(rfc3339: "2026-11-28T23:59:59Z"))
        #expect(policy.freeze(at: saturday)?.1.description == "2026-11-29T00:00:00.000Z")
        #expect(policy.freeze(at: try #require(Instant(rfc3339: "2026-11-27T23:59:59Z"))) == nil)
        #expect(policy.maintenance.map(\.signals) == [["secret.exposed"]])
    }

    @Test func `what a window lacks is told`() {
        #expect(
            mistakes("freeze: [{ name: a, from: 2026-12-02, until: 2026-12-01 }]\n")
                == ["P091 'a' ends before it begins"])
        #expect(
            mistakes("freeze: [{ name: a, days: [sunday], from: '8:00', until: '25:00' }]\n")
                == [
                    "P091 'sunday' is no day of the week", "P091 '8:00' is no time of the day",
                    "P091 '25:00' is no time of the day",
                ])
        #expect(
            mistakes("maintenance: [{ name: all, from: 2026-12-01, until: 2026-12-02 }]\n")
                == ["P091 the planned work 'all' would explain every signal there is"])
        #expect(
            mistakes("maintenance: [{ name: a, from: 2026-12-01, until: 2026-12-02, signals: [secret.found] }]\n")
                == ["P031 no signal is of kind 'secret.found'"])
    }

    @Test func `a guard that is not known is told with the nearest name`() {
        #expect(mistakes("limit: { per_hour: 3 }\n") == ["P021 the field 'limit' is unknown"])
        #expect(mistakes("limits: { per_playbok: 3 }\n") == ["P021 the field 'per_playbok' is unknown"])
    }

    private func playbook(_ guards: String) throws -> (Playbook, [UInt8]) {
        let workflow = try DefinitionSketch.workflow.loadWorkflow().get()
        var sketch = DefinitionSketch.playbook
        sketch.text += "guards: \(guards)\n"
        return (try sketch.loadPlaybook([workflow]).get(), sketch.bytes)
    }

    @Test func `a playbook's guards load as the language's page writes them`() throws {
        let (playbook, _) = try playbook(
            """

              confidence: { min: 0.95, below: propose }
              risk: { add: 20, half_life: 24h, act_at: 80 }
              protected: { deny: [tag/break-glass], ask: [tag/tier0] }
              limits: { per_run: 1, per_hour: 30, share: 3%, over: propose }
              surge: { factor: 8, window: 30m, then: propose }
              require:
                - { that: subject.owner.known, else: propose }
            """)
        let guards = playbook.guards
        #expect(guards.confidence == .init(min: 0.95, below: .propose))
        #expect(guards.risk == .init(add: 20, halfLifeMilliseconds: 86_400_000, actAt: 80))
        #expect(guards.protection.ask == [ProtectedEntry(.tag, "tier0")])
        #expect(guards.limits == IdentityLimits(perRun: 1, perPlaybook: 30, share: 0.03))
        #expect(guards.surge == SurgeRule(factor: 8, windowMilliseconds: 1_800_000, cap: Limits.surgeCap))
        #expect(guards.requirements.map(\.that.source) == ["subject.owner.known"])
    }

    @Test(arguments: [
        ("{ limits: { per_hour: 31 } }", "guards.limits.per_hour: 31 is looser than the installation's 30"),
        ("{ limits: { per_run: 51 } }", "guards.limits.per_run: 51 is looser than the installation's 50"),
        ("{ limits: { share: 30% } }", "guards.limits.share: 30% is looser than the installation's 25%"),
        ("{ confidence: { min: 0.5 } }", "guards.confidence.min: 0.5 is looser than the installation's 0.8"),
    ])
    func `a playbook that would go further than the installation is refused`(_ guards: String, _ told: String) throws {
        var policy = GuardPolicy.standard
        policy.confidenceMin = 0.8
        policy.limits?.perRun = 50
        let (playbook, bytes) = try playbook(guards)
        let found = policy.mistakes(of: playbook, bytes: bytes, file: "playbooks/leak.yaml")
        #expect(found.map(\.code) == ["P089"])
        #expect(found.map(\.message) == [told + ", and would have no effect"])
        #expect(found.first?.place.line == 15)
        let (strict, own) = try self.playbook("{ limits: { per_hour: 30, share: 25% }, confidence: { min: 0.8 } }")
        #expect(policy.mistakes(of: strict, bytes: own, file: "playbooks/leak.yaml") == [])
    }

    @Test func `the report tells what is used and left, and what is on`() throws {
        let (playbook, _) = try playbook("{ risk: { add: 20, half_life: 24h, act_at: 80 } }")
        let workflow = try DefinitionSketch.workflow.loadWorkflow().get()
        var policy = GuardPolicy.standard
        policy.own = ["x": "auth"]
        let library = Library(
            playbooks: [playbook], workflows: [workflow],
            inventory: try DefinitionSketch.inventory.loadInventory().get(),
            guards: policy)
        var standing = Standing()
        standing.add(Touch(.token, playbook: "leak", at: .start))
        standing.addMatched(26, of: "leak", minute: Instant.start.minute)
        standing.add(
            Mark(
                what: .risk(add: 70, halfLifeMilliseconds: 86_400_000), subject: "credential:a", playbook: "leak",
                at: .start, cause: "sig_1"))
        let halted = GuardReport.Halted(scope: "all", by: "ann", reason: "a drill", since: .start)
        let rows = GuardReport(library, standing, halts: [halted], at: .start).rows
        func row(_ playbook: String?, _ name: String) -> GuardReport.Row? {
            rows.first { $0.playbook == playbook && $0.guardName == name }
        }
        #expect(row("leak", "limits")?.says == "1 of 30 identities within an hour, 29 left")
        #expect(row("leak", "surge")?.verdict == .propose)
        #expect(row("leak", "surge")?.numbers["matched"] == 26)
        #expect(row("leak", "risk")?.says == "adds 20, acts from 80 on; one more signal is enough for 1")
        #expect(row(nil, "limits")?.says == "1 of 100 identities within an hour, 99 left (all playbooks)")
        #expect(row(nil, "protected")?.numbers["own"] == ["x"])
        #expect(row(nil, "halt")?.verdict == .deny)
        #expect(row(nil, "halt")?.says == "all is halted since \(Instant.start) by ann: a drill")
        #expect(row("leak", "mode")?.says == "its file says \(playbook.mode.rawValue)")
        #expect(row(nil, "risk")?.says == "1 identities have a score, the highest 70 of credential:a")
    }
}
