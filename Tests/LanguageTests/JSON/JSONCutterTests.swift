// SPDX-License-Identifier: Apache-2.0

import CordonLanguage
import TestKit
import Testing

@Suite struct JSONCutterTests {
    private func cut(_ text: String, _ places: String..., seesTexts: Bool = false) throws -> String {
        let found = try places.map { try #require(JSONPlace($0)) }
        let bytes = try JSONCutter.cut(Array(text.utf8), at: found, seesTexts: seesTexts) { place, value in
            guard let place else { return value == "seen" ? "‹text›" : nil }
            return "‹\(place) \(value.json)›"
        }
        return bytes.map { String(decoding: $0, as: UTF8.self) } ?? text
    }

    @Test(
        arguments: [
            (#"{ "a" : "x", "b":1e5 }"#, "/a", #"{ "a" : "‹0 \"x\"›", "b":1e5 }"#),
            (#"{"a":{"b":[1,{"c":2}]}}"#, "/a/b/1/c", #"{"a":{"b":[1,{"c":"‹0 2›"}]}}"#),
            (#"{"a":{"b":[1,{"c":2}]}}"#, "/a/b", #"{"a":{"b":"‹0 [1,{\"c\":2}]›"}}"#),
            (#"[{"m":1},{"m":2},{"n":3}]"#, "/*/m", #"[{"m":"‹0 1›"},{"m":"‹0 2›"},{"n":3}]"#),
            (#"{"m":1,"x":{"y":[{"m":2}]}}"#, "/**/m", #"{"m":"‹0 1›","x":{"y":[{"m":"‹0 2›"}]}}"#),
            (#"{"x":{"m":1,"q":{"m":2}}}"#, "/x/**/q/m", #"{"x":{"m":1,"q":{"m":"‹0 2›"}}}"#),
            (#"{"a/b":1,"c~d":2}"#, "/a~1b", #"{"a/b":"‹0 1›","c~d":2}"#),
            (#"{"a/b":1,"c~d":2}"#, "/c~0d", #"{"a/b":1,"c~d":"‹0 2›"}"#),
            (#"{"\u0061":"\"}]","b":[]}"#, "/a", #"{"\u0061":"‹0 \"\\\"}]\"›","b":[]}"#),
            (#"{"":{"":1}}"#, "//", #"{"":{"":"‹0 1›"}}"#),
            ("[true,false,null,-1.5]", "/3", #"[true,false,null,"‹0 -1.5›"]"#),
            (
                #"{"big":123456789012345678901234567890,"a":1}"#, "/a",
                #"{"big":123456789012345678901234567890,"a":"‹0 1›"}"#
            ),
            (#"{"b":1}"#, "/a", #"{"b":1}"#),
            (#""text""#, "/a", #""text""#),
        ])
    func `what stands at a place is replaced, and all else stays byte for byte`(
        _ text: String, _ place: String, _ expected: String
    ) throws {
        #expect(try cut(text, place) == expected)
    }

    @Test(arguments: ["", "a", "/**", "/a/**", "/a~2b", "/a~"])
    func `what names no place is none`(_ text: String) {
        #expect(JSONPlace(text) == nil)
    }

    @Test func `texts at no place are seen when they are asked for`() throws {
        #expect(
            try cut(#"{"a":["seen",{"b":"seen"}],"seen":"no"}"#, seesTexts: true)
                == #"{"a":["‹text›",{"b":"‹text›"}],"seen":"no"}"#)
        #expect(try cut(#"["seen"]"#) == #"["seen"]"#)
    }

    @Test func `a value that is not replaced is looked into`() throws {
        let place = try #require(JSONPlace("/**/m"))
        let bytes = try JSONCutter.cut(Array(#"{"m":{"m":"x"}}"#.utf8), at: [place], seesTexts: false) { _, value in
            value.stringValue.map { _ in "cut" }
        }
        #expect(bytes.map { String(decoding: $0, as: UTF8.self) } == #"{"m":{"m":"cut"}}"#)
    }

    @Test func `what is no JSON is refused`() throws {
        #expect(throws: JSONError.self) { try cut(#"{"a":1"#, "/a") }
    }

    @Test(arguments: 0..<200)
    func `of any value the cut text is the value with those members replaced`(_ seed: Int) throws {
        var dice = Seeded(UInt64(seed))
        let value = Self.value(&dice, depth: 4)
        let place = try #require(JSONPlace("/**/k"))
        let cut = try JSONCutter.cut(value.jsonBytes, at: [place], seesTexts: false) { _, _ in "cut" }
        #expect(try JSON.parse(cut ?? value.jsonBytes) == Self.replaced(value))
    }

    private static func value(_ dice: inout Seeded, depth: Int) -> Value {
        switch dice.below(depth == 0 ? 4 : 7) {
        case 0: .int(Int64(dice.below(1000)) - 500)
        case 1: .string(dice.pick(["", "a\"b", "\\", "{]", "ü\n", "k"]))
        case 2: .bool(dice.chance(50))
        case 3: .null
        case 4: .array((0..<dice.below(4)).map { _ in value(&dice, depth: depth - 1) })
        default:
            .object(
                Dictionary(
                    (0..<dice.below(4)).map { _ in (dice.pick(["k", "l", "m/~"]), value(&dice, depth: depth - 1)) },
                    uniquingKeysWith: { first, _ in first }))
        }
    }

    private static func replaced(_ value: Value) -> Value {
        switch value {
        case .object(let members):
            .object(
                Dictionary(uniqueKeysWithValues: members.map { ($0.key, $0.key == "k" ? "cut" : replaced($0.value)) }))
        case .array(let items): .array(items.map(replaced))
        default: value
        }
    }
}
