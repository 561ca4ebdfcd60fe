// SPDX-License-Identifier: Apache-2.0
import CordonLanguage
import Testing

@Suite struct JSONWriterTests {
    @Test func `commas and colons are put by the writer`() {
        var writer = JSONWriter()
        writer.beginObject()
        writer.field("run", "run_1")
        writer.field("sequence", 42)
        writer.field("big", Int64.max)
        writer.field("share", 0.25)
        writer.field("done", false)
        writer.field("tags", ["a", "b"])
        writer.fieldIfPresent("cause", nil as String?)
        writer.fieldIfPresent("after", Int64(3))
        writer.fieldIfPresent("tree", ["z": nil, "a": []] as Value?)
        writer.key("steps")
        writer.beginArray()
        writer.beginObject()
        writer.endObject()
        writer.null()
        writer.value(true)
        writer.raw(Array("{\"x\":1}".utf8))
        writer.beginArray()
        writer.endArray()
        writer.endArray()
        writer.field("last", "x")
        #expect(!writer.isBalanced)
        writer.endObject()
        #expect(writer.isBalanced)
        #expect(
            writer.text == #"{"run":"run_1","sequence":42,"big":9223372036854775807,"share":0.25,"done":false,"#
                + #""tags":["a","b"],"after":3,"tree":{"a":[],"z":null},"#
                + #""steps":[{},null,true,{"x":1},[]],"last":"x"}"#)
        #expect(throws: Never.self) { try JSON.parse(writer.bytes) }
    }

    @Test func `lines follow one another in one buffer`() {
        var writer = JSONWriter(appendingTo: Array("# head\n".utf8))
        for number in 1...2 {
            writer.beginObject()
            writer.field("n", number)
            writer.endObject()
            writer.endLine()
        }
        #expect(writer.text == "# head\n{\"n\":1}\n{\"n\":2}\n")
    }

    @Test(arguments: [
        ("", #""""#), ("plain", #""plain""#), ("\"\\/", #""\"\\/""#), ("\u{8}\t\n\u{C}\r", #""\b\t\n\f\r""#),
        ("\0\u{1F}\u{10}\u{7F}", "\"\\u0000\\u001f\\u0010\u{7F}\""), ("12345678\"", #""12345678\"""#),
        ("é\u{2028}😀", "\"é\u{2028}😀\""), ("1234567é\n", #""1234567é\n""#),
        ("a long text without anything to escape", #""a long text without anything to escape""#),
    ])
    func `strings are escaped no more than needed`(_ text: String, _ json: String) {
        #expect(Value.string(text).json == json)
    }

    @Test(
        arguments: [
            (0, "0"), (7, "7"), (10, "10"), (-1, "-1"), (-10, "-10"), (.max, "9223372036854775807"),
            (.min, "-9223372036854775808"),
        ] as [(Int64, String)])
    func `integers are written with all digits`(_ number: Int64, _ json: String) {
        #expect(Value.int(number).json == json)
    }

    @Test func `a number without a text becomes null and is noticed`() {
        var writer = JSONWriter()
        writer.beginArray()
        writer.value(1.5)
        #expect(!writer.metNonFinite)
        writer.value(Double.infinity)
        writer.value(Double.nan)
        writer.endArray()
        #expect(writer.metNonFinite)
        #expect(writer.text == "[1.5,null,null]")
    }

    @Test func `pretty text is sorted and indented`() {
        let value: Value = ["b": [1, [], [:], ["x": nil]], "a": "é", "c": [:]]
        #expect(
            value.prettyJSON == """
                {
                  "a": "é",
                  "b": [
                    1,
                    [],
                    {},
                    {
                      "x": null
                    }
                  ],
                  "c": {}
                }
                """)
        #expect(Value.int(3).prettyJSON == "3")
    }
}
