// SPDX-License-Identifier: Apache-2.0

import CordonLanguage
import Testing

/// Which values can become part of a result, and which are only looked at.
@Suite struct ExpressionFlowTests {
    @Test(arguments: [
        ("a.b", ["a.b"]), ("a.b == 'x'", []), ("a.b == 'x' ? c.d : 'y'", ["c.d"]), ("'p-' + a.b", ["a.b"]),
        ("[a.b, c.d].filter(x, x == e.f)", ["a.b", "c.d"]), ("['x'].filter(x, x == e.f)", []),
        ("['x'].map(x, x + e.f)", ["e.f"]), ("a.list.exists(x, x == 'y')", []), ("has(a.b)", []),
        ("cel.bind(x, a.b, x + 'y')", ["a.b"]), ("{'k': a.b}", ["a.b"]), ("['x', 'y'][a.n]", []),
        ("a.text.contains('x') && a.b", []), ("a.text.lowerAscii()", ["a.text"]), ("size(a.text)", ["a.text"]),
        ("!a.flag", []), ("'x' in a.list", []), ("a.?b.orValue('y')", ["a.b"]), ("a", ["a"]),
    ])
    func `what is compared does not pass, what is put in does`(_ source: String, _ paths: [String]) throws {
        let expression = try Expression.compile(source, variables: ["a": .any, "c": .any, "e": .any])
        #expect(expression.passes.map { $0.joined(separator: ".") } == paths)
    }

    @Test(arguments: [
        ("a.b == 'x'", ["a.b x 7"]), ("'x' != a.b", ["a.b x 0"]), ("a.b in ['x', 'y']", ["a.b x 8", "a.b y 13"]),
        ("!(a.b == 'é') || c == 'y'", ["a.b é 9", "c y 22"]), ("a.b in c.d", []), ("a.b == c.d", []),
        ("a.b + 'x' == 'y'", []), ("a.b == 7", []), ("a.b.startsWith('x')", []), ("a['b'] == 'x'", ["a.b x 10"]),
    ])
    func `what is compared with a text written out is told with its place`(
        _ source: String, _ comparisons: [String]
    ) throws {
        let expression = try Expression.compile(source, variables: ["a": .any, "c": .any])
        let found = expression.comparisons.map { "\($0.path.joined(separator: ".")) \($0.text) \($0.offset)" }
        #expect(found == comparisons)
    }
}
