// SPDX-License-Identifier: Apache-2.0

import CordonLanguage
import Testing

@testable import CordonCore

/// In how many parts the streams are judged changes nothing of what is found.
@Suite struct HistoryShardTests {
    /// Lines of many streams, one behind the other as they are stored, and then broken in many ways.
    private static let broken: [[UInt8]] = {
        var streams = GoldenHistory.all.map { $0.lines.map { Array($0.utf8) } }
        streams += [
            (1...4).map { line("retention", $0, "evidenceExpired", ["ended_before": "2030-01-01T00:00:00.000Z"]) },
            (1...4).map { line("node", $0, "x", [:]) },
        ]
        var lines: [[UInt8]] = []
        for turn in 0..<(streams.map(\.count).max() ?? 0) {
            for (index, stream) in streams.enumerated() where turn < stream.count {
                let item = stream[turn]
                switch (index + turn) % 11 {
                case 3: continue
                case 5: lines += [item, item]
                case 7: lines.append(Array(item.dropLast()))
                case 9: lines.append(Array((try? JSON.parse(item).prettyJSON.utf8).map(Array.init) ?? []))
                default: lines.append(item)
                }
            }
        }
        return lines
    }()

    private static func line(_ stream: String, _ number: Int, _ kind: String, _ body: Value) -> [UInt8] {
        let whole: Value = [
            "v": 1, "stream": .string(stream), "n": .int(Int64(number)),
            "at": .string(GoldenHistory.at(number).description), "type": .string(kind), "body": body,
        ]
        return whole.jsonBytes
    }

    private func judged(shards: Int, _ coverage: HistoryAudit.Coverage) -> HistoryAudit {
        var audit = HistoryAudit(coverage, shards: shards)
        for (index, bytes) in Self.broken.enumerated() { audit.take(bytes, place: "entry \(index)") }
        return audit
    }

    @Test(arguments: [HistoryAudit.Coverage.whole, .range, .streams([:])])
    func `a broken log gives the same findings in one part, in two and in five`(_ coverage: HistoryAudit.Coverage) {
        var one = judged(shards: 1, coverage)
        let findings = one.finish()
        #expect(Set(findings.map(\.code)).count > 5, "\(Set(findings.map(\.code)))")
        for shards in [2, 5] {
            var several = judged(shards: shards, coverage)
            #expect(several.finish() == findings)
            #expect(several.runStreams == one.runStreams)
            #expect(several.blobs == one.blobs)
            #expect(several.count == one.count)
            for stream in one.runStreams {
                #expect(several.run(stream) == one.run(stream))
                #expect(several.lastNumber(of: stream) == one.lastNumber(of: stream))
            }
        }
    }

    @Test func `a line's shard is that of its stream, however the line is spelled`() throws {
        for bytes in Self.broken {
            guard case .success(let line) = HistoryLine.read(bytes) else { continue }
            let known = line.route(among: 3)
            #expect(known.shard == HistoryLine.shard(of: line.stream, among: 3))
            #expect(known.isRetention == (line.stream == "retention"))
            let quick = bytes.withUnsafeBufferPointer { HistoryLine.route($0, among: 3) }
            if let quick { #expect(quick.shard == known.shard && quick.isRetention == known.isRetention) }
        }
    }

    @Test func `a line is read the same alone and as a part of others`() throws {
        let text: [UInt8] = Self.broken.prefix(400).flatMap { $0 + [UInt8(ascii: "\n")] }
        var at = 0
        for bytes in Self.broken.prefix(400) {
            let part = HistoryLine.read(text, at..<at + bytes.count)
            at += bytes.count + 1
            switch (part, HistoryLine.read(bytes)) {
            case (.success(let part), .success(let alone)): #expect(part.value == alone.value)
            case (.failure(let part), .failure(let alone)): #expect(part == alone)
            default: Issue.record("\(String(decoding: bytes, as: UTF8.self))")
            }
        }
    }
}
