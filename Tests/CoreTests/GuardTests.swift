// SPDX-License-Identifier: Apache-2.0

import CordonCore
import CordonLanguage
import Testing

/// What guards make of a signal, and the numbers that they keep.
@Suite struct GuardTests {
    private static let hour: Int64 = 3_600_000

    private func library(
        _ guards: (inout Playbook.Guards) -> Void = { _ in }, policy: GuardPolicy = .none,
        mode: Playbook.Mode = .enforce,
        subject: Subject = .token
    ) -> Library {
        var playbook = Playbook.sketch(mode: mode)
        guards(&playbook.guards)
        return Library(
            playbooks: [playbook], workflows: [Bench(LineSketch(id: "a", effectClass: .read)).workflow],
            inventory: .of(subject, matching: ["number": 7]), guards: policy)
    }

    private func policy(_ change: (inout GuardPolicy) -> Void) -> GuardPolicy {
        var policy = GuardPolicy.none
        change(&policy)
        return policy
    }

    private func reason(
        _ name: String, _ library: Library, _ standing: Standing = Standing(), signal: Signal = .exposure,
        at now: Instant = .start
    ) throws -> Decision.Reason {
        let match = try #require(decide(signal, library, standing, at: now).matches.first)
        return try #require(match.reasons.first { $0.guardName == name }, "\(match.reasons.map(\.guardName))")
    }

    private func touch(_ id: String, at: Instant = .start, playbook: String = "exposed") -> Touch {
        Touch(
            subject: "credential:\(id)", playbook: playbook, kind: .credential, provider: "github", owner: "platform",
            at: at)
    }

    // MARK: The frame

    @Test func `without guards a decision is as it was`() {
        let library = library()
        #expect(decide(.exposure, library, Standing(), at: .start) == decide(.exposure, library, at: .start))
    }

    @Test func `the strictest guard wins, and each keeps its numbers`() throws {
        let library = library {
            $0.confidence = .init(min: 0.5)
            $0.protection = Protection(deny: [ProtectedEntry(.tag, "ci")])
        }
        let decision = decide(.exposure, library, Standing(), at: .start)
        let match = try #require(decision.matches.first)
        #expect(decision.verdict == .deny)
        #expect(match.verdict == .deny)
        #expect(match.run == nil)
        #expect(match.reasons.map(\.guardName) == ["trigger", "subject", "mode", "protected", "confidence"])
        #expect(
            match.reasons.allSatisfy {
                $0.guardName == "trigger" || $0.guardName == "subject"
                    || $0.guardName == "mode" || $0.inputs != .null
            })
    }

    @Test func `a run that a guard holds names it to whoever is asked`() throws {
        let frozen = policy {
            $0.freezes = [
                CalendarWindow(
                    name: "year-end",
                    span: .once(from: .start, until: Instant.start.adding(milliseconds: Self.hour)))
            ]
        }
        let match = try #require(decide(.exposure, library(policy: frozen), Standing(), at: .start).matches.first)
        #expect(match.run != nil)
        #expect(match.gate?.kind == .proposal)
        #expect(match.gate?.reason == "guard 'freeze': changes are frozen until 2023-11-14T23:13:20.000Z: year-end")
    }

    @Test func `a playbook in shadow is weighed and reserves nothing`() throws {
        let library = library({ $0.limits = IdentityLimits(perPlaybook: 1) }, mode: .shadow)
        let decision = decide(.exposure, library, Standing(), at: .start)
        #expect(decision.verdict == .shadow)
        #expect(decision.marks(.exposure, library).reservations == [])
        #expect(decision.marks(.exposure, library).matched == ["exposed": 1])
    }

    // MARK: Confidence

    @Test(arguments: [(0.94, Decision.Verdict.propose), (0.95, .enforce), (1, .enforce)])
    func `a source that is less sure than asked for only proposes`(
        _ confidence: Double, _ verdict: Decision.Verdict
    ) throws {
        var signal = Signal.exposure
        signal.confidence = confidence
        let reason = try reason("confidence", library { $0.confidence = .init(min: 0.95) }, signal: signal)
        #expect(reason.verdict == verdict)
        #expect(reason.inputs == ["confidence": .double(confidence), "min": .double(0.95)])
    }

    @Test func `a signal that doesn't say how sure it is counts as no zero, and goes no further than a proposal`()
        throws
    {
        var signal = Signal.exposure
        signal.confidence = nil
        let library = library { $0.confidence = .init(min: 0.5, below: .deny) }
        #expect(try reason("confidence", library, signal: signal).verdict == .propose)
        signal.confidence = 0.1
        #expect(try reason("confidence", library, signal: signal).verdict == .deny)
    }

    @Test func `the installation's minimum stands where a playbook has a lower one`() throws {
        var signal = Signal.exposure
        signal.confidence = 0.7
        let library = library({ $0.confidence = .init(min: 0.6) }, policy: policy { $0.confidenceMin = 0.8 })
        let reason = try reason("confidence", library, signal: signal)
        #expect(reason.verdict == .propose)
        #expect(reason.inputs["min"] == .double(0.8))
    }

    // MARK: Risk

    @Test func `several weak signals cross what none crosses alone, and their weight decays`() throws {
        let library = library { $0.risk = .init(add: 30, halfLifeMilliseconds: Self.hour, actAt: 80) }
        var standing = Standing()
        var verdicts: [Decision.Verdict] = []
        for minute in 0..<4 {
            var signal = Signal.exposure
            signal.id = AlertID(stem: "01").signal(minute + 1)
            let now = Instant.start.adding(milliseconds: Int64(minute) * 60_000)
            let decision = decide(signal, library, standing, at: now)
            standing.add(decision.marks(signal, library))
            verdicts.append(decision.verdict)
        }
        #expect(verdicts == [.shadow, .shadow, .enforce, .enforce])
        let later = Instant.start.adding(milliseconds: 3 * 60_000 + Self.hour)
        let score = standing.risk(of: "credential:deploy-token", at: later)
        #expect(score > 58 && score < 60)
        #expect(try reason("risk", library, standing, at: later).verdict == .enforce)
        let gone = Instant.start.adding(milliseconds: 9 * Self.hour)
        #expect(standing.risk(of: "credential:deploy-token", at: gone) == 0)
        #expect(try reason("risk", library, standing, at: gone).verdict == .shadow)
    }

    @Test func `a half-life halves, to the digit`() {
        var standing = Standing()
        standing.add(
            Mark(
                what: .risk(add: 40, halfLifeMilliseconds: Self.hour), subject: "s", playbook: "p", at: .start,
                cause: "c"))
        let halves = (0...3).map { standing.risk(of: "s", at: Instant.start.adding(milliseconds: $0 * Self.hour)) }
        #expect(halves == [40, 20, 10, 5])
        let middle = standing.risk(of: "s", at: Instant.start.adding(milliseconds: Self.hour / 2))
        #expect(abs(middle - 28.284271247461902) < 1e-12)
    }

    @Test func `the parts of a score are kept, the youngest first`() throws {
        let library = library { $0.risk = .init(add: 1, halfLifeMilliseconds: Self.hour, actAt: 1) }
        var standing = Standing()
        for minute in 0..<12 {
            standing.add(
                Mark(
                    what: .risk(add: 2, halfLifeMilliseconds: Self.hour), subject: "credential:deploy-token",
                    playbook: "other", at: Instant.start.adding(milliseconds: Int64(minute) * 60_000),
                    cause: "sig_\(minute)"))
        }
        let inputs = try reason(
            "risk", library, standing, at: Instant.start.adding(milliseconds: 12 * 60_000)
        ).inputs
        #expect(inputs["parts"]?.arrayValue?.count == 10)
        #expect(inputs["parts"]?.arrayValue?.first?["signal"] == "sig_11")
        #expect(inputs["of"] == 12)
    }

    // MARK: Protected

    @Test(arguments: ["id/deploy-token", "tag/ci", "owner/platform"])
    func `who is protected is known by id, tag and owner`(_ text: String) throws {
        let entry = try #require(ProtectedEntry(text: text))
        let denied = library(policy: policy { $0.protection.deny = [entry] })
        #expect(try reason("protected", denied).verdict == .deny)
        let asked = library(policy: policy { $0.protection.ask = [entry] })
        #expect(try reason("protected", asked).verdict == .propose)
        #expect(try reason("protected", asked).inputs["entry"] == .string(text))
    }

    @Test func `a tier is an attribute, a number or a text`() {
        for tier: Value in [0, "0"] {
            var subject = Subject.token
            subject.attributes = ["tier": tier]
            #expect(ProtectedEntry(.tier, "0").means(subject))
            #expect(!ProtectedEntry(.tier, "1").means(subject))
        }
        #expect(!ProtectedEntry(.tier, "0").means(.token))
    }

    @Test func `an entry that has expired protects no longer`() throws {
        let end = Instant.start.adding(milliseconds: Self.hour)
        let library = library(
            policy: policy { $0.protection.deny = [ProtectedEntry(.tag, "ci", until: end, because: "an audit")] })
        let reason = try reason("protected", library)
        #expect(reason.verdict == .deny)
        #expect(reason.because == "tag/ci is touched by nobody but people (an audit)")
        #expect(try self.reason("protected", library, at: end).verdict == .enforce)
    }

    @Test func `what Cordon itself signs in as is never touched, whatever entries say`() throws {
        let library = library(policy: policy { $0.own = ["deploy-token": "github"] })
        let reason = try reason("protected", library)
        #expect(reason.verdict == .deny)
        #expect(reason.because == "Cordon itself signs in at github as deploy-token")
    }

    // MARK: Limits

    /// Other identities, so that the limits can be reached.
    private func crowded(_ policy: GuardPolicy, _ guards: (inout Playbook.Guards) -> Void = { _ in }) -> Library {
        var library = library(guards, policy: policy)
        let others = (0..<99).map {
            Inventory.Identity(
                subject: Subject(kind: .credential, id: "other-\($0)", provider: "github"),
                matches: ["number": .int(Int64(100 + $0))])
        }
        library.inventory = Inventory(identities: library.inventory.identities + others, digest: "sha256:crowd")
        return library
    }

    @Test(arguments: [
        IdentityLimits(perPlaybook: 3), IdentityLimits(perProvider: 3), IdentityLimits(perOwner: 3),
        IdentityLimits(all: 3),
    ])
    func `one identity more than a limit allows asks first`(_ limits: IdentityLimits) throws {
        let library = crowded(policy { $0.limits = limits })
        var standing = Standing()
        for id in ["a", "b"] { standing.add(touch(id)) }
        #expect(try reason("limits", library, standing).verdict == .enforce)
        standing.add(touch("c"))
        let over = try reason("limits", library, standing)
        #expect(over.verdict == .propose)
        #expect(over.inputs.arrayValue?.first?["used"] == 4)
        #expect(over.inputs.arrayValue?.first?["most"] == 3)
        // An hour later the hour is another.
        let later = Instant.start.adding(milliseconds: Self.hour)
        #expect(try reason("limits", library, standing, at: later).verdict == .enforce)
    }

    @Test func `how many objects one run may change is told where its lists could hold more`() throws {
        let steps = """
              - id: deliver
                each: { in: inputs.list, as: c, max: 40 }
                do: secret.deliver
                with: { to: "${c}", secret: handle }

            """
        var library = library(
            { $0.limits = IdentityLimits(perRun: 50) }, policy: policy { $0.limits = .init(perRun: 9) })
        let playbook = try #require(library.playbooks.first)
        let listing = try Stage.workflow(playbook.workflow, steps)
        library = Library(
            playbooks: [playbook], workflows: [listing], inventory: library.inventory, guards: library.guards)
        let told = try reason("limits", library)
        #expect(told.verdict == .enforce)
        #expect(told.because == "a run of it could change 41 objects; beyond 9 it asks a person first")
        #expect(told.inputs == ["scope": "run", "worst": 41, "most": 9])
    }

    @Test func `an identity that was touched already is no further one`() throws {
        let library = crowded(policy { $0.limits = IdentityLimits(perPlaybook: 2) })
        var standing = Standing()
        for id in ["a", "deploy-token"] { standing.add(touch(id)) }
        #expect(try reason("limits", library, standing).verdict == .enforce)
    }

    @Test func `a share counts the identities of the kind, and a handful is always allowed`() throws {
        let library = crowded(policy { $0.limits = IdentityLimits(share: 0.15) })
        var standing = Standing()
        for number in 0..<14 { standing.add(touch("x\(number)")) }
        #expect(try reason("limits", library, standing).verdict == .enforce)
        standing.add(touch("y"))
        #expect(try reason("limits", library, standing).verdict == .propose)
        #expect(IdentityLimits(share: 0.1).allowed(of: 20) == 10)
        #expect(IdentityLimits(share: 0.1).allowed(of: 900) == 90)
    }

    @Test func `the stricter of the playbook's limit and the installation's holds, and says how it answers`() throws {
        let library = crowded(policy { $0.limits = IdentityLimits(perPlaybook: 30) }) {
            $0.limits = IdentityLimits(perPlaybook: 1, over: .deny)
        }
        var standing = Standing()
        standing.add(touch("a"))
        #expect(try reason("limits", library, standing).verdict == .deny)
    }

    @Test func `what a decision spends is reserved with the bounds it was weighed by`() {
        let library = crowded(policy { $0.limits = IdentityLimits(perPlaybook: 2, all: 5) })
        let marks = decide(.exposure, library, Standing(), at: .start).marks(.exposure, library)
        #expect(
            marks.reservations == [
                Reservation(
                    touch: Touch(.token, playbook: "exposed", at: .start),
                    bounds: [.init(scope: .playbook("exposed"), most: 2), .init(scope: .all, most: 5)])
            ])
        var full = Standing()
        for id in ["a", "b"] { full.add(touch(id)) }
        #expect(decide(.exposure, library, full, at: .start).marks(.exposure, library).reservations == [])
    }

    @Test func `what was not stored after all is taken back`() {
        let library = crowded(policy { $0.limits = IdentityLimits(all: 5) }) {
            $0.risk = .init(add: 5, halfLifeMilliseconds: Self.hour, actAt: 1)
        }
        var standing = Standing()
        standing.add(touch("a"))
        standing.addMatched(2, of: "exposed", minute: Instant.start.minute)
        let before = standing
        let marks = decide(.exposure, library, standing, at: .start).marks(.exposure, library)
        #expect(marks.reservations.count == 1 && marks.marks.count == 1 && marks.matched == ["exposed": 1])
        standing.add(marks)
        #expect(standing != before)
        standing.remove(marks)
        #expect(standing == before)
        standing.remove(marks)
        #expect(standing.touched(at: .start) == before.touched(at: .start))
    }

    // MARK: Surge

    @Test func `until there is a history the cap alone tells a surge`() throws {
        let rule = SurgeRule(factor: 8, windowMilliseconds: 1_800_000, cap: 5)
        let library = library(policy: policy { $0.surge = rule })
        var standing = Standing()
        standing.addMatched(4, of: "exposed", minute: Instant.start.minute)
        #expect(try reason("surge", library, standing).verdict == .enforce)
        standing.addMatched(1, of: "exposed", minute: Instant.start.minute)
        let reason = try reason("surge", library, standing)
        #expect(reason.verdict == .propose)
        #expect(reason.inputs["matched"] == 6)
        #expect(reason.inputs["threshold"] == 5)
    }

    @Test func `while a surge lasts the rule that began it still has its say`() throws {
        let lax = SurgeRule(factor: 8, windowMilliseconds: 1_800_000, cap: 1000)
        let own = SurgeRule(factor: 8, windowMilliseconds: 1_800_000, cap: 10, then: .deny)
        let library = library({ $0.surge = own }, policy: policy { $0.surge = lax })
        var standing = Standing()
        standing.surges["exposed"] = .start
        // Below what begins it and above what ends it.
        standing.addMatched(7, of: "exposed", minute: Instant.start.minute)
        #expect(try reason("surge", library, standing).verdict == .deny)
    }

    @Test func `what is usual is the median of the day's windows, times the factor`() throws {
        let rule = SurgeRule(factor: 2, windowMilliseconds: 3_600_000, cap: 5)
        let library = library(policy: policy { $0.surge = rule })
        var standing = Standing()
        let now = Instant.start.minute
        for hour in 1...24 { standing.addMatched(10, of: "exposed", minute: now - Int64(hour) * 60) }
        standing.addMatched(19, of: "exposed", minute: now)
        #expect(try reason("surge", library, standing).verdict == .enforce)
        standing.addMatched(1, of: "exposed", minute: now - 59)
        let reason = try reason("surge", library, standing)
        #expect(reason.verdict == .propose)
        #expect(reason.inputs["median"] == .double(10))
        #expect(reason.inputs["threshold"] == 20)
    }

    @Test func `a surge that is on holds until it is noticed to be over`() throws {
        let library = library(
            policy: policy { $0.surge = SurgeRule(factor: 8, windowMilliseconds: 1_800_000, cap: 5) })
        var standing = Standing()
        standing.surges["exposed"] = .start
        #expect(try reason("surge", library, standing).verdict == .propose)
    }

    // MARK: The calendar

    @Test func `a weekly window is of its days, and may last over midnight`() {
        // 2023-11-14 was a Tuesday.
        let nights = CalendarWindow(name: "nights", span: .weekly(days: [1], from: 22 * 60, until: 6 * 60))
        func end(_ text: String) -> String? { Instant(rfc3339: text).flatMap(nights.end)?.description }
        #expect(end("2023-11-14T21:59:59Z") == nil)
        #expect(end("2023-11-14T22:00:00Z") == "2023-11-15T06:00:00.000Z")
        #expect(end("2023-11-15T05:59:00Z") == "2023-11-15T06:00:00.000Z")
        #expect(end("2023-11-15T06:00:00Z") == nil)
        #expect(end("2023-11-15T22:00:00Z") == nil)
    }

    @Test func `planned work explains the signals it was planned for, and no others`() throws {
        let window = CalendarWindow(
            name: "rotation", span: .once(from: .start, until: Instant.start.adding(milliseconds: Self.hour)))
        func verdict(_ work: Maintenance) -> Decision.Verdict {
            decide(.exposure, library(policy: policy { $0.maintenance = [work] }), Standing(), at: .start).verdict
        }
        let own = ProtectedEntry(.tag, "ci")
        #expect(verdict(Maintenance(window: window, signals: ["secret.exposed"], of: [])) == .ignore)
        #expect(verdict(Maintenance(window: window, signals: [], of: [own])) == .ignore)
        #expect(verdict(Maintenance(window: window, signals: ["scope.widened"], of: [])) == .enforce)
        #expect(verdict(Maintenance(window: window, signals: [], of: [ProtectedEntry(.tag, "other")])) == .enforce)
    }

    // MARK: Drift

    @Test func `what another actor keeps putting back is left to a person`() throws {
        let library = library(policy: policy { $0.drift = DriftRule(times: 2, windowMilliseconds: Self.hour) })
        let capability = LineSketch(id: "a", effectClass: .read).capability
        var standing = Standing()
        func put(_ capability: String, _ cause: String) {
            standing.add(
                Mark(
                    what: .putBack(capability: capability), subject: "credential:deploy-token", playbook: "exposed",
                    at: .start, cause: cause))
        }
        put(capability, "run_1")
        #expect(try reason("drift", library, standing).verdict == .enforce)
        put("account.suspend", "run_2")
        #expect(try reason("drift", library, standing).verdict == .enforce)
        put(capability, "run_3")
        #expect(try reason("drift", library, standing).verdict == .propose)
        let later = Instant.start.adding(milliseconds: Self.hour)
        #expect(decide(.exposure, library, standing, at: later).verdict == .enforce)
    }

    // MARK: Requirements

    @Test func `what must hold and does not, or gives no answer, is held`() throws {
        func verdict(_ text: String, _ otherwise: GuardAnswer) throws -> Decision.Verdict {
            try reason("require", library { $0.requirements = [.init(that: expression(text), otherwise: otherwise)] })
                .verdict
        }
        #expect(try verdict("subject.owner.known", .propose) == .enforce)
        #expect(try verdict("!subject.owner.known", .shadow) == .shadow)
        #expect(try verdict("signal.nothing > 5", .propose) == .propose)
    }
}
