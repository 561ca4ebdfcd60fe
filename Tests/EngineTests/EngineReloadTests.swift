// SPDX-License-Identifier: Apache-2.0

import CordonConnectors
import CordonCore
import CordonEngine
import CordonLanguage
import CordonStore
import StoreKit
import Synchronization
import Testing

/// Definitions are read anew all or none, for what is decided from then on; the history tells of it.
@Suite(.timeLimit(.minutes(20)))
struct EngineReloadTests {
    /// A folder of definitions that a test edits.
    private final class Folder: Sendable {
        private let state: Mutex<Result<Library, Diagnostics>>
        private let inventory: Inventory

        init(_ inventory: Inventory, _ workflow: String, mode: String) throws {
            self.inventory = inventory
            state = Mutex(.success(try Folder.library(inventory, workflow, mode)))
        }

        func edit(_ workflow: String, mode: String) throws {
            let library = try Folder.library(inventory, workflow, mode)
            state.withLock { $0 = .success(library) }
        }

        func guards(_ change: (inout GuardPolicy) -> Void) {
            state.withLock { state in
                guard case .success(var library) = state else { return }
                change(&library.guards)
                state = .success(library)
            }
        }

        func spoil(_ message: String = "the file is half") {
            let place = Place(file: "playbooks/leak.yaml", line: 1, column: 1)
            state.withLock { $0 = .failure(Diagnostics([Diagnostic(code: "P020", place: place, message: message)])) }
        }

        var load: @Sendable () -> Result<Library, Diagnostics> { { self.state.withLock { $0 } } }

        private static func library(_ inventory: Inventory, _ steps: String, _ mode: String) throws -> Library {
            try .sketch(inventory, workflow: "calm", steps: steps, mode: mode)
        }
    }

    private static let slow = "  - { id: calm, wait: 1h }\n  - { id: more, wait: 1m }\n"
    private static let quick = "  - { id: brief, wait: 1m }\n"

    private func kinds(_ installation: Installation) async throws -> [String] {
        try await installation.base.history(LibraryBook.stream, from: 1, limit: 99).map(\.entry.kind)
    }

    @Test func `changed guards are told once with who changed them, and a breaker looks as far back as they say`()
        async throws
    {
        let installation = try Installation()
        let folder = try Folder(installation.library.inventory, Self.quick, mode: "enforce")
        folder.guards { $0.breaker = BreakerRule(last: 1, share: 0.5, atLeast: 2) }
        let first = installation.engine(ScriptedTransport(installation), loading: folder.load)
        try await installation.whileRunning(first) {
            try await installation.waitUntilStarted()
            for number in 1...2 {
                await installation.post(first, delivery: "d-\(number)")
                try await installation.wait { try await installation.base.runs(RunQuery()).count == number }
                installation.clock.advance(milliseconds: 60_000)
                try await installation.wait {
                    try await installation.base.runs(RunQuery()).allSatisfy { $0.endedAt != nil }
                }
            }
            for alert in try await installation.base.alerts(AlertQuery()) {
                _ = try await first.label(alert.id, .falsePositive, by: "ann", reason: "test keys")
            }
        }
        // Of the last run alone a second false alarm is never known: after a start only that one is in memory.
        let second = installation.engine(ScriptedTransport(installation), loading: folder.load)
        try await installation.whileRunning(second) {
            try await installation.waitUntilStarted()
            #expect(second.standing.breakers.isEmpty)
            folder.guards {
                $0.breaker = BreakerRule(last: 10, share: 0.5, atLeast: 2)
                $0.digest = "sha256:guards"
            }
            let change = GuardsChange(digest: "sha256:guards", was: nil, parts: ["breaker"])
            #expect(try await second.reload(by: "ben") == .published([], guards: change))
            #expect(try await second.reload(by: "ben") == .unchanged)
            #expect(second.standing.breakers.keys.sorted() == ["leak"])
        }
        #expect(try await kinds(installation) == ["definitionsPublished", "guardsChanged"])
        let line = try await installation.base.history(LibraryBook.stream, from: 2, limit: 1).first
        let body = try JSON.parse(try #require(line).entry.bytes)["body"]
        #expect(body == ["by": "ben", "digest": "sha256:guards", "was": nil])
    }

    @Test func `a run that waits finishes by its own definition, and what is decided later by the new one`()
        async throws
    {
        let installation = try Installation()
        let folder = try Folder(installation.library.inventory, Self.slow, mode: "enforce")
        let engine = installation.engine(ScriptedTransport(installation), loading: folder.load)
        try await installation.whileRunning(engine) {
            try await installation.waitUntilStarted()
            await installation.post(engine)
            try await installation.waitUntilResting(engine, wake: "timer")
            let before = try await installation.run.workflow
            try folder.edit(Self.quick, mode: "shadow")
            guard case .published(let changes, _) = try await engine.reload(by: "ann") else {
                throw CancellationError()
            }
            #expect(changes.map(\.name) == ["leak", "calm"])
            #expect(changes[0].mode == .shadow && changes[0].modeWas == .enforce)
            #expect(changes[1].was == before.digest)
            installation.clock.advance(milliseconds: 3_600_000)
            try await installation.wait {
                if case .waiting = try await installation.run.step("more")?.phase { true } else { false }
            }
            installation.clock.advance(milliseconds: 60_000)
            try await installation.waitUntilEnded()
            #expect(try await installation.run.workflow == before)
            #expect(try await installation.run.step("brief") == nil)
            await installation.post(engine, delivery: "d-2")
            try await installation.wait { try await installation.base.decisions(DecisionQuery()).count == 2 }
        }
        #expect(try await installation.base.decisions(DecisionQuery()).map(\.verdict) == ["shadow", "enforce"])
        #expect(try await installation.runs.count == 1)
        #expect(engine.libraryBook.lines.values.map(\.by) == ["ann", "ann"])
        #expect(try await kinds(installation) == ["definitionsPublished", "definitionsPublished"])
    }

    @Test func `a mistake anywhere leaves everything as it was, is told once, and is over when it is mended`()
        async throws
    {
        let installation = try Installation()
        let folder = try Folder(installation.library.inventory, Self.slow, mode: "enforce")
        let engine = installation.engine(ScriptedTransport(installation), loading: folder.load)
        try await installation.whileRunning(engine) {
            try await installation.waitUntilStarted()
            let before = engine.libraryBook.lines
            folder.spoil()
            for _ in 1...3 {
                guard case .refused(let mistakes) = try await engine.reload(by: "folder") else {
                    throw CancellationError()
                }
                #expect(mistakes.all.map(\.code) == ["P020"])
            }
            #expect(engine.libraryBook.lines == before)
            #expect(engine.library.playbooks.map(\.mode) == [.enforce])
            #expect(engine.libraryBook.refusal?.mistakes.first?.contains("the file is half") == true)
            folder.spoil("another")
            _ = try await engine.reload(by: "folder")
            try folder.edit(Self.slow, mode: "enforce")
            #expect(try await engine.reload(by: "folder") == .unchanged)
            #expect(engine.libraryBook.refusal == nil)
            #expect(try await engine.reload(by: "folder") == .unchanged)
        }
        let told = ["definitionsPublished", "definitionsRefused", "definitionsRefused", "definitionsPublished"]
        #expect(try await kinds(installation) == told)
    }

    @Test func `a new start tells of what changed meanwhile and of nothing else`() async throws {
        let installation = try Installation()
        let folder = try Folder(installation.library.inventory, Self.slow, mode: "enforce")
        for count in [1, 1] {
            let engine = installation.engine(ScriptedTransport(installation), loading: folder.load)
            try await installation.whileRunning(engine) { try await installation.waitUntilStarted() }
            #expect(try await kinds(installation).count == count)
        }
        try folder.edit(Self.slow, mode: "propose")
        let engine = installation.engine(ScriptedTransport(installation), loading: folder.load)
        try await installation.whileRunning(engine) { try await installation.waitUntilStarted() }
        #expect(try await kinds(installation).count == 2)
        #expect(engine.libraryBook.lines[.init(kind: .playbook, name: "leak")]?.mode == .propose)
        #expect(engine.libraryBook.lines[.init(kind: .workflow, name: "calm")]?.by == "start")
    }

    @Test(arguments: [FaultyStore.Fault.notStored, .storedAllTheSame], 1...4)
    func `a publication whose write failed is made good by the next`(
        _ fault: FaultyStore.Fault, _ write: Int
    ) async throws {
        let installation = try Installation()
        let folder = try Folder(installation.library.inventory, Self.slow, mode: "enforce")
        let store = FaultyStore(installation.base, write: write, fault, code: .busy)
        let engine = installation.engine(ScriptedTransport(installation), over: store, loading: folder.load)
        try folder.edit(Self.quick, mode: "shadow")
        var failures = 0
        for _ in 1...2 {
            do { _ = try await engine.reload(by: "ann") } catch { failures += 1 }
        }
        #expect(failures == (write <= 3 ? 1 : 0))
        #expect(engine.library.playbooks.map(\.mode) == [.shadow])
        #expect(try await kinds(installation) == ["definitionsPublished"])
        for line in engine.libraryBook.lines.values {
            #expect(try await installation.base.definition(line.digest)?.digest == line.digest)
        }
    }

    @Test func `many changes are told of in entries that each keep to their bound`() async throws {
        let store = MemoryStore()
        let publisher = LibraryPublisher(store: store, clock: VirtualClock(Installation.start))
        let sources = (1...100).map { number in
            Library.Source(
                kind: .workflow, name: "w\(number)",
                digest: "sha256:" + String(repeating: "a", count: 61) + "\(number)",
                bytes: [])
        }
        let none = Inventory(identities: [], digest: "")
        let library = Library(playbooks: [], workflows: [], inventory: none, sources: sources)
        #expect(try await publisher.publish(library, by: "ann").count == 100)
        let entries = try await store.history(LibraryBook.stream, from: 1, limit: 99)
        #expect(entries.count == 3)
        #expect(entries.allSatisfy { $0.entry.bytes.count <= Limits.entryBytesMax })
        let less = Library(playbooks: [], workflows: [], inventory: none, sources: Array(sources.dropFirst()))
        #expect(try await publisher.publish(less, by: "ben").map(\.digest) == [nil])
        let other = LibraryPublisher(store: store, clock: VirtualClock(Installation.start))
        try await other.read()
        #expect(other.book.lines == publisher.book.lines && other.book.lines.count == 99)
    }
}
