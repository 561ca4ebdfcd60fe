// SPDX-License-Identifier: Apache-2.0

import CordonCore
import CordonLanguage
import Testing

/// What breakers and promotions go by: the latest runs, and what people said of the alarms.
@Suite struct TrackRecordTests {
    private static let rule = BreakerRule(last: 4, share: 0.5, atLeast: 2)

    private func trial(_ number: Int, _ ending: Run.Ending?) -> Trial {
        Trial(run: RunID(stem: "run\(number)"), alert: alert(number), at: minute(number), ending: ending)
    }

    private func alert(_ number: Int) -> AlertID { AlertID(stem: "alert\(number)") }

    private func minute(_ number: Int) -> Instant { .start.adding(milliseconds: Int64(number) * 60_000) }

    private func labeled(_ label: Label) -> Labeling {
        Labeling(label: label, by: "ann", reason: "she knows", at: .start)
    }

    // MARK: The breaker

    @Test func `failed, undone and false alarms count as wrong, each run once, of the last ones`() {
        var book = TrialBook()
        for (number, ending) in [Run.Ending.stopped, .undone, .completed, .cancelled, .stopped, .completed].enumerated()
        {
            book.add(trial(number, ending))
        }
        var count = book.count(Self.rule, [:], since: nil)
        #expect((count.of, count.failed, count.undone, count.falsePositives) == (4, 1, 0, 0))
        #expect(!count.isOver(Self.rule))
        // A run that was undone later is there once; a label counts instead of how the run ended.
        book.add(trial(5, .undone))
        count = book.count(Self.rule, [alert(4): labeled(.falsePositive)], since: nil)
        #expect((count.of, count.failed, count.undone, count.falsePositives) == (4, 0, 1, 1))
        #expect(count.isOver(Self.rule))
        #expect(book.count(Self.rule, [alert(5): labeled(.truePositive)], since: nil).undone == 1)
    }

    @Test func `a run that lives counts once it is labeled, and what was before a closing doesn't`() {
        var book = TrialBook()
        book.add(trial(2, nil))
        book.add(trial(1, .stopped))
        #expect(book.trials.map(\.at) == [minute(1), minute(2)])
        #expect(book.count(Self.rule, [:], since: nil).of == 1)
        let labels = [alert(2): labeled(.falsePositive)]
        #expect(book.count(Self.rule, labels, since: nil).wrong == 2)
        #expect(book.count(Self.rule, labels, since: minute(1)).wrong == 1)
    }

    @Test func `an open breaker lets a playbook only propose, and says how it came to be open`() throws {
        var policy = GuardPolicy.none
        policy.breaker = Self.rule
        let library = Library(
            playbooks: [.sketch(mode: .enforce)],
            workflows: [Bench(LineSketch(id: "a", effectClass: .read)).workflow],
            inventory: .of(.token, matching: ["number": 7]), guards: policy)
        var standing = Standing()
        var count = BreakerCount()
        count.of = 4
        count.falsePositives = 3
        standing.breakers["exposed"] = OpenBreaker(since: .start, count: count)
        let match = try #require(decide(.exposure, library, standing, at: .start).matches.first)
        #expect(match.verdict == .propose)
        let reason = try #require(match.reasons.first { $0.guardName == "breaker" })
        #expect(reason.because.contains("of its last 4 runs 0 failed, 0 were undone, 3 were false alarms"))
        #expect(reason.inputs["false_positives"] == 3)
        #expect(decide(.exposure, library, Standing(), at: .start).verdict == .enforce)
        #expect(BreakerCount(.object(count.value)) == count)
    }

    // MARK: The ladder

    @Test func `a new digest begins in shadow, and an edit drops a playbook one rung`() {
        var ladder = Ladder()
        func version(_ name: String, _ digest: String, does: [String] = ["sha256:w"]) -> Ladder.Version {
            Ladder.Version(playbook: name, digest: digest, does: does)
        }
        let (old, new) = (version("leak", "sha256:a"), version("leak", "sha256:b"))
        #expect(ladder.mode(of: old) == .shadow)
        func set(_ version: Ladder.Version, _ mode: Playbook.Mode) {
            ladder.set(Ladder.Rung(version: version, mode: mode, by: "ann", reason: "why", since: .start))
        }
        set(old, .enforce)
        #expect(ladder.mode(of: old) == .enforce)
        #expect(ladder.mode(of: new) == .propose)
        // The same digest with another workflow is another version.
        #expect(ladder.mode(of: version("leak", "sha256:a", does: ["sha256:v", "sha256:w"])) == .propose)
        set(new, .propose)
        #expect(ladder.mode(of: version("leak", "sha256:c")) == .shadow)
        #expect(ladder.mode(of: old) == .enforce, "what was let go stays for whoever goes back to it")
        #expect(ladder.mode(of: version("other", "sha256:a")) == .shadow)
    }

    @Test(arguments: [(Playbook.Mode.enforce, Decision.Verdict.enforce), (.propose, .propose), (.shadow, .shadow)])
    func `a rung is the most that a digest may, whatever its file says`(
        _ mode: Playbook.Mode, _ verdict: Decision.Verdict
    ) {
        var policy = GuardPolicy.none
        policy.ladder = LadderRule()
        let playbook = Playbook.sketch(mode: .enforce)
        let library = Library(
            playbooks: [playbook], workflows: [Bench(LineSketch(id: "a", effectClass: .read)).workflow],
            inventory: .of(.token, matching: ["number": 7]), guards: policy)
        var standing = Standing()
        standing.ladder.set(
            Ladder.Rung(
                version: library.version(of: playbook), mode: mode, by: "ann", reason: "why", since: .start))
        #expect(decide(.exposure, library, standing, at: .start).verdict == verdict)
        #expect(decide(.exposure, library, Standing(), at: .start).verdict == .shadow)
    }

    // MARK: The record

    private func line(
        _ number: Int, day: Int = 0, would: Decision.Verdict = .enforce, label: Label? = nil, subject: String = "a"
    ) -> TrackRecord.Line {
        TrackRecord.Line(
            at: minute(number).adding(milliseconds: Int64(day) * 86_400_000), alert: alert(number), verdict: .shadow,
            would: would, subject: subject, label: label)
    }

    @Test func `the way to propose takes days and signals, and more right alarms than false ones`() {
        let rule = LadderRule(shadowDays: 2, shadowSignals: 3)
        let short = TrackRecord([line(1), line(2, label: .falsePositive)])
        #expect(
            short.lacks(for: .propose, from: .shadow, rule) == [
                "0 of 2 days have been looked at", "2 of 3 signals have matched",
                "of the labeled ones 1 were false alarms and 0 were not",
            ])
        let long = TrackRecord([line(1), line(2, day: 1, label: .truePositive), line(3, day: 2)])
        #expect(long.lacks(for: .propose, from: .shadow, rule) == [])
        #expect(long.lacks(for: .enforce, from: .shadow, rule) == ["it is at shadow: the next rung is propose"])
        #expect(long.lacks(for: .shadow, from: .enforce, rule) == [], "down is always open")
        #expect(
            long.lacks(for: .enforce, from: .propose, rule) == [
                "people decided 0 of \(Limits.ladderProposals) proposals"
            ])
    }

    @Test func `the worst hour is the sixty minutes with most runs, and few labels prove little`() throws {
        let lines =
            (0..<5).map { line($0 * 10, subject: "s\($0 % 2)") } + (0..<9).map { line(300 + $0 * 59, would: .shadow) }
            + [line(1000, label: .truePositive), line(1001, label: .falsePositive)]
        let record = TrackRecord(lines)
        let worst = try #require(record.worstHour)
        #expect((worst.from, worst.runs, worst.identities) == (minute(0), 5, 2))
        let share = try #require(record.falseShare)
        #expect(share.seen == 0.5)
        #expect((0.9...0.91).contains(share.atMost), "by Wilson's interval for 1 of 2: 0.9055")
        #expect(TrackRecord([line(1)]).falseShare == nil)
        let view = record.value(Run.Pin(name: "leak", digest: "d"), .shadow, WorstCase())
        #expect(view["would"] == ["enforce": 7, "shadow": 9])
        #expect(view["labels"] == ["true_positive": 1, "false_positive": 1, "none": 14])
    }

    @Test func `what a stored decision would have been leaves out the mode and the rung, and no other guard`() throws {
        let playbook = Playbook.sketch(mode: .shadow)
        let library = Library(
            playbooks: [playbook], workflows: [Bench(LineSketch(id: "a", effectClass: .read)).workflow],
            inventory: .of(.token, matching: ["number": 7]))
        var decision = decide(.exposure, library, at: .start)
        func line() -> TrackRecord.Line? {
            TrackRecord.Line(decision.value, of: playbook.pin, at: .start, alert: decision.alert)
        }
        #expect(line()?.verdict == .shadow)
        #expect(line()?.would == .enforce)
        #expect(line()?.subject == Subject.token.key)
        decision.matches[0].reasons.append(Decision.Reason(guardName: "limits", verdict: .propose, because: "full"))
        #expect(line()?.would == .propose)
        #expect(
            TrackRecord.Line(
                decision.value, of: Run.Pin(name: playbook.name, digest: "other"), at: .start, alert: decision.alert)
                == nil)
    }

    @Test func `the file of guards sets breaker and ladder`() throws {
        let text = """
            breaker: { last: 10, share: 50%, at_least: 3 }
            ladder:
              shadow: { days: 7, signals: 10 }
              propose: { decided: 5, accepted: 80%, none_wrong_of: 20 }
            """
        let policy = try GuardPolicy.load(Array(text.utf8), file: "guards.yaml").get()
        #expect(policy.breaker == BreakerRule(last: 10, share: 0.5, atLeast: 3))
        #expect(
            policy.ladder
                == LadderRule(shadowDays: 7, shadowSignals: 10, proposals: 5, accepted: 0.8, without: 20))
        #expect(try GuardPolicy.load(Array("ladder: {}\n".utf8), file: "guards.yaml").get().ladder == LadderRule())
        #expect(GuardPolicy.standard.ladder == nil)
    }
}
