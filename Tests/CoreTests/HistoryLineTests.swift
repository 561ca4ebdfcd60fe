// SPDX-License-Identifier: Apache-2.0

import CordonLanguage
import Testing

@testable import CordonCore

/// The quick way and the long way of reading a line accept the same lines, and read the same from them.
@Suite struct HistoryLineTests {
    private static let sound =
        #"{"at":"2026-11-24T04:11:17.250Z","body":{"by":"x","n":7,"type":"y"},"n":12,"stream":"log","type":"logOpened","v":1}"#

    private func read(_ text: String, known: String? = nil) -> Result<HistoryLine, HistoryLine.Fault> {
        HistoryLine.read(Array(text.utf8), known: known)
    }

    @Test func `a line as a chronicle writes it is read with all that it says`() throws {
        let line = try read(Self.sound, known: "log").get()
        #expect(line.stream == "log")
        #expect(line.number == 12)
        #expect(line.kind == "logOpened")
        #expect(line.atText == "2026-11-24T04:11:17.250Z")
        #expect(line.body == ["by": "x", "n": 7, "type": "y"])
        #expect(line.value.jsonBytes == Array(Self.sound.utf8))
        #expect(try read(Self.sound, known: "other").get().stream == "log", "what is known is compared, not believed")
    }

    /// By the long way alone, as it was read before there was a quick one.
    private func byHand(_ text: String) -> Value? {
        guard let line = try? JSON.parse(text), line["stream"]?.stringValue != nil,
            let number = line["n"]?.intValue, number > 0, line["type"]?.stringValue != nil,
            let at = line["at"]?.stringValue, Instant(rfc3339: at) != nil, line["body"] != nil, line["v"] == 1
        else { return nil }
        return line
    }

    @Test func `whatever byte is changed, dropped or doubled, both ways say the same of the line`() {
        let bytes = Array(Self.sound.utf8)
        var compared = 0
        var accepted = 0
        for place in bytes.indices {
            var variants: [[UInt8]] = [
                Array(bytes[..<place] + bytes[(place + 1)...]), Array(bytes[...place] + bytes[place...]),
            ]
            for byte in Array("\"\\{}[],:0159aZ \n".utf8) + [0x00, 0x7F, 0xC3] {
                var changed = bytes
                changed[place] = byte
                variants.append(changed)
            }
            for variant in variants {
                let read = HistoryLine.read(variant)
                let expected = (try? JSON.parse(variant)).flatMap { byHand($0.json) }
                compared += 1
                guard case .success(let line) = read else {
                    #expect(expected == nil, "\(String(decoding: variant, as: UTF8.self))")
                    continue
                }
                accepted += 1
                let members = expected?.objectValue ?? [:]
                #expect(members["stream"]?.stringValue == line.stream)
                #expect(members["n"]?.intValue == Int64(line.number))
                #expect(members["type"]?.stringValue == line.kind)
                #expect(members["at"]?.stringValue == line.atText)
                #expect(members["body"] == line.body)
            }
        }
        #expect(compared > 2000)
        #expect(accepted > 100)
    }

    @Test func `what other spellings say is read too, and what is none is refused`() throws {
        let spaced = #" { "v":1, "type":"t","stream":"s","n":1,"body":null,"at":"2026-11-24t04:11:17Z" } "#
        #expect(try read(spaced).get().body == .null)
        #expect(try !read(spaced).get().isSpelledAsWritten)
        #expect(try read(Self.sound).get().isSpelledAsWritten)
        for (from, to) in [
            (#""v":1"#, #""v":2"#), (#""n":12"#, #""n":0"#), (#""n":12"#, #""n":012"#), (#""n":12"#, #""n":-1"#),
            ("2026-11-24", "2026-02-30"), ("04:11:17", "24:11:17"), (#""log""#, "5"), (#"{"by""#, #"{"by":1,"by""#),
        ] {
            let changed = Self.sound.replacing(from, with: to, maxReplacements: 1)
            #expect(throws: HistoryLine.Fault.self, "\(changed)") { try read(changed).get() }
        }
        // A frame within a string of the body is no frame.
        let nested = Self.sound.replacing(
            #""by":"x""#, with: #""by":"\",\"n\":3,\"stream\":\"z\",\"type\":\"t\",\"v\":1}""#)
        #expect(try read(nested).get().number == 12)
        let deep = Self.sound.replacing(
            #""x""#, with: String(repeating: "[", count: 127) + String(repeating: "]", count: 127))
        #expect((try? read(deep).get()) == nil)
        #expect(byHand(deep) == nil)
    }

    @Test func `times that are written are read back, and no other spelling is taken for one`() {
        func canonical(_ text: String) -> Instant? {
            Array(text.utf8).withUnsafeBufferPointer { Instant(canonical: $0) }
        }
        for milliseconds in [0, 1, 999, 951_782_400_000, 1_795_000_000_123, 253_402_300_799_999, -62_135_596_800_000]
            as [Int64]
        {
            let instant = Instant(milliseconds: milliseconds)
            #expect(canonical(instant.description) == instant)
        }
        for text in [
            "2026-11-24T04:11:17Z", "2026-11-24 04:11:17.250Z", "2026-11-24T04:11:60.000Z", "2026-02-29T00:00:00.000Z",
            "2026-13-01T00:00:00.000Z", "2026-11-24T04:11:17.250z", "2026-11-24T04:11:17,250Z",
        ] { #expect(canonical(text) == nil) }
    }
}
