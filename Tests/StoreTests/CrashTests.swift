// SPDX-License-Identifier: Apache-2.0

import CordonCore
import CordonStore
import Foundation
import Testing

/// What is on the disk after a crash, at any moment and with any end of the write-ahead log lost, is a store: without
/// gaps, in agreement with itself, and holding all that was acknowledged before what was lost.
@Suite struct CrashTests {
    /// How far the log file had grown when so many entries were acknowledged.
    struct Mark {
        var logBytes: Int
        var entries: Int
    }

    @Test func `after closing everything is there again`() async throws {
        var tested = try StoreKind.sqlite.make()
        try await tested.store.openRun(1)
        try await tested.store.commit(Sample.change(1, from: 2, to: 5))
        let log = try await tested.store.checkedLog()
        for _ in 0..<3 {
            tested = try await tested.reopened()
            #expect(try await tested.store.checkedLog() == log)
            #expect(try await tested.store.run(1) == Sample.run(1, at: 5))
        }
        try await tested.store.commit(Sample.change(1, from: 5, to: 6))
        #expect(try await tested.store.checkedLog().map(\.index).last == log.count)
        await tested.store.close()
    }

    @Test func `a copy of the files at any moment holds all that was acknowledged before it`() async throws {
        let tested = try StoreKind.sqlite.make()
        let folder = try #require(tested.folder)
        try await withThrowingTaskGroup { group in
            for writer in 1...8 {
                group.addTask {
                    try await tested.store.openRun(writer)
                    for number in 2..<60 {
                        try await tested.store.commit(Sample.change(writer, from: number, to: number + 1))
                    }
                }
            }
            for _ in 0..<10 {
                let before = try await tested.store.checkedLog()
                let image = try folder.crashImage()
                let after = try await recovered(image)
                #expect(after.starts(with: before) == true)
            }
            try await group.waitForAll()
        }
        await tested.store.close()
    }

    @Test func `a write-ahead log cut anywhere loses only what was behind the cut`() async throws {
        let (folder, marks) = try await written()
        let log = try folder.bytes(of: folder.log)
        let whole = try await recovered(try folder.crashImage())
        var random = SplitMix64(seed: 1)
        let offsets =
            marks.flatMap { [$0.logBytes - 1, $0.logBytes, $0.logBytes + 1] }
            + (0..<80).map { _ in Int.random(in: 0..<log.count, using: &random) }
        for offset in offsets where (0...log.count).contains(offset) {
            let image = try folder.crashImage()
            try log.prefix(offset).write(to: URL(fileURLWithPath: image.log))
            let found = try await recovered(image)
            let expected = marks.last { $0.logBytes <= offset }?.entries ?? 0
            #expect(found.count == expected, "cut at \(offset) of \(log.count)")
            #expect(whole.starts(with: found) == true, "cut at \(offset) of \(log.count)")
        }
    }

    @Test func `a garbled sector of the log loses nothing that was before it`() async throws {
        let (folder, marks) = try await written()
        let log = try folder.bytes(of: folder.log)
        let whole = try await recovered(try folder.crashImage())
        var random = SplitMix64(seed: 2)
        for _ in 0..<80 {
            let start = Int.random(in: 0..<log.count, using: &random) / 512 * 512
            var garbled = log
            for place in start..<min(start + 512, log.count) {
                garbled[place] = UInt8.random(in: 0...255, using: &random)
            }
            let image = try folder.crashImage()
            try garbled.write(to: URL(fileURLWithPath: image.log))
            let found = try await recovered(image)
            let least = marks.last { $0.logBytes <= start }?.entries ?? 0
            #expect(found.count >= least, "garbled at \(start)")
            #expect(whole.starts(with: found) == true, "garbled at \(start)")
        }
    }

    /// A store with a log of single commits, left as a crash would leave it, and where each commit ended. On a busy
    /// machine the store may find the time to empty its log meanwhile: then it is written anew.
    private func written() async throws -> (TestFolder, [Mark]) {
        while true {
            let (folder, marks) = try await writtenOnce()
            if zip(marks, marks.dropFirst()).allSatisfy({ $0.logBytes < $1.logBytes }) { return (folder, marks) }
        }
    }

    private func writtenOnce() async throws -> (TestFolder, [Mark]) {
        let tested = try StoreKind.sqlite.make()
        let folder = try #require(tested.folder)
        var marks: [Mark] = []
        func mark() async throws {
            let entries = try await tested.store.vitals().entries
            marks.append(Mark(logBytes: try folder.bytes(of: folder.log).count, entries: entries))
        }
        for number in 1...4 {
            _ = try await tested.store.accept(
                Sample.alert(number), entry: Sample.entry(Sample.alertID(number).text, 1))
            try await mark()
            try await tested.store.record(Sample.reading(number))
            try await mark()
            for entry in 2..<12 {
                try await tested.store.commit(Sample.change(number, from: entry, to: entry + 1))
                try await mark()
            }
        }
        let image = try folder.crashImage()
        await tested.store.close()
        return (image, marks)
    }

    /// Opens the store as the next start would, and checks it: the log without gaps, each run where its history ends,
    /// and the next commit possible.
    private func recovered(_ image: TestFolder) async throws -> [IndexedEntry] {
        let tested = try StoreUnderTest(folder: image)
        let log = try await tested.store.checkedLog()
        for run in try await tested.store.runs(RunQuery()) {
            let history = try await tested.store.history(run.id.text, from: run.number, limit: 10)
            #expect(history.map(\.entry.number) == [run.number])
        }
        try await tested.store.commit(Sample.change(99, from: 0, to: 1))
        await tested.store.close()
        return log
    }
}
