// SPDX-License-Identifier: Apache-2.0

import CordonCore
import CordonEngine
import CordonLanguage

/// What became of the cases of several tests, for a person and for a script.
struct TestReport {
    struct Line {
        var test: String
        var name: String
        var place: Place
        var differences: [String]
        var performance: Performance
    }

    private(set) var cases: [Line] = []
    private(set) var coverage = Coverage()
    /// Ways that no case takes, playbooks without a test.
    var warnings: [Diagnostic] = []

    var failed: Int { cases.count { !$0.differences.isEmpty } }

    mutating func play(_ test: PlaybookTest, _ rehearsal: Rehearsal) async throws {
        coverage.add(Branch.all(of: rehearsal.playbook))
        for workflow in rehearsal.workflows where rehearsal.map.workflows.contains(workflow.name) {
            coverage.add(Branch.all(of: workflow))
        }
        for item in test.cases {
            let performance = try await rehearsal.play(item)
            for judgment in performance.judgments { coverage.note(judgment.verdict, of: test.playbook) }
            for played in performance.runs { coverage.note(played.history, rehearsal.map) }
            cases.append(
                Line(
                    test: test.playbook, name: item.name, place: item.place,
                    differences: performance.differences(from: item.expect, rehearsal.playbook, rehearsal.map),
                    performance: performance))
        }
    }

    // MARK: For a person

    var text: String {
        var lines: [String] = []
        let width = cases.map(\.name.count).max() ?? 0
        for (index, line) in cases.enumerated() {
            if index == 0 || cases[index - 1].test != line.test { lines.append(line.test) }
            let name = printable(line.name)
            if line.differences.isEmpty {
                let gap = String(repeating: " ", count: width - line.name.count + 2)
                lines.append("  ok      \(name)\(gap)\(line.gist)")
            } else {
                lines.append("  FAILED  \(name)  (\(line.place.file):\(line.place.line))")
                for difference in line.differences {
                    lines += difference.split(separator: "\n").map { "            \(printable(String($0)))" }
                }
            }
        }
        let passed = cases.count - failed
        lines.append(
            "\(counted(cases.count, "case")), \(passed) ok, \(failed) failed; "
                + "\(coverage.takenCount) of \(counted(coverage.branches.count, "way")) covered")
        return lines.joined(separator: "\n")
    }

    // MARK: For a script

    var value: Value {
        [
            "cases": .array(cases.map(\.value)), "failed": .int(Int64(failed)),
            "coverage": [
                "ways": .int(Int64(coverage.branches.count)), "covered": .int(Int64(coverage.takenCount)),
            ],
            "uncovered": .array(
                warnings.map { warning in
                    [
                        "code": .string(warning.code), "file": .string(warning.place.file),
                        "line": .int(Int64(warning.place.line)), "column": .int(Int64(warning.place.column)),
                        "message": .string(warning.message),
                    ]
                }),
        ]
    }
}

extension TestReport.Line {
    /// `enforce, 2 calls, completed after 600ms`.
    var gist: String {
        let verdict = performance.judgments.last?.verdict.rawValue ?? "no decision"
        guard let run = performance.runs.last?.run else { return verdict }
        let runs = performance.runs.count > 1 ? ["\(performance.runs.count) runs"] : []
        let crash = performance.crashes > 0 ? ["\(counted(performance.crashes, "crash")) survived"] : []
        let span = spanText(run.updatedAt.since(performance.start))
        let end = run.ending.map { "\($0.rawValue) after \(span)" } ?? "waits for a \(run.wake?.word ?? "nothing")"
        return ([verdict] + runs + [counted(performance.calls.count, "call")] + crash + [end]).joined(separator: ", ")
    }

    var value: Value {
        [
            "test": .string(test), "name": .string(name), "ok": .bool(differences.isEmpty),
            "file": .string(place.file), "line": .int(Int64(place.line)),
            "differences": .array(differences.map(Value.string)),
            "judgments": .array(performance.judgments.map(\.value)),
            "calls": .array(
                performance.calls.map { call in
                    ["name": .string(call.name), "step": .string(call.step), "at_ms": .int(call.atMilliseconds)]
                }),
            "requests": .object(performance.requests.mapValues { .int(Int64($0)) }),
            "asked": .array(performance.asks.map(Value.string)),
            "ends": .array(performance.runs.map { .string(performance.endText($0.run)) }),
            "crashes": .int(Int64(performance.crashes)), "span_ms": .int(performance.spanMilliseconds),
        ]
    }
}
