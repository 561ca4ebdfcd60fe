// SPDX-License-Identifier: Apache-2.0
import CordonLanguage
import Testing

@Suite struct JSONPropertyTests {
    @Test func `what was written reads back the same`() throws {
        var dice = ValueDice(seed: 1)
        for _ in 0..<3_000 {
            let value = dice.value()
            #expect(try JSON.parse(value.jsonBytes) == value)
            #expect(try JSON.parse(value.prettyJSON) == value)
            let canonical = try value.canonicalJSON
            #expect(try JSON.parse(canonical).canonicalJSON == canonical)
        }
    }

    @Test func `any double keeps its bits`() throws {
        var dice = ValueDice(seed: 2)
        for _ in 0..<20_000 {
            let number = dice.double()
            let back = try JSON.parse(Value.double(number).json)
            guard case .double(let double) = back else {
                Issue.record("\(number) came back as \(back)")
                continue
            }
            #expect(double.bitPattern == number.bitPattern)
        }
    }

    @Test func `decimal literals are rounded as the standard library rounds them`() throws {
        var dice = ValueDice(seed: 3)
        for _ in 0..<20_000 {
            let fraction = String(dice.next() % 1_000_000)
            let literal = "\(dice.integer()).\(fraction)e\(Int.random(in: -30...30, using: &dice))"
            #expect(try JSON.parse(literal) == .double(try #require(Double(literal))), "\(literal)")
        }
    }

    @Test func `every strict prefix of a list or map is refused`() throws {
        var dice = ValueDice(seed: 4)
        for _ in 0..<300 {
            let bytes = Value.array([dice.value()]).jsonBytes
            for end in 0..<bytes.count {
                #expect(throws: JSONError.self) { try JSON.parse(bytes[..<end]) }
            }
        }
    }

    @Test func `changed bytes are refused or give a value that round-trips`() throws {
        var dice = ValueDice(seed: 5)
        var refused = 0
        for _ in 0..<20_000 {
            var bytes = Value.array([dice.value()]).jsonBytes
            for _ in 0..<Int.random(in: 1...3, using: &dice) {
                let index = Int.random(in: 0..<bytes.count, using: &dice)
                bytes[index] = UInt8.random(in: 0...255, using: &dice)
            }
            do {
                let text = try JSON.parse(bytes).jsonBytes
                #expect(try JSON.parse(text).jsonBytes == text)
            } catch {
                refused += 1
                #expect(error.offset <= bytes.count)
            }
        }
        #expect(refused > 10_000)
    }
}
