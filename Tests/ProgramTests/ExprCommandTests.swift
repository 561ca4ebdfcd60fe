// SPDX-License-Identifier: Apache-2.0

import CordonLanguage
import Foundation
import TestKit
import Testing

/// Expressions tried out by hand: what a condition may say, what it yields, and why.
@Suite struct ExprCommandTests {
    private func expr(_ arguments: String..., files: [String: String] = [:]) async throws -> Installation.Ended {
        let folder = try ScratchFolder("cordon-expr")
        for (name, text) in files { try folder.write(text, to: name) }
        return try await Installation.finish(["expr"] + arguments, in: folder)
    }

    private static let signal = """
        {"signal":{"validity":"active","exposure":"internal","secret_type":"x","credential":{"issuer":"github"},\
        "location":{"kind":"ci_log","repository":"octo-org/billing"}}}
        """

    // MARK: check

    @Test func `a condition that may stand in a playbook is told with its type and what it reads`() async throws {
        let source = "signal.validity == \"active\" && signal.location.kind in [\"ci_log\"]"
        let ended = try await expr("check", source, "--signal", "secret.exposed")
        #expect(ended.end == .exited(0))
        #expect(ended.output == "ok: bool, reads signal.location.kind, signal.validity\n")
        #expect(ended.error.isEmpty)
        let json = try await expr("check", source, "--signal", "secret.exposed", "-o", "json").json
        #expect(json == ["type": "bool", "reads": ["signal.location.kind", "signal.validity"]])
    }

    @Test func `a misspelt field is shown at its column with the field that was meant`() async throws {
        let ended = try await expr("check", "signal.validty == \"active\"", "--signal", "secret.exposed")
        #expect(ended.end == .exited(10))
        #expect(ended.output.isEmpty)
        #expect(
            ended.errorLines == [
                "expression:1:8: error[X021]: no field 'validty' in signal (did you mean 'validity'?)",
                " 1 | signal.validty == \"active\"", "   |        ^^^^^^^", "cordon: 1 mistake",
            ])
    }

    @Test func `a mistake on a later line is shown on that line`() async throws {
        let ended = try await expr(
            "check", "signal.validity == \"active\"\n  && signal.exposre != \"\"", "--signal", "secret.exposed")
        #expect(ended.end == .exited(10))
        #expect(ended.errorLines.first?.hasPrefix("expression:2:13: error[X021]: ") == true)
        #expect(ended.errorLines.dropFirst().first == " 2 |   && signal.exposre != \"\"")
    }

    @Test(arguments: [
        ("signal.validity", "X026"), ("signal.location.path == \"a\"", "X022"), ("signl.validity == \"a\"", "X020"),
        ("signal.confidence > \"1\"", "X024"), ("signal.validity == \"active", "X003"),
        ("signal.validity = \"active\"", "X001"), ("? true : false", "X004"), ("", "X004"),
        (String(repeating: "(", count: 5000), "X010"), (String(repeating: "(", count: 2000), "X011"),
        (String(repeating: "!", count: 80) + "true", "X011"),
        ("'" + String(repeating: "é", count: 4095) + "' == ''", "X010"),
    ])
    func `a condition that may not stand ends with 10 and its number`(_ source: String, _ code: String) async throws {
        let ended = try await expr("check", "--signal", "secret.exposed", "--", source)
        #expect(ended.end == .exited(10))
        #expect(ended.output.isEmpty)
        #expect(ended.errorLines.first?.contains("error[\(code)]: ") == true, "\(ended.error.prefix(400))")
        #expect(ended.error.utf8.count < 4096, "what is shown of a long line is cut")
    }

    @Test(arguments: [
        ("!has(signal.occurred_at)", "P012", "\"!has(signal.occurred_at)\""),
        ("signal.confidence > 0.5 ? true : false", "P014", "\"signal.confidence > 0.5 ? true : false\""),
        ("\"a\" == signal.validity", "P001", "'\"a\" == signal.validity'"),
    ])
    func `what YAML would misread without quotes is told with the quotes`(
        _ source: String, _ code: String, _ quoted: String
    ) async throws {
        let ended = try await expr("check", source, "--signal", "secret.exposed")
        #expect(ended.end == .exited(0))
        #expect(ended.errorLines.count == 1)
        #expect(ended.error.contains("(\(code))"))
        #expect(ended.error.hasSuffix("write: when: \(quoted)\n"))
        let file = try YAMLDocument.parse("when: \(quoted)\n", file: "f.yaml")
        #expect(file.root["when"]?.scalar?.value == .string(source), "the quotes that it names help")
    }

    @Test func `the inputs and earlier steps of a workflow are known`() async throws {
        let workflow = """
            workflow: revoke
            title: Revoke
            inputs: { credential: { type: credential }, days: { type: int, default: 3 } }
            steps:
              - id: proof
                do: evidence.capture
                with: { of: "${inputs.credential.id}" }

            """
        let files = ["revoke.yaml": workflow]
        let right = try await expr(
            "check", "inputs.days > 1 && steps.proof.ok == true", "--workflow", "revoke.yaml", files: files)
        #expect(right.end == .exited(0), "\(right.error)")
        let wrong = try await expr("check", "inputs.day > 1", "--workflow", "revoke.yaml", files: files)
        #expect(wrong.end == .exited(10))
        #expect(wrong.error.contains("no field 'day' in inputs (did you mean 'days'?)"))
        let broken = try await expr(
            "check", "true", "--workflow", "revoke.yaml",
            files: ["revoke.yaml": workflow.replacingOccurrences(of: "title", with: "titel")])
        #expect(broken.end == .exited(10))
        #expect(broken.error.contains("revoke.yaml:2:1: error[P021]: the field 'titel' is unknown"))
    }

    // MARK: eval

    @Test(arguments: [
        ("days * 24 > 48", "true"), ("{'b': days, 'a': 1.0}", "{\"a\":1,\"b\":3}"), ("'é' + \"\\n\"", "\"é\\n\""),
        ("[1, 2].map(x, x * days)", "[3,6]"), ("duration('90s')", "\"90s\""),
    ])
    func `a value is printed as canonical JSON`(_ source: String, _ value: String) async throws {
        let ended = try await expr("eval", source, "--var", "days=3", "-o", "json")
        #expect(ended.end == .exited(0), "\(ended.error)")
        #expect(ended.output == value + "\n")
    }

    @Test func `variables come from a file, and single ones over them`() async throws {
        let files = ["vars.json": "{\"a\": 1, \"b\": {\"c\": \"x\"}}"]
        let ended = try await expr("eval", "string(a) + b.c", "--vars", "vars.json", "--var", "a=2", files: files)
        #expect(ended.end == .exited(0), "\(ended.error)")
        #expect(ended.output == "\"2x\"  (string)\n")
    }

    @Test func `an expression without an answer ends with 11, its place and its reason, and prints no value`()
        async throws
    {
        let ended = try await expr(
            "eval", "signal.credential.isuer == \"github\"", "--signal", "secret.exposed", "--vars", "signal.json",
            files: ["signal.json": Self.signal])
        #expect(ended.end == .exited(11))
        #expect(ended.output.isEmpty)
        #expect(
            ended.errorLines.first?.hasPrefix("expression:1:19: error[X050]: no key 'isuer' in signal.credential")
                == true)
        #expect(ended.errorLines.first?.contains("did you mean 'issuer'?") == true)
        #expect(ended.errorLines.last?.hasPrefix("cordon: no answer: ") == true)
    }

    @Test func `work without end is cut off and told`() async throws {
        let loops = "xs.all(x, xs.all(y, xs.size() + x + y >= 0))"
        let numbers = "xs=[" + (0..<2000).map(String.init).joined(separator: ",") + "]"
        let ended = try await expr("eval", loops, "--var", numbers)
        #expect(ended.end == .exited(11))
        #expect(ended.errorLines.first?.contains("error[X070]") == true)
    }

    @Test(arguments: [
        (["eval", "a + 1"], "'a'"), (["eval", "a", "--var", "a"], "NAME=JSON"),
        (["eval", "a", "--var", "a=active"], "no JSON: 1:1"), (["eval", "1", "+", "1"], "single quotes"),
        (["eval"], "no expression"), (["eval", "a", "--vars", "list.json"], "no JSON object"),
        (["eval", "true", "--signal", "secret.exposed", "--var", "x=1"], "no variable 'x'"),
        (["eval", "signal.validity", "--signal", "secret.exposed"], "'signal' has no value"),
        (["check", "true", "--signal", "secret.exposed", "--workflow", "w.yaml"], "give one of them"),
        (["eval", "-", "--vars", "-"], "can't both"),
    ])
    func `wrong usage ends with 64 and names the way out`(_ arguments: [String], _ words: String) async throws {
        let folder = try ScratchFolder("cordon-expr")
        try folder.write("[1]", to: "list.json")
        let ended = try await Installation.finish(["expr"] + arguments, in: folder)
        // A variable that nobody declared is the expression's mistake.
        let isUndeclared = arguments == ["eval", "a + 1"]
        #expect(ended.end == .exited(isUndeclared ? 10 : 64))
        #expect(ended.output.isEmpty)
        #expect(ended.error.contains(words), "\(ended.error)")
    }

    @Test(arguments: [
        (["eval", "true", "--signal", "secret.exposd"], "did you mean 'secret.exposed'?"),
        (["check", "true", "--workflow", "none.yaml"], "none.yaml"),
        (["eval", "a", "--vars", "none.json"], "none.json"),
    ])
    func `what there is not ends with 3`(_ arguments: [String], _ words: String) async throws {
        let ended = try await Installation.finish(["expr"] + arguments, in: try ScratchFolder("cordon-expr"))
        #expect(ended.end == .exited(3))
        #expect(ended.error.contains(words), "\(ended.error)")
    }

    // MARK: explain

    @Test func `every part is shown with its place and its value`() async throws {
        let ended = try await expr(
            "explain",
            "signal.validity == \"active\" && signal.location.kind == \"artifact\" || has(signal.occurred_at)",
            "--signal", "secret.exposed", "--vars", "signal.json", files: ["signal.json": Self.signal])
        #expect(ended.end == .exited(0), "\(ended.error)")
        #expect(
            ended.outputLines == [
                "false: as a condition it does not hold",
                "AT     VALUE     PART",
                "1-92   false     signal.validity == \"active\" && signal.location.kind == \"artifact\" || has(signal.occurred_at)",
                "1-65   false       signal.validity == \"active\" && signal.location.kind == \"artifact\"",
                "1-27   true          signal.validity == \"active\"",
                "1-15   \"active\"        signal.validity",
                "32-65  false         signal.location.kind == \"artifact\"",
                "32-51  \"ci_log\"        signal.location.kind",
                "70-92  false       has(signal.occurred_at)",
            ])
    }

    @Test func `a part without an answer is told where it arose, and the whole ends with 11`() async throws {
        let ended = try await expr("explain", "a.b > 1 && a.c == 2", "--var", "a={\"c\":2}")
        #expect(ended.end == .exited(11))
        #expect(
            ended.outputLines == [
                "no answer: no key 'b' in a; did you mean 'c'?", "AT     VALUE                               PART",
                "1-19   no answer                           a.b > 1 && a.c == 2",
                "1-7    no answer                             a.b > 1",
                "1-3    no key 'b' in a; did you mean 'c'?      a.b",
                "12-19  true                                  a.c == 2",
                "12-14  2                                       a.c",
            ])
        #expect(ended.errorLines.first?.hasPrefix("expression:1:") == true)
    }

    @Test func `loops, parts that were not needed and hostile text stay readable`() async throws {
        let ended = try await expr(
            "explain", "xs.exists(x, x == \"b\") || y.z", "--var", "xs=[\"a\",\"b\"]", "--var",
            "y=\"\u{202E}gnp\"")
        #expect(ended.end == .exited(0), "\(ended.error)")
        #expect(ended.output.contains("true (2×)"))
        #expect(ended.output.contains("not needed"))
        let hostile = try await expr("explain", "y + y", "--var", "y=\"\u{202E}\u{1b}[2J\"")
        #expect(hostile.end != .exited(0), "a control character in JSON must be escaped")
        let shown = try await expr("explain", "y + y", "--var", "y=\"\u{202E}gnp\"")
        #expect(shown.end == .exited(0))
        #expect(!shown.output.unicodeScalars.contains("\u{202E}"))
    }

    @Test func `scripts get every part whole`() async throws {
        let long = String(repeating: "x", count: 300)
        let json = try await expr("explain", "a == 'y'", "--var", "a=\"\(long)\"", "-o", "json").json
        #expect(json["value"] == false)
        let parts = try #require(json["parts"]?.arrayValue)
        #expect(parts.map { $0["text"] } == ["a == 'y'", "a"])
        #expect(parts.last?["value"] == .string(long))
        #expect(parts.last?["from"] == 1 && parts.last?["to"] == 1 && parts.last?["depth"] == 1)
    }
}
