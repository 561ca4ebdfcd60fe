// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import CordonConnectors

@Suite struct ResponseHeadTests {
    private func fields(_ lines: [String]) -> [String: String] {
        var head = ResponseHead()
        for line in lines {
            let complaint = Array((line + "\r\n").utf8).withUnsafeBytes {
                head.take($0, bytesMax: 1000, fieldsMax: 100)
            }
            #expect(complaint == nil)
        }
        return head.fields()
    }

    @Test func `names are lowered, values trimmed, repeated fields joined`() {
        let fields = fields(["HTTP/1.1 200 OK", "X-A:  one \t", "x-a: two", "X-EMPTY:", "Date : now", ""])
        #expect(fields == ["x-a": "one, two", "x-empty": "", "date": "now"])
    }

    @Test func `a folded line continues its field`() {
        #expect(fields(["HTTP/1.1 200 OK", "A: one", "  two", "\tthree", "B: x"]) == ["a": "one two three", "b": "x"])
    }

    @Test func `a folded line before any field, and a line without a colon, are left out`() {
        #expect(fields(["HTTP/1.1 200 OK", " lost", "no colon", "A: b"]) == ["a": "b"])
    }

    @Test func `bytes that aren't UTF-8 become replacement characters`() {
        var head = ResponseHead()
        let line: [UInt8] = [0x41, 0x3a, 0x20, 0xff, 0x0d, 0x0a]
        _ = line.withUnsafeBytes { head.take($0, bytesMax: 100, fieldsMax: 10) }
        #expect(head.fields() == ["a": "\u{fffd}"])
    }

    @Test func `a new status line forgets the interim answer's fields`() {
        #expect(fields(["HTTP/1.1 103 Early Hints", "A: b", "", "HTTP/1.1 200 OK", "C: d", ""]) == ["c": "d"])
    }

    @Test func `the bounds count exactly`() {
        var head = ResponseHead()
        let line = Array("A: b\r\n".utf8)
        let take = { (head: inout ResponseHead, bytesMax: Int, fieldsMax: Int) in
            line.withUnsafeBytes { head.take($0, bytesMax: bytesMax, fieldsMax: fieldsMax) }
        }
        #expect(take(&head, 12, 2) == nil)
        #expect(take(&head, 12, 2) == nil)
        #expect(take(&head, 17, 9) == .tooManyBytes)
        var other = ResponseHead()
        #expect(take(&other, 100, 1) == nil)
        #expect(take(&other, 100, 1) == .tooManyFields)
    }
}
