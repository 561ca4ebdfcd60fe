// SPDX-License-Identifier: Apache-2.0

import CordonLanguage
import Foundation
import TestKit
import Testing

/// The six ways that a use case can go, each with identities of its own at one running Cordon; and how it looks on when it
/// is held at shadow.
struct SixWays<Case: UseCase> {
    let use: Case
    private(set) var ward: Ward
    private(set) var front: FaultFront
    private let people: [String]

    init(_ use: Case, _ ward: Ward, _ front: FaultFront) async throws {
        self.use = use
        self.ward = ward
        self.front = front
        var people: [String] = []
        let administrator = try ward.installation.firstToken
        for name in ["ben", "cleo"] {
            let made = try await ward.installation.finish(
                "token", "create", "--role", "approver", "--name", "\(name)-\(use.prefix)", token: administrator)
            people.append(try #require(made.outputLines.last { !$0.isEmpty }))
        }
        self.people = people
    }

    /// All of them; the server and the front are running at the end.
    mutating func walk() async throws {
        try await confirmed()
        try await falseAlarm()
        try await protected()
        try await providerDown()
        try await crash()
        try await wave()
        try await shadow()
    }

    /// Alert, contained, asked, confirmed; with evidence and history.
    private func confirmed() async throws {
        let id = id("right")
        #expect(try await !use.isContained(id), "\(id) works before the alert")
        let run = try await contained(id)
        #expect(run.step("proof")?["evidence"]?.arrayValue?.isEmpty == false, "\(id) has evidence of before")
        let confirmed = try await judged(id, run, use.question?.confirm) { run in
            guard let question = use.question else { return run["phase"] == "ended" }
            return question.follows.map { run.step($0)?["phase"] == "finished" }
                ?? (run.step(question.step)?["phase"] == "finished")
        }
        #expect(try await use.isContained(id))
        try await use.expectConfirmed(id)
        let kinds = Set(try await ward.kinds(confirmed))
        #expect(kinds.isSuperset(of: ["runOpened", "callIntended", "callReturned", "stepFinished"]), "\(kinds)")
        #expect(kinds.contains("answerGiven") || use.question == nil, "\(kinds)")
    }

    /// Alert, contained, asked, given back, and labeled as what it was. What can't be given back is left as it is.
    private func falseAlarm() async throws {
        let id = id("wrong")
        let run = try await contained(id)
        let administrator = try ward.installation.firstToken
        if let question = use.question {
            let restored = try await judged(id, run, question.release) { run in
                run.step(use.containing)?["undone"] == true
            }
            try await eventually("\(id) to work again") { try await !use.isContained(id) }
            #expect(restored["steps"]?.arrayValue?.contains { $0["id"] == .string("undo:\(use.containing)") } == true)
        } else {
            _ = try await ward.run(about: id, once: "to end") { $0["phase"] == "ended" }
            let refused = try await ward.installation.finish(
                "run", "undo", run["id"]?.stringValue ?? "", "--reason", "a false alarm", token: administrator)
            #expect(refused.end == .exited(6))
            #expect(refused.error.contains("did nothing that could be undone"), "\(refused.error)")
            #expect(try await use.isContained(id))
        }
        let labeled = try await ward.installation.finish(
            "run", "label", run["id"]?.stringValue ?? "", "false_positive", "--reason", "it was meant",
            token: administrator)
        #expect(labeled.end == .exited(0), "\(labeled.error)")
    }

    /// A protected identity: proposed, and not touched.
    private func protected() async throws {
        let run = try await proposed(id("tier0"))
        #expect(run["why"]?.json.contains("protected") == true, "\(run["why"]?.json ?? "")")
    }

    /// Nobody is there to act: the run waits and tries again, and contains once somebody is.
    private mutating func providerDown() async throws {
        let id = id("down")
        front.stop()
        try await use.accuse(id, ward)
        try await ward.run(about: id, once: "to meet nobody") { run in
            (run["steps"]?.arrayValue ?? []).contains { step in
                (step["calls"]?.arrayValue ?? []).contains { call in
                    (call["delivery"]?.intValue ?? 0) > 1 || (call["attempt"]?.intValue ?? 0) > 1
                        || !["done", nil].contains(call["outcome"]?["kind"]?.stringValue)
                }
            }
        }
        #expect(try await !use.isContained(id))
        front = try await front.again()
        try await ward.run(about: id, once: "to be contained") { isThere($0) }
        #expect(try await use.isContained(id))
    }

    /// Killed while the provider has done it and its answer has not come: it is done once, and known to be.
    private mutating func crash() async throws {
        let id = id("crash")
        try front.spoil(.held)
        try await use.accuse(id, ward)
        try await eventually("\(id) to be contained while nobody knows") {
            guard !front.isWaiting(.held) else { return false }
            return try await use.isContained(id)
        }
        try await ward.killAndServe()
        let run = try await ward.run(about: id, once: "to know what it did") { isThere($0) }
        #expect(try await use.isContained(id))
        let act = run.step(use.containing)?["calls"]?.arrayValue?.filter { $0["purpose"] == "act" } ?? []
        // Of its own registry Cordon may ask before it listens again: then it asks once more.
        #expect(act.count == 1 && (act.first?["delivery"]?.intValue ?? 0) >= 2, "\(act.map(\.json))")
    }

    /// More than the limit at once: as many as it allows, and for the rest people are asked.
    private func wave() async throws {
        let ids = Way.wave.map(id)
        for id in ids { try await use.accuse(id, ward) }
        var contained = 0
        for id in ids {
            let run = try await ward.run(about: id, once: "to be contained or proposed") {
                isThere($0) || $0["ask"]?["kind"] == "proposal"
            }
            if isThere(run) {
                contained += 1
            } else {
                #expect(run["why"]?.json.contains("limit") == true, "\(run.json)")
            }
            #expect(try await use.isContained(id) == isThere(run), "\(id)")
        }
        #expect(contained == 2, "four identities are in the hour already, and six may be")
    }

    /// Held at shadow it does nothing, and tells what it would have done from what the real server says.
    private func shadow() async throws {
        // It alone: what this provider can't do for the others would be refused.
        let name = "playbooks/" + use.playbook + ".yaml"
        let text = try String(contentsOfFile: PythonServers.root + "/" + name, encoding: .utf8)
        try ward.installation.scratch.write(
            text.replacingOccurrences(of: "mode: enforce", with: "mode: shadow"), to: name)
        let read = try await ward.installation.finish("playbook", "reload")
        #expect(read.end == .exited(0), "\(read.error)")
        let id = id("shadow")
        try await use.accuse(id, ward)
        var report = ""
        try await eventually("\(id) to be looked at") {
            report = try await ward.installation.finish("playbook", "shadow-report", use.playbook).output
            return report.contains("looked up    1 of them at their provider")
        }
        #expect(report.contains(" \(use.capability) ") && report.contains("; 0 states unread"), "\(report)")
        #expect(try await !use.isContained(id))
        #expect(try await ward.run(about: id) == nil)
        // What ships is in force again.
        try FileManager.default.removeItem(atPath: ward.installation.scratch.path("playbooks"))
        let all = try await ward.installation.finish("playbook", "reload")
        #expect(all.end == .exited(0), "\(all.error)")
    }

    // MARK: Parts

    private func id(_ way: String) -> String { use.prefix + way }

    private func isThere(_ run: Value) -> Bool { run.step(use.containing)?["verified"] == true }

    private func contained(_ id: String) async throws -> Value {
        try await use.accuse(id, ward)
        let run = try await ward.run(about: id, once: "to be contained") { isThere($0) }
        #expect(try await use.isContained(id), "\(id)")
        return run
    }

    private func proposed(_ id: String) async throws -> Value {
        try await use.accuse(id, ward)
        let run = try await ward.run(about: id, once: "to be proposed") { $0["ask"]?["kind"] == "proposal" }
        #expect(try await !use.isContained(id))
        return run
    }

    private func judged(
        _ id: String, _ run: Value, _ choice: String?, _ holds: (Value) -> Bool
    ) async throws -> Value {
        if let question = use.question, let choice {
            let asking = try await ward.run(about: id, once: "to ask people") {
                $0.step(question.step)?["question"]?["shown"] != nil
            }
            for person in people.prefix(question.quorum) {
                try await ward.answer(question.step, choice, by: person, asking)
            }
        }
        return try await ward.run(about: id, once: "to go on after \(choice ?? "nothing")", holds)
    }
}
