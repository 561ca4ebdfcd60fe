// SPDX-License-Identifier: Apache-2.0
import CordonLanguage
import Foundation
import Testing

@Suite struct CanonicalJSONTests {
    /// RFC 8785, appendix B: the bits of a double and its text.
    @Test(
        arguments: [
            (0x0000_0000_0000_0000, "0"), (0x8000_0000_0000_0000, "0"), (0x0000_0000_0000_0001, "5e-324"),
            (0x8000_0000_0000_0001, "-5e-324"), (0x7fef_ffff_ffff_ffff, "1.7976931348623157e+308"),
            (0xffef_ffff_ffff_ffff, "-1.7976931348623157e+308"), (0x4340_0000_0000_0000, "9007199254740992"),
            (0xc340_0000_0000_0000, "-9007199254740992"), (0x4430_0000_0000_0000, "295147905179352830000"),
            (0x44b5_2d02_c7e1_4af5, "9.999999999999997e+22"), (0x44b5_2d02_c7e1_4af6, "1e+23"),
            (0x44b5_2d02_c7e1_4af7, "1.0000000000000001e+23"), (0x444b_1ae4_d6e2_ef4e, "999999999999999700000"),
            (0x444b_1ae4_d6e2_ef4f, "999999999999999900000"), (0x444b_1ae4_d6e2_ef50, "1e+21"),
            (0x3eb0_c6f7_a0b5_ed8c, "9.999999999999997e-7"), (0x3eb0_c6f7_a0b5_ed8d, "0.000001"),
            (0x41b3_de43_5555_5553, "333333333.3333332"), (0x41b3_de43_5555_5554, "333333333.33333325"),
            (0x41b3_de43_5555_5555, "333333333.3333333"), (0x41b3_de43_5555_5556, "333333333.3333334"),
            (0x41b3_de43_5555_5557, "333333333.33333343"), (0xbecb_f647_612f_3696, "-0.0000033333333333333333"),
            (0x4314_3ff3_c1cb_0959, "1424953923781206.2"),
        ] as [(UInt64, String)])
    func `numbers have their ECMAScript text`(_ bits: UInt64, _ text: String) throws {
        #expect(String(decoding: try Value.double(Double(bitPattern: bits)).canonicalJSON, as: UTF8.self) == text)
    }

    @Test(arguments: [
        (1e20, "100000000000000000000"), (123.0, "123"), (0.5, "0.5"), (1e-6, "0.000001"), (1e-7, "1e-7"),
        (1.5e-9, "1.5e-9"), (12e21, "1.2e+22"), (-1.25, "-1.25"), (1e300, "1e+300"), (100.0, "100"),
        (4_611_686_018_427_387_904, "4611686018427388000"), (0.001, "0.001"), (1234567.875, "1234567.875"),
    ])
    func `numbers between the thresholds are written plainly`(_ number: Double, _ text: String) {
        #expect(Value.double(number).json == text)
    }

    @Test func `infinity and not-a-number are refused`() {
        for number in [Double.infinity, -.infinity, .nan] {
            #expect(throws: JSONError(.notFinite)) { try Value.array([.double(number)]).canonicalJSON }
        }
    }

    @Test func `integers beyond doubles never share a text`() throws {
        #expect(try Value.int(9_007_199_254_740_993).canonicalJSON == Array("9007199254740993".utf8))
        #expect(try Value.int(.min).canonicalJSON == Array("-9223372036854775808".utf8))
        #expect(try Value.int(1).canonicalJSON == Value.double(1).canonicalJSON)
    }

    @Test func `names sort by UTF-16 code units`() throws {
        let names = [
            "\u{FB33}", "\u{1F600}", "\u{20AC}", "\r", "1", "\u{80}", "\u{F6}", "", "10", "\u{E000}", "\u{D7FF}",
        ]
        let value = Value.object(Dictionary(uniqueKeysWithValues: names.map { ($0, 0) }))
        let expected = names.sorted { Array($0.utf16).lexicographicallyPrecedes(Array($1.utf16)) }
        var writer = JSONWriter()
        writer.beginObject()
        for name in expected { writer.field(name, 0) }
        writer.endObject()
        #expect(try value.canonicalJSON == writer.bytes)
        #expect(expected.last == "\u{FB33}" && expected[expected.count - 2] == "\u{E000}")
    }

    @Test func `text and canonical bytes agree`() throws {
        let value: Value = ["b": [1, 2.5, "x\n"], "a": nil, "": ["z": true]]
        #expect(try value.canonicalJSON == value.jsonBytes)
        #expect(value.json == #"{"":{"z":true},"a":null,"b":[1,2.5,"x\n"]}"#)
    }

    @Test func `the vectors of RFC 8785's author come out`() throws {
        guard let folder = sharedFolder("evidence/jcs/input") else { return }
        let names = try FileManager.default.contentsOfDirectory(atPath: folder)
        #expect(!names.isEmpty)
        for name in names {
            let input = try Data(contentsOf: URL(fileURLWithPath: folder + "/" + name))
            let output = try Data(contentsOf: URL(fileURLWithPath: folder + "/../output/" + name))
            let canonical = try JSON.parse(input).canonicalJSON
            #expect(canonical == Array(output), "\(name)")
            #expect(try JSON.parse(canonical).canonicalJSON == canonical, "\(name)")
        }
    }
}
