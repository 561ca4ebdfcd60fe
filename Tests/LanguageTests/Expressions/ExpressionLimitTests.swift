// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import CordonLanguage

/// Each bound on an expression holds exactly, and is answered with its number and its figure.
@Suite struct ExpressionLimitTests {
    private func issue(_ source: String) -> ExpressionIssue? {
        do {
            _ = try Expression.compile(source, variables: ["any": .any])
            return nil
        } catch {
            return error.issues.first
        }
    }

    @Test func `an expression has at most 4,096 code points`() {
        let fits = "'" + String(repeating: "é", count: 4_094) + "'"
        #expect(issue(fits) == nil)
        let found = issue(fits + " ")
        #expect(found?.code.rawValue == "X010")
        #expect(found?.message == "the expression has 4097 code points; at most 4096")
    }

    /// Sources of any depth, one for each way in which an expression nests.
    static let nestings: [@Sendable (Int) -> String] = [
        { String(repeating: "(", count: $0 - 1) + "1" + String(repeating: ")", count: $0 - 1) },
        { String(repeating: "[", count: $0 - 1) + "1" + String(repeating: "]", count: $0 - 1) },
        { String(repeating: "{1:", count: $0 - 1) + "1" + String(repeating: "}", count: $0 - 1) },
        { String(repeating: "-(", count: $0 - 1) + "1" + String(repeating: ")", count: $0 - 1) },
        { String(repeating: "!", count: $0 - 1) + "true" },
        { "any" + String(repeating: ".a", count: $0 - 1) },
        { "any" + String(repeating: "[0]", count: $0 - 1) },
        { "'a'" + String(repeating: ".trim()", count: $0 - 1) },
        { String(repeating: "1+", count: $0 - 1) + "1" },
        { String(repeating: "true?1:", count: $0 - 1) + "1" },
        { String(repeating: "dyn(", count: $0 - 1) + "1" + String(repeating: ")", count: $0 - 1) },
        { String(repeating: "cel.bind(x,1,", count: $0 - 1) + "1" + String(repeating: ")", count: $0 - 1) },
        {
            String(repeating: "[true&&", count: ($0 - 1) / 3) + "true" + String(repeating: "]==[]", count: ($0 - 1) / 3)
        },
    ]

    @Test(arguments: nestings.indices)
    func `an expression is at most 64 levels deep, whatever nests`(_ index: Int) {
        let nesting = Self.nestings[index]
        #expect(issue(nesting(64))?.code != .tooDeep, "\(nesting(64))")
        let found = issue(nesting(index == 12 ? 200 : 65))
        #expect(found?.code.rawValue == "X011")
        #expect(found?.message == "the expression is more than 64 levels deep")
    }

    @Test(arguments: nestings.indices)
    func `the deepest expressions compile, run, explain and go on a stack of 512 KiB`(_ index: Int) {
        onSmallStack {
            for depth in [63, 64, 65, 400] {
                let source = String(Self.nestings[index](depth).prefix(4_096))
                guard let expression = try? Expression.compile(source, variables: ["any": .any]) else { continue }
                _ = expression.evaluate(["any": [[]]])
                let (_, parts) = expression.explain(["any": [[]]])
                #expect(!parts.isEmpty || index < 2)
            }
        }
    }

    @Test func `deep values are compared, shown and released on a stack of 512 KiB`() {
        onSmallStack {
            let text = String(repeating: "[", count: 127) + String(repeating: "]", count: 127)
            guard let deep = try? JSON.parse(text) else {
                Issue.record("127 lists in each other are a valid text")
                return
            }
            let source = "[any] == [any] && '%s'.format([[any]]).size() > 100 && [[any]] != [any]"
            let expression = try? Expression.compile(source, variables: ["any": .any])
            #expect(expression?.decide(["any": deep]) == .isTrue)
            let grown = try? Expression.compile(
                String(repeating: "cel.bind(x, [x], ", count: 50) + "x" + String(repeating: ")", count: 50),
                variables: ["x": .any])
            #expect(grown?.evaluate(["x": deep]).value != nil)
        }
    }

    @Test func `a deep tree is an array, so that its release needs no recursion`() throws {
        let wide = ExpressionLimits(codePointsMax: 1_000_000, depthMax: 100_000)
        let chain = "1" + String(repeating: "+1", count: 50_000)
        let tree = try Parser.parse(chain, limits: wide)
        #expect(tree.nodes.count == 100_001)
        onSmallStack { [tree] in #expect(tree.nodes[tree.root].height == 50_001) }
    }

    @Test func `loops stand at most two deep in each other`() {
        let three = "[1].all(x, [1].exists(y, [1].exists(z, z == x)))"
        let found = issue(three)
        #expect(found?.code.rawValue == "X012")
        #expect(found?.message == "loops stand 3 deep in each other; at most 2")
        #expect(issue("[1].all(x, [1].exists(y, y == x)) && [1].all(x, [1].exists(y, y == x))") == nil)
        #expect(issue("[1].all(x, cel.bind(y, x, [1].exists(z, z == y)))") == nil)
        #expect(issue("[1].map(x, x).map(x, x).map(x, x).map(x, x) == []") == nil)
    }

    @Test func `a template's holes are counted`() {
        let text = String(repeating: "${1}", count: 65)
        let errors = #expect(throws: ExpressionErrors.self) { try Template.compile(text, variables: [:]) }
        #expect(errors?.issues.first?.code.rawValue == "X040")
        #expect(errors?.issues.first?.message == "the text has more than 64 holes")
    }

    @Test func `an author is told at most 20 mistakes at once`() {
        let many = (0..<30).map { "u\($0) == 1" }.joined(separator: " && ")
        let errors = #expect(throws: ExpressionErrors.self) { try Expression.compile(many, variables: [:]) }
        #expect(errors?.issues.count == 20)
    }
}
