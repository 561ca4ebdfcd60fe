// SPDX-License-Identifier: Apache-2.0
import CordonLanguage
import Testing

@Suite struct JSONViewTests {
    /// A value whose text has an outline, made of another: visible ASCII without quotes, integers of 18 digits at most.
    private static func plain(_ value: Value) -> Value {
        func text(_ text: String) -> String {
            String(text.map { $0.isASCII && !$0.isNewline && $0 >= " " && $0 != "\"" && $0 != "\\" ? $0 : "x" })
        }
        return switch value {
        case .null, .bool: value
        case .int(let number): .int(number % 1_000_000_000_000_000_000)
        case .double(let number): .int(Int64(number.magnitude < 1e15 ? number : 0))
        case .string(let string): .string(text(string))
        case .array(let items): .array(items.map(plain))
        case .object(let members):
            .object(Dictionary(members.map { (text($0.key), plain($0.value)) }) { first, _ in first })
        }
    }

    private static func view(_ bytes: [UInt8]) -> JSONView? { JSONView(canonical: bytes, 0..<bytes.count) }

    @Test func `a text read in place says what its tree says`() throws {
        var dice = ValueDice(seed: 21)
        for _ in 0..<3_000 {
            let value = Self.plain(dice.value())
            let view = try #require(Self.view(value.jsonBytes), "\(value.json)")
            #expect(view.value == value)
            #expect(view.jsonBytes == value.jsonBytes)
            #expect(view.prettyBytes == Array(value.prettyJSON.utf8))
            #expect(view.stringValue == value.stringValue)
            #expect(view.intValue == value.intValue)
            #expect(view.isNull == value.isNull)
            #expect(view.isObject == (value.objectValue != nil))
            #expect(view.elements?.map(\.value) == value.arrayValue)
            for (name, member) in value.objectValue ?? [:] { #expect(view[name]?.value == member) }
            #expect(view["no such name, surely"] == nil)
        }
    }

    @Test func `a piece of a text is read for itself`() throws {
        let line = Array(#"{"a":{"b":[1,2]},"c":3}"#.utf8)
        let view = try #require(JSONView(canonical: line, 5..<16))
        #expect(view.value == ["b": [1, 2]])
        #expect(JSONView(canonical: line, 5..<15) == nil)
        #expect(JSONView(canonical: line, 5..<17) == nil)
    }

    /// Whatever bytes come: what is read in place, the strict reader reads too, with the same value and the same spelling.
    @Test func `no text has an outline that is not the one spelling of its value`() throws {
        var dice = ValueDice(seed: 22)
        var outlined = 0
        for _ in 0..<20_000 {
            var bytes = Self.plain(dice.value()).jsonBytes
            for _ in 0..<Int.random(in: 1...2, using: &dice) where !bytes.isEmpty {
                let place = Int.random(in: bytes.indices, using: &dice)
                switch Int.random(in: 0..<3, using: &dice) {
                case 0: bytes[place] = Array(#"{}[]",:0-9.eE\ tfn"#.utf8).randomElement(using: &dice) ?? 0
                case 1: bytes.remove(at: place)
                default: bytes.insert(bytes[Int.random(in: bytes.indices, using: &dice)], at: place)
                }
            }
            guard let view = Self.view(bytes) else { continue }
            outlined += 1
            let value = try JSON.parse(bytes)
            #expect(view.value == value)
            #expect(value.jsonBytes == bytes)
        }
        #expect(outlined > 1_000)
    }

    @Test(arguments: [
        "", " 1", "1 ", "01", "-0", "-", "+1", "1.0", "1e2", "1234567890123456789", #""é""#, #""\n""#, #""a"#, "\"\t\"",
        "{\"a\": 1}", #"{"b":1,"a":2}"#, #"{"a":1,"a":2}"#, #"{"a":1,}"#, "[1,]", "[1 2]", "tru", "nulll", #"{"a"}"#,
        "{1:2}",
    ])
    func `what is spelled otherwise is left to the strict reader`(_ text: String) {
        #expect(Self.view(Array(text.utf8)) == nil)
    }

    @Test func `depth and size have their limits`() {
        let deep = Array((String(repeating: "[", count: 5) + String(repeating: "]", count: 5)).utf8)
        func has(_ limits: JSONLimits) -> Bool { JSONView(canonical: deep, 0..<10, limits: limits) != nil }
        #expect(has(JSONLimits(bytesMax: 10, depthMax: 5)))
        #expect(!has(JSONLimits(bytesMax: 10, depthMax: 4)))
        #expect(!has(JSONLimits(bytesMax: 9, depthMax: 5)))
    }
}
