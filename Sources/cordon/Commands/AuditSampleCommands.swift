// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import CordonCore
import CordonEngine
import CordonEvidence
import CordonLanguage
import CordonStore
import Foundation

/// Which runs an auditor speaks of: those that were opened in a period.
struct PopulationOptions: ParsableArguments {
    @OptionGroup var common: CommonOptions
    @Option(name: .long, help: "The first moment, as 2026-07-01 or 2026-07-01T06:00:00Z.") var from: String
    @Option(name: .long, help: "The first moment after it.") var to: String
    @Option(name: .long, help: "A bundle of a period to take them from; verify it first.") var bundle: String?

    private static let pageRuns = 500

    private func span() throws -> (from: Instant, to: Instant) {
        let (from, to) = (try AuditTime.read(self.from, "--from"), try AuditTime.read(self.to, "--to"))
        guard from < to else { throw CommandFailure(.usage, "--from is not before --to") }
        return (from, to)
    }

    /// Those that a bundle's lines tell of, and what was signed when it was made.
    func members(of bundle: String) throws -> (members: [BundlePopulation.Member], checkpoint: Checkpoint) {
        let (from, to) = try span()
        let path = absolute(bundle, in: FileManager.default.currentDirectoryPath)
        let source: ByteSource?
        do { source = try ByteSource(file: path) } catch { throw CommandFailure(.notFound, error.reason) }
        guard let source else { throw CommandFailure(.notFound, "there is no file \(display(path)) that can be read") }
        do {
            let population = try BundlePopulation(source)
            return (population.members.filter { from <= $0.openedAt && $0.openedAt < to }, population.checkpoint)
        } catch { throw CommandFailure(.failed, "\(display(path)): \(error.reason)") }
    }

    /// All of them, the oldest first, as their rows tell them: which they are can be told without reading what they did.
    func runs() async throws -> [RunRecord] {
        let (from, to) = try span()
        let settings = try await common.settings()
        guard FileManager.default.fileExists(atPath: settings.statePath + "/cordon.db") else {
            throw CommandFailure(.notFound, "there is no state folder \(settings.statePath); name it with --state")
        }
        let store = try SQLiteStore(.readOnly(settings.statePath))
        do {
            var all: [RunRecord] = []
            var query = RunQuery()
            query.oldestFirst = true
            query.readsTails = false
            query.limit = PopulationOptions.pageRuns
            while true {
                let page = try await store.runs(query)
                all += page.filter { from <= $0.openedAt && $0.openedAt < to }
                guard page.count == query.limit else { break }
                query.beyond = page.last?.id
            }
            await store.close()
            return all
        } catch {
            await store.close()
            throw error
        }
    }

    /// So that whoever draws it again can show that it was from the same: SHA-256 of the runs' ids, a line each, and what
    /// was signed when it was drawn.
    func told(_ runs: [String], _ known: Checkpoint? = nil) async throws -> String {
        let ids = Digest.of(Array(runs.map { $0 + "\n" }.joined().utf8)).text
        var signed = known
        if signed == nil, let note = try LogFolder(try await common.settings().state.logPath).published() {
            signed = try Checkpoint(parsing: Note(parsing: note).text)
        }
        guard let checkpoint = signed else { return "population \(ids), nothing is signed" }
        return "population \(ids), checkpoint of \(checkpoint.size) entries \(checkpoint.root.text)"
    }

    /// Of those that are shown the last line is read too: it tells how they ended.
    func show(_ runs: [RunRecord]) async throws {
        let store = try SQLiteStore(.readOnly(try await common.settings().statePath))
        do {
            var rows: [Value] = []
            for run in runs { rows.append(told(run, try await ending(of: run, store))) }
            await store.close()
            show(rows)
        } catch {
            await store.close()
            throw error
        }
    }

    private func ending(of row: RunRecord, _ store: SQLiteStore) async throws -> Run.Ending? {
        guard row.endedAt != nil else { return nil }
        let last = try await store.history(row.id.text, from: row.number, limit: 1).first
        if case .runEnded(let ending, _)? = try last?.entry.event() { return ending }
        // Something came after its end: then all of its lines are asked.
        var query = RunQuery()
        query.id = row.id
        return try await store.runs(query).first?.run().ending
    }

    private func told(_ row: RunRecord, _ ending: Run.Ending?) -> Value {
        [
            "run": .string(row.id.text), "opened_at": .string(row.openedAt.description),
            "ended_at": row.endedAt.map { .string($0.description) } ?? .null,
            "ending": ending.map { .string($0.rawValue) } ?? .null, "playbook": .string(row.playbook),
            "subject": .string(row.subject),
        ]
    }

    func show(_ rows: [Value]) {
        Output.many(
            rows, as: common.output,
            columns: [
                Output.Column("RUN") { $0["run"]?.stringValue ?? "" },
                Output.Column("OPENED") { $0["opened_at"]?.stringValue ?? "" },
                Output.Column("ENDED") { $0["ended_at"]?.stringValue ?? "not yet" },
                Output.Column("AS") { $0["ending"]?.stringValue ?? "" },
                Output.Column("PLAYBOOK") { $0["playbook"]?.stringValue ?? "" },
                Output.Column("SUBJECT") { $0["subject"]?.stringValue ?? "" },
            ])
    }
}

enum AuditTime {
    static func read(_ text: String, _ option: String) throws -> Instant {
        guard let instant = Instant(rfc3339: text.utf8.count == 10 ? text + "T00:00:00Z" : text) else {
            throw CommandFailure(.usage, "\(option) is '\(text)'; it takes a day or a time, as 2026-07-01T06:00:00Z")
        }
        return instant
    }
}

struct AuditList: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "List all runs of a period: the population that a sample is drawn from.",
        discussion: """
            EXAMPLES
              cordon audit list --from 2026-07-01 --to 2026-10-01
              cordon audit list --bundle q3.tar --from 2026-07-01 --to 2026-10-01
            """)

    @OptionGroup var population: PopulationOptions

    func run() async throws {
        if let bundle = population.bundle {
            let (members, checkpoint) = try population.members(of: bundle)
            population.show(members.map(\.value))
            return try await note(members.map(\.run), checkpoint)
        }
        let runs = try await population.runs()
        try await population.show(runs)
        try await note(runs.map(\.id.text), nil)
    }

    private func note(_ runs: [String], _ checkpoint: Checkpoint?) async throws {
        let told = try await population.told(runs, checkpoint)
        Output.note("\(runs.count) run\(runs.count == 1 ? "" : "s"), \(told)")
    }
}

struct AuditSample: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sample", abstract: "Draw runs of a period by a seed, so that anybody draws the same.",
        discussion: """
            A run's lot is SHA-256 of the seed, a newline and the run's id; the lowest lots are drawn. Let the auditor \
            name the seed.

            EXAMPLES
              cordon audit sample --from 2026-07-01 --to 2026-10-01 --seed "KPMG 2026-11-24" --count 25
              cordon audit sample --from 2026-07-01 --to 2026-10-01 --seed 7 -o json | jq -r '.[].run' | xargs -n1 cordon run export
            """)

    @OptionGroup var population: PopulationOptions
    @Option(name: .long, help: "Any text; the same text draws the same runs.") var seed: String
    @Option(name: .long, help: "How many.") var count = 25

    func run() async throws {
        guard count > 0 else { throw CommandFailure(.usage, "--count is \(count); it takes a number from 1") }
        if let bundle = population.bundle {
            let (members, checkpoint) = try population.members(of: bundle)
            let drawn = draw(members, by: \.run)
            population.show(drawn.map(\.value))
            return try await note(drawn.count, members.map(\.run), checkpoint)
        }
        let runs = try await population.runs()
        let drawn = draw(runs, by: \.id.text)
        try await population.show(drawn)
        try await note(drawn.count, runs.map(\.id.text), nil)
    }

    private func draw<Item>(_ items: [Item], by id: KeyPath<Item, String>) -> [Item] {
        let lots = items.map { (lot: Digest.of(Array("\(seed)\n\($0[keyPath: id])".utf8)), item: $0) }
        return lots.sorted { $0.lot < $1.lot }.prefix(count).map(\.item)
    }

    private func note(_ drawn: Int, _ runs: [String], _ checkpoint: Checkpoint?) async throws {
        let told = try await population.told(runs, checkpoint)
        Output.note("\(drawn) of \(runs.count) runs by the seed \(seed), \(told)")
    }
}

struct AuditProve: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "prove", abstract: "Print the proof that one line is part of the signed log.",
        discussion: """
            The proof (C2SP tlog-proof) holds the line's place, the path to the root and the signed checkpoint. With \
            --line the line itself is printed instead: its bytes are what is proved.

            EXAMPLES
              cordon audit prove run_01KATB9Z2M8D4W6X1V3C5R7T9Y@7 > line.tlog-proof
              cordon audit prove run_01KATB9Z2M8D4W6X1V3C5R7T9Y@7 --line
            """)

    @OptionGroup var common: CommonOptions
    @Argument(help: "A line as STREAM@NUMBER, as 'cordon run show' and findings name it.") var line: String
    @Flag(name: .customLong("line"), help: "Print the line.") var printsLine = false

    func run() async throws {
        let parts = line.split(separator: "@", omittingEmptySubsequences: false)
        guard parts.count == 2, let number = Int(parts[1]), number > 0 else {
            throw CommandFailure(.usage, "'\(line)' names no line; they look like run_01KATB…@7")
        }
        let settings = try await common.settings()
        let store = try SQLiteStore(.readOnly(settings.statePath))
        let found = try await store.history(String(parts[0]), from: number, limit: 1).first
        await store.close()
        guard let found, found.entry.number == number else {
            throw CommandFailure(.notFound, "there is no line \(line)")
        }
        if printsLine {
            await CustodyLine(act: .copied, what: "line \(line)", reason: "proof").tell(settings)
            return Output.line(String(decoding: found.entry.bytes, as: UTF8.self))
        }
        let folder = LogFolder(settings.state.logPath)
        guard let note = try folder.published() else { throw CommandFailure(.notFound, "nothing is signed yet") }
        let size = try Checkpoint(parsing: Note(parsing: note).text).size
        guard found.index < Int(size) else {
            throw CommandFailure(.tryAgain, "\(line) is not signed yet; a running server signs within seconds")
        }
        let proof = try folder.tiles(size: size).tree.inclusionProof(of: UInt64(found.index))
        let bytes = LogProof(index: proof.index, hashes: proof.hashes, checkpoint: note).bytes
        Output.raw(bytes)
    }
}
