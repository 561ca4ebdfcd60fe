// SPDX-License-Identifier: Apache-2.0

import CordonLanguage

extension CaseReader {
    func readExpectation(
        _ fields: YAMLFields, _ answers: [String: [PlaybookTest.Answer]]
    ) -> PlaybookTest.Expectation? {
        guard let map = fields.mapping("expect", required: true) else { return nil }
        defer { map.refuseUnknown() }
        var expect = PlaybookTest.Expectation()
        expect.verdict = map.oneOf("verdict", Decision.Verdict.self)
        expect.because = readBecause(map)
        expect.calls = map.list("calls").map { readCalls($0) }
        expect.notCalled = map.list("not_called").map { readCalls($0) } ?? []
        if let counts = map.mapping("requests") {
            for key in counts.keys {
                checkCall(key) { report(.neverHappens, counts, key, $0, $1) }
                expect.requests[key] = counts.int(key, in: 0...Int64(Limits.callsPerStepMax)).map(Int.init)
            }
        }
        expect.containedWithinMilliseconds = map.milliseconds(
            "contained_within", in: 0...Limits.stepWithinMillisecondsMax)
        expect.end = map.oneOf("end", PlaybookTest.Expectation.End.self)
        expect.asked = map.list("asked").map { readAsks($0) }
        expect.runs = map.int("runs", in: 0...Int64(Limits.repeatsPerCaseMax)).map(Int.init)
        if let steps = map.mapping("steps") {
            for key in steps.keys {
                checkStep(key) { report(.unknownStep, steps, key, $0, $1) }
                expect.steps[key] = steps.oneOf(key, PlaybookTest.Expectation.StepEnd.self)
            }
        }
        if expect.isEmpty, loader.reader.isClean {
            fields.report(.noExpectation, "expect", "the case expects nothing", "say at least which verdict it gives")
        }
        return expect
    }

    private func readBecause(_ map: YAMLFields) -> [String] {
        guard let node = map.node("because") else { return [] }
        if node.items != nil { return map.strings("because") ?? [] }
        return map.string("because").map { [$0] } ?? []
    }

    /// What was called, in order: capabilities, and `undo:STEP`.
    private func readCalls(_ nodes: [YAMLNode]) -> [String] {
        nodes.compactMap { node in
            guard let call = loader.reader.string(node, "an item") else { return nil }
            checkCall(call) { loader.reader.report(DefinitionCode.neverHappens.rawValue, at: node, $0, $1) }
            return call
        }
    }

    private func checkCall(_ call: String, _ report: (String, String?) -> Void) {
        let undos = map.spots.filter { $0.line.act?.undo == .byConnector }.map { "undo:\($0.step)" }
        let known = map.acts.sorted() + undos
        if known.contains(call) || call.hasPrefix(Step.undoPrefix) && undos.contains("undo:\(base(of: call))") {
            return
        }
        let near = nearest(to: call, among: known).map { "did you mean '\($0)'?" }
        report("'\(call)' is never called by \(playbook.name)", near ?? "known: \(known.joined(separator: ", "))")
    }

    private func base(of call: String) -> String { map.spot(of: call)?.step ?? "" }

    /// What people were asked: the kind of the question, and its step behind a slash.
    private func readAsks(_ nodes: [YAMLNode]) -> [String] {
        let kinds = Run.Ask.Kind.allCases.filter { $0 != .queued }.map(\.rawValue)
        return nodes.compactMap { node in
            guard let text = loader.reader.string(node, "an item") else { return nil }
            let words = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            if !kinds.contains(words[0]) {
                let near = nearest(to: words[0], among: kinds).map { "did you mean '\($0)'?" }
                loader.reader.report(
                    DefinitionCode.neverHappens.rawValue, at: node, "nobody is ever asked '\(words[0])'",
                    near ?? "known: \(kinds.joined(separator: ", "))")
            } else if words.count == 2, map.spot(of: words[1]) == nil {
                let near = nearest(to: words[1], among: map.steps).map { "did you mean '\($0)'?" }
                loader.reader.report(
                    DefinitionCode.neverHappens.rawValue, at: node, "no step is named '\(words[1])'", near)
            }
            return text
        }
    }
}
