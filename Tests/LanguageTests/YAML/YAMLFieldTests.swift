// SPDX-License-Identifier: Apache-2.0
import CordonLanguage
import Testing

/// The exact words of every mistake in a field.
@Suite struct YAMLFieldTests {
    private enum Mode: String, CaseIterable { case off, shadow, propose, enforce }

    /// Reads one line with one field of each kind, and gives all that was wrong.
    private func words(_ line: String, _ read: (YAMLFields) -> Void) throws -> String {
        let document = try YAMLDocument.parse("ok: 1\n" + line, file: "f.yaml")
        let reader = YAMLReader(document)
        let fields = try #require(reader.mapping(document.root))
        _ = fields.int("ok")
        read(fields)
        #expect(reader.isClean == reader.diagnostics.isEmpty)
        return reader.refusal.text
    }

    private func golden(_ line: String, _ column: Int, _ width: Int, _ code: String, _ words: String) -> String {
        let caret = String(repeating: " ", count: column - 1) + String(repeating: "^", count: width)
        return "f.yaml:2:\(column): error[\(code)]: \(words)\n 2 | \(line)\n   | \(caret)"
    }

    @Test(arguments: [
        ("title: 12", 8, 2, "'title' must be text, found a whole number (write \"12\" in quotes)"),
        ("title: true", 8, 4, "'title' must be text, found true or false (write \"true\" in quotes)"),
        ("title: [x]", 8, 1, "'title' must be text, found a list"),
        ("title: {x: 1}", 9, 1, "'title' must be text, found a map"),
        ("title:", 7, 1, "'title' must be text, found nothing"),
    ])
    func `text must be text`(_ line: String, _ column: Int, _ width: Int, _ message: String) throws {
        let found = try words(line) { _ = $0.string("title") }
        if line.contains("{") {
            #expect(found.contains("error[P022]: \(message)"))
        } else {
            #expect(found == golden(line, column, width, "P022", message))
        }
    }

    @Test func `numbers and truth values are typed and bounded`() throws {
        #expect(
            try words("max: '5'") { _ = $0.int("max") }
                == golden("max: '5'", 6, 3, "P022", "'max' must be a whole number, found text (remove the quotes)"))
        #expect(
            try words("max: 1.5") { _ = $0.int("max") }
                == golden("max: 1.5", 6, 3, "P022", "'max' must be a whole number, found a number"))
        #expect(
            try words("max: 500") { _ = $0.int("max", in: 1...200) }
                == golden("max: 500", 6, 3, "P024", "'max' is too large (from 1 to 200)"))
        #expect(
            try words("max: 0") { _ = $0.int("max", in: 1...200) }
                == golden("max: 0", 6, 1, "P024", "'max' is too small (from 1 to 200)"))
        #expect(
            try words("min: 1.5") { _ = $0.number("min", in: 0...1) }
                == golden("min: 1.5", 6, 3, "P024", "'min' is too large (from 0 to 1)"))
        #expect(
            try words("on_top: 'true'") { _ = $0.bool("on_top") }
                == golden(
                    "on_top: 'true'", 9, 6, "P022", "'on_top' must be true or false, found text (remove the quotes)"))
    }

    @Test func `durations, percentages and words are told with an example or the nearest`() throws {
        #expect(
            try words("for: 1h30m") { _ = $0.milliseconds("for") }
                == golden(
                    "for: 1h30m", 6, 5, "P023",
                    "'for' must be a duration, found '1h30m' (a whole number and ms, s, m, h or d, such as 15m)"))
        #expect(
            try words("for: 30") { _ = $0.milliseconds("for") }
                == golden(
                    "for: 30", 6, 2, "P023",
                    "'for' must be a duration, found '30' (a whole number and ms, s, m, h or d, such as 15m)"))
        #expect(
            try words("for: 9d") { _ = $0.milliseconds("for", in: 60_000...604_800_000) }
                == golden("for: 9d", 6, 2, "P024", "'for' is too large (from 1m to 7d)"))
        #expect(
            try words("share: 0.5") { _ = $0.percentage("share") }
                == golden(
                    "share: 0.5", 8, 3, "P026",
                    "'share' must be a percentage, found '0.5' (a number from 0 to 100 and the sign, such as 3%)"))
        #expect(
            try words("share: 101%") { _ = $0.percentage("share") }
                == golden(
                    "share: 101%", 8, 4, "P026",
                    "'share' must be a percentage, found '101%' (a number from 0 to 100 and the sign, such as 3%)"))
        #expect(
            try words("mode: enforced") { _ = $0.oneOf("mode", Mode.self) }
                == golden(
                    "mode: enforced", 7, 8, "P025",
                    "'mode' must be one of off, shadow, propose, enforce, found 'enforced' (did you mean 'enforce'?)"))
    }

    @Test func `a missing field and an unknown one are told`() throws {
        let found = try words("titel: x") { fields in
            _ = fields.string("title", required: true)
            fields.refuseUnknown()
        }
        #expect(
            found == """
                f.yaml:1:1: error[P020]: the field 'title' is missing
                 1 | ok: 1
                   | ^^

                f.yaml:2:1: error[P021]: the field 'titel' is unknown (did you mean 'title'?)
                 2 | titel: x
                   | ^^^^^
                """)
        #expect(
            try words("zzz: 1") { $0.refuseUnknown() }
                == golden("zzz: 1", 1, 3, "P021", "the field 'zzz' is unknown (known here: ok)"))
    }

    @Test func `lists and maps of the wrong kind are told, each item by itself`() throws {
        let found = try words("steps: [a, 1, [b]]") { _ = $0.strings("steps") }
        #expect(
            found.contains(
                "2:12: error[P022]: 'an item of steps' must be text, found a whole number (write \"1\" in quotes)"))
        #expect(found.contains("2:15: error[P022]: 'an item of steps' must be text, found a list"))
        #expect(try words("steps: x") { _ = $0.list("steps") }.contains("'steps' must be a list, found text"))
        #expect(try words("run: x") { _ = $0.mapping("run") }.contains("'run' must be a map, found text"))
    }

    @Test func `what is right is read without a word`() throws {
        let line = "s: {title: x, count: 3, f: 0.5, b: true, d: 15m, p: 3%, mode: shadow, l: [a, b], v: {k: 1}}"
        let found = try words(line) { fields in
            let map = fields.mapping("s")
            #expect(map?.string("title") == "x")
            #expect(map?.int("count", in: 1...3) == 3)
            #expect(map?.number("f") == 0.5)
            #expect(map?.bool("b") == true)
            #expect(map?.milliseconds("d") == 900_000)
            #expect(map?.percentage("p") == 3)
            #expect(map?.oneOf("mode", Mode.self) == .shadow)
            #expect(map?.strings("l") == ["a", "b"])
            #expect(map?.value("v") == ["k": 1])
            #expect(map?.string("absent") == nil)
            map?.refuseUnknown()
            fields.refuseUnknown()
        }
        #expect(found == "")
    }
}
