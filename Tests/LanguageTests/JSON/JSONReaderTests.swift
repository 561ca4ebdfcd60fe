// SPDX-License-Identifier: Apache-2.0
import CordonLanguage
import Testing

@Suite struct JSONReaderTests {
    @Test(
        arguments: [
            ("null", .null), (" true\n", true), ("false", false), ("0", 0), ("-0", 0), ("-7", -7),
            ("9223372036854775807", .int(.max)), ("-9223372036854775808", .int(.min)),
            ("9007199254740993", .int(9_007_199_254_740_993)), ("899999999999999999", .int(899_999_999_999_999_999)),
            ("9223372036854775808", .double(9_223_372_036_854_775_808)), ("-9223372036854775809", .double(-0x1p63)),
            ("1.0", .double(1)), ("1e0", .double(1)), ("1E+2", .double(100)), ("25e-1", .double(2.5)),
            ("0.1", .double(0.1)), ("123456.789e3", .double(123_456_789)), ("5e-324", .double(.leastNonzeroMagnitude)),
            ("1.7976931348623157e308", .double(.greatestFiniteMagnitude)), ("1e-999", .double(0)),
            ("0.30000000000000004", .double(0.1 + 0.2)), ("9007199254740993.0", .double(9_007_199_254_740_992)),
            ("3.1415926535897932384626433832795028841971693993751", .double(.pi)),
            ("\"\"", ""), (#""a\/b\\\"\b\f\n\r\t""#, "a/b\\\"\u{8}\u{C}\n\r\t"),
            (#""\u00e9\u20AC\uD83D\ude00""#, "é€😀"),
            (#""\u0000""#, "\0"), ("\"naïve – 日本 😀\"", "naïve – 日本 😀"), (#""é and \n then é""#, "é and \n then é"),
            ("[]", []), ("{}", [:]), ("[1,[2,[ ]],{}]", [1, [2, []], [:]]),
            (#"{ "a" : 1 , "b" : { "a" : [ null ] } }"#, ["a": 1, "b": ["a": [nil]]]), (#"{"":0}"#, ["": 0]),
            ("\t\r\n [ \n1 ]\t", [1]),
        ] as [(String, Value)])
    func `a valid text gives its value`(_ text: String, _ value: Value) throws {
        #expect(try JSON.parse(text) == value)
    }

    @Test func `minus zero keeps its sign only as a double`() throws {
        #expect(try JSON.parse("-0") == .int(0))
        guard case .double(let zero) = try JSON.parse("-0.0") else {
            Issue.record("-0.0 is a double")
            return
        }
        #expect(zero == 0 && zero.sign == .minus)
    }

    @Test(
        arguments: [
            ("", .unexpectedEnd, 0), ("  ", .unexpectedEnd, 2), ("tru", .unexpectedEnd, 3),
            ("trux", .unexpectedByte, 3), ("True", .unexpectedByte, 0), ("nan", .unexpectedByte, 1),
            ("1 2", .trailingBytes, 2), ("{}}", .trailingBytes, 2), ("null,", .trailingBytes, 4),
            ("1x", .trailingBytes, 1),
            ("\u{FEFF}{}", .byteOrderMark, 0), ("[1,]", .unexpectedByte, 3), ("[,1]", .unexpectedByte, 1),
            ("[1 2]", .unexpectedByte, 3), ("[1", .unexpectedEnd, 2), ("{\"a\"}", .unexpectedByte, 4),
            ("{\"a\":1,}", .nameExpected, 7), ("{a:1}", .nameExpected, 1), ("{1:1}", .nameExpected, 1),
            ("{\"a\":1 \"b\":2}", .unexpectedByte, 7), ("'a'", .unexpectedByte, 0), ("// x\n1", .unexpectedByte, 0),
            ("{\"a\":1,\"b\":2,\"a\":3}", .duplicateName, 13), ("{\"a\":1,\"\\u0061\":3}", .duplicateName, 7),
            ("{\"\u{E9}\":1,\"e\u{301}\":3}", .duplicateName, 8),
            ("01", .leadingZero, 0), ("-01", .leadingZero, 1), ("00", .leadingZero, 0), ("-", .unexpectedEnd, 1),
            ("+1", .unexpectedByte, 0), (".5", .unexpectedByte, 0), ("1.", .unexpectedEnd, 2), ("1.e3", .badNumber, 2),
            ("1e", .unexpectedEnd, 2), ("1e+", .unexpectedEnd, 3), ("[1ex]", .badNumber, 3), ("-x", .badNumber, 1),
            ("0x10", .trailingBytes, 1), ("1e400", .numberOutOfRange, 0), ("[-1e999999999999]", .numberOutOfRange, 1),
            ("\"a", .unexpectedEnd, 2), ("\"\\", .unexpectedEnd, 2), ("\"\\x41\"", .badEscape, 1),
            ("\"ab\\u12g4\"", .badEscape, 3), ("\"\\u12\"", .badEscape, 1), ("\"a\nb\"", .controlCharacter, 2),
            ("\"12345678\u{1}\"", .controlCharacter, 9), ("\"\\n\u{0}\"", .controlCharacter, 3),
            (#""\ud800""#, .loneSurrogate, 1), (#""\ud800x""#, .loneSurrogate, 1), (#""\ud800\n""#, .loneSurrogate, 1),
            (#""\ud800\u0041""#, .loneSurrogate, 1), (#""x\udc00""#, .loneSurrogate, 2),
            (#""\ud800\ud800""#, .loneSurrogate, 1), ("\u{0}", .unexpectedByte, 0), ("\u{A0}1", .unexpectedByte, 0),
        ] as [(String, JSONError.Code, Int)])
    func `an invalid text is refused at its byte`(_ text: String, _ code: JSONError.Code, _ offset: Int) {
        let error = #expect(throws: JSONError(code)) { try JSON.parse(text) }
        #expect(error?.offset == offset)
    }

    @Test(
        arguments: [
            [0x80], [0xC0, 0x80], [0xC1, 0xBF], [0xC3], [0xE0, 0x80, 0x80], [0xE0, 0x9F, 0xBF], [0xED, 0xA0, 0x80],
            [0xED, 0xBF, 0xBF], [0xE2, 0x82], [0xF0, 0x80, 0x80, 0x80], [0xF0, 0x8F, 0xBF, 0xBF],
            [0xF4, 0x90, 0x80, 0x80],
            [0xF5, 0x80, 0x80, 0x80], [0xFE], [0xFF], [0xC3, 0x41], [0xF0, 0x9F, 0x98], [0xE2, 0x28, 0xA1],
        ] as [[UInt8]])
    func `ill-formed UTF-8 is refused with and without escapes`(_ bad: [UInt8]) {
        for (before, after) in [("\"é-", "\""), ("\"é-", " \\n\""), ("\"\\té", "\"")] {
            let bytes = Array(before.utf8) + bad + Array(after.utf8)
            let error = #expect(throws: JSONError(.invalidUTF8)) { try JSON.parse(bytes) }
            #expect(error?.offset == before.utf8.count)
        }
    }

    @Test func `an error names line and column in code points`() {
        let error = #expect(throws: JSONError(.unexpectedByte)) {
            try JSON.parse("{\n  \"größe\": [1,\n    \"é😀\" 7]\n}")
        }
        #expect(error?.line == 3)
        #expect(error?.column == 10)
        #expect(error?.description == "3:10: this character cannot stand here [unexpectedByte]")
    }

    @Test func `every code has its own words`() {
        let messages = Set(JSONError.Code.allCases.map { JSONError($0).message })
        #expect(messages.count == JSONError.Code.allCases.count)
        #expect(messages.allSatisfy { !$0.hasSuffix(".") })
    }

    @Test func `size, depth and number length are bounded`() throws {
        let tight = JSONLimits(bytesMax: 4, depthMax: 2)
        #expect(try JSON.parse("[[]]", limits: tight) == [[]])
        #expect(throws: JSONError(.tooLarge)) { try JSON.parse("[[]] ", limits: tight) }
        #expect(throws: JSONError(.tooDeep)) { try JSON.parse("[[[", limits: tight) }
        let deepest = JSONLimits.depthCeiling
        #expect(JSONLimits(depthMax: 100_000).depthMax == deepest)
        #expect(throws: Never.self) { try JSON.parse(nested(deepest)) }
        #expect(throws: JSONError(.tooDeep)) { try JSON.parse(nested(deepest + 1)) }
        let longest = JSONLimits.numberBytesMax
        #expect(throws: Never.self) { try JSON.parse("0." + String(repeating: "1", count: longest - 2)) }
        #expect(throws: JSONError(.numberTooLong)) { try JSON.parse("0." + String(repeating: "1", count: longest - 1)) }
    }

    @Test func `a stack of 512 KiB is enough for the deepest text`() {
        onSmallStack {
            for opening in ["[", "{\"a\":"] {
                let deep = String(repeating: opening, count: 100_000)
                #expect(throws: JSONError(.tooDeep)) { try JSON.parse(deep) }
            }
            let value = try? JSON.parse(nested(JSONLimits.depthCeiling))
            #expect(value?.jsonBytes == Array(nested(JSONLimits.depthCeiling).utf8))
            #expect(value?.prettyJSON.isEmpty == false)
        }
    }

    @Test func `bytes need not be contiguous`() throws {
        let bytes = Array("{\"a\":[1,\"b\"]}".utf8)
        #expect(try JSON.parse(bytes[...]) == ["a": [1, "b"]])
        #expect(try JSON.parse(bytes.reversed().reversed() as ReversedCollection) == ["a": [1, "b"]])
        #expect(try bytes.withUnsafeBytes { try JSON.parse($0) } == ["a": [1, "b"]])
        #expect(throws: JSONError(.unexpectedEnd)) { try JSON.parse(UnsafeRawBufferPointer(start: nil, count: 0)) }
    }

    private func nested(_ depth: Int) -> String {
        String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
    }
}
