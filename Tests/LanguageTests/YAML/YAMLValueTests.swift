// SPDX-License-Identifier: Apache-2.0
import CordonLanguage
import Testing

/// What a file that is accepted means, and where its parts stand.
@Suite struct YAMLValueTests {
    @Test(
        arguments: [
            ("a: 1", ["a": 1]), ("a: -0.5", ["a": -0.5]), ("a: 1e3", ["a": 1000.0]), ("a: true", ["a": true]),
            ("a: null", ["a": nil]),
            ("a: ~", ["a": nil]), ("a:", ["a": nil]), ("a: \"yes\"", ["a": "yes"]), ("a: '017'", ["a": "017"]),
            ("a: 15m", ["a": "15m"]),
            ("a: 3%", ["a": "3%"]), ("a: x # c", ["a": "x"]), ("a: x#y", ["a": "x#y"]),
            ("a: \"\\u00e9\\n\"", ["a": "é\n"]), ("a: 'it''s'", ["a": "it's"]),
            ("a: |\n  x\n   y\n", ["a": "x\n y\n"]), ("a: >-\n  x\n  y\n", ["a": "x y"]), ("a: x\n  y", ["a": "x y"]),
            ("- 1\n- [2, {b: 3}]", [1, [2, ["b": 3]]]),
            ("a:\n- 1\n-\n  - 2\n", ["a": [1, [2]]]), ("{a: 1, b: [x, 'y']}", ["a": 1, "b": ["x", "y"]]),
            ("a: \"!x\"", ["a": "!x"]),
            ("when: a == 1 && b > 2", ["when": "a == 1 && b > 2"]), ("when: a.b(c, [1])", ["when": "a.b(c, [1])"]),
            ("a: http://x/y:z", ["a": "http://x/y:z"]),
            ("a: 2026-01-02", ["a": "2026-01-02"]), ("a: 1.2.3", ["a": "1.2.3"]), ("---\na: 1\n...\n", ["a": 1]),
            ("a: 1\r\nb: 2\r\n", ["a": 1, "b": 2]),
            ("a: 9223372036854775807", ["a": .int(.max)]), ("\"\": 1", ["": 1]), ("a: \"12\"", ["a": "12"]),
            ("'12': a", ["12": "a"]),
            ("a: \"\\u200F\"", ["a": "\u{200F}"]), ("a b: c d", ["a b": "c d"]), ("a: x ? y", ["a": "x ? y"]),
        ] as [(String, Value)])
    func `a file means what it says`(_ source: String, _ value: Value) throws {
        #expect(try YAMLDocument.parse(source, file: "f.yaml").root.value == value)
    }

    @Test func `every part knows its place and width in code points`() throws {
        let document = try YAMLDocument.parse("é: x\nlist:\n  - 'añb'\n  - {k: 12}\n", file: "f.yaml")
        let entries = try #require(document.root.entries)
        #expect(entries.map { [$0.place.line, $0.place.column, $0.width] } == [[1, 1, 1], [2, 1, 4]])
        let items = try #require(document.root["list"]?.items)
        #expect(items.map { [$0.place.line, $0.place.column, $0.width] } == [[3, 5, 5], [4, 5, 1]])
        let inner = try #require(items[1]["k"])
        #expect([inner.place.line, inner.place.column, inner.width] == [4, 9, 2])
        #expect(document.line(3) == "  - 'añb'")
        #expect(document.line(9) == nil)
    }

    @Test(
        arguments: [
            ("500ms", 500), ("30s", 30_000), ("15m", 900_000), ("72h", 259_200_000), ("2d", 172_800_000), ("0s", 0),
        ] as [(String, Int64)])
    func `a duration reads and writes the same`(_ text: String, _ milliseconds: Int64) {
        #expect(YAMLDuration.milliseconds(text) == milliseconds)
        #expect(YAMLDuration.milliseconds(YAMLDuration.text(milliseconds: milliseconds)) == milliseconds)
    }

    @Test(arguments: [
        "", "5", "m", "1h30m", "-5m", "+5m", "1.5h", "5 m", "5M", "5w", "9999999999999999999s", "999999999999999d",
        "٣m",
    ])
    func `what is no duration is nil`(_ text: String) {
        #expect(YAMLDuration.milliseconds(text) == nil)
    }
}
