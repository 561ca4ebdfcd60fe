// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import CordonLanguage

/// A condition is true, false or undecided; what is undecided never counts as false.
@Suite struct ConditionTests {
    @Test(arguments: [
        ("true", "true"), ("1 > 2", "false"), ("any.missing", "undecided"), ("any.missing == 1", "undecided"),
        ("!any.missing", "undecided"), ("any.missing && true", "undecided"), ("true && any.missing", "undecided"),
        ("any.missing && false", "false"), ("false && any.missing", "false"), ("any.missing || true", "true"),
        ("true || any.missing", "true"), ("any.missing || false", "undecided"),
        ("any.missing || any.gone", "undecided"),
        ("any.missing ? true : true", "undecided"), ("true ? true : any.missing", "true"),
        ("[1, 2].exists(x, x == 2 || any.missing)", "true"), ("[any.missing, true].exists(x, x)", "undecided"),
        ("[1, 0].exists(x, 2 / x == 2)", "true"), ("[0, 1].exists(x, 2 / x == 2)", "true"),
        ("[0, 1].all(x, 2 / x == 3)", "false"), ("[0, 1].all(x, 2 / x == 2)", "undecided"),
        ("[0, 1].exists_one(x, 2 / x == 2)", "undecided"), ("[0, 1].filter(x, 2 / x == 2).size() == 1", "undecided"),
        ("any.raw.key == 'v' && any.raw.none > 3", "undecided"), ("any.raw.key == 'w' && any.raw.none > 3", "false"),
        ("any.tags[7] == 'a'", "undecided"), ("any.score", "undecided"), ("any.title + 1 == 2", "undecided"),
        ("any.raw.`null`", "undecided"), ("cel.bind(x, 1 / 0, true)", "true"),
        ("cel.bind(x, 1 / 0, x == 1)", "undecided"),
        ("optional.none().value()", "undecided"), ("any.?missing.orValue(false)", "false"),
        ("has(any.missing)", "false"),
        ("has(any.missing.deeper)", "undecided"), ("any.missing in [1]", "undecided"), ("'x' in any", "false"),
    ])
    func `a condition has three results`(_ source: String, _ expected: String) throws {
        let found =
            switch try decision(source) {
            case .isTrue: "true"
            case .isFalse: "false"
            case .undecided: "undecided"
            }
        #expect(found == expected)
    }

    @Test func `a missing key names the place, the key, and what was there`() throws {
        let source = "any.severity == 'high' && any.identity.kin == 'x'"
        guard case .undecided(let error) = try decision(source) else {
            Issue.record("decided")
            return
        }
        #expect(error.code == .noSuchKey)
        #expect(error.message == "no key 'kin' in any.identity; did you mean 'kind'?")
        #expect(error.path == "any.identity")
        #expect(error.key == "kin")
        #expect(error.knownKeys == ["kind"])
        #expect(error.offset == 39)
        #expect(error.width == 3)
    }

    @Test func `the first operand's error is the one that is told`() throws {
        let error = try compiled("any.first > 1 && any.second > 1").evaluate(["any": alert]).error
        #expect(error?.key == "first")
    }

    @Test func `the keys that an error lists are bounded`() throws {
        let members = Dictionary(uniqueKeysWithValues: (0..<500).map { ("k\($0)", Value.int($0)) })
        let error = try compiled("any.missing").evaluate(["any": .object(members)]).error
        #expect(error?.knownKeys.count == EvaluationError.knownKeysMax)
    }

    @Test func `a variable that was not given is undecided`() throws {
        #expect(try compiled("any").decide([:]) == .undecided(EvaluationError(.noSuchVariable, "")))
    }

    @Test func `an explained value decides as the condition itself does`() throws {
        #expect(Condition(.value(true)) == .isTrue)
        #expect(Condition(.value(false)) == .isFalse)
        #expect(Condition(.value("true")) == .undecided(EvaluationError(.wrongType, "")))
        #expect(Condition(.error(EvaluationError(.overflow, "x"))) == .undecided(EvaluationError(.overflow, "")))
    }
}
