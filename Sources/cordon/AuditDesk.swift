// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import CordonConnectors
import CordonCore
import CordonEngine
import CordonEvidence
import CordonLanguage
import CordonStore
import Foundation

/// Takes evidence out of a state folder: it is recorded first, then signed for, then read.
struct AuditDesk {
    /// A running server signs within seconds.
    private static let signedWithinMilliseconds: Int64 = 30_000
    private static let pollMilliseconds: Int64 = 200

    let settings: Settings

    /// Runs `make` once the history says who took out what, and once a checkpoint holds that line.
    func export(
        _ what: String, reason: String, includesBodies: Bool, digest: () -> String,
        _ make: (Bundler) async throws -> Void
    ) async throws {
        var line = CustodyLine(act: .exported, what: what, reason: reason, includesBodies: includesBodies)
        guard FileManager.default.fileExists(atPath: settings.statePath + "/cordon.db") else {
            throw CommandFailure(
                .notFound, "there is no state folder \(settings.statePath); name it with --state")
        }
        let store: SQLiteStore
        let client = try await Client.find(settings)
        if let client {
            _ = try await client.ask("POST", "/custody", line.value)
            store = try SQLiteStore(.readOnly(settings.statePath))
            try await awaitSignature(store)
        } else {
            store = try SQLiteStore(.readWrite(settings.statePath))
            try await record(line, store)
        }
        do {
            try await make(
                Bundler(
                    store: store, folder: LogFolder(settings.state.logPath),
                    blobs: try settings.blobs(), signers: try settings.signingKeys.load(),
                    includesBodies: includesBodies, policy: try settings.witnessPolicy()?.bytes))
            (line.act, line.digest) = (.exportFinished, digest())
            if let client {
                _ = try await client.ask("POST", "/custody", line.value)
            } else {
                try await line.append(to: store)
            }
            await store.close()
        } catch {
            await store.close()
            throw (error as? Bundler.Failure).map(AuditDesk.failure) ?? error
        }
    }

    /// Without a server this command writes the line, and signs.
    private func record(_ line: CustodyLine, _ store: SQLiteStore) async throws {
        let clock = SystemClock()
        let transport = try CurlTransport()
        try await line.append(to: store)
        let checkpointer = Checkpointer(
            Checkpointer.Parts(
                store: store, clock: clock, logPath: settings.state.logPath, keys: settings.signingKeys,
                origin: settings.auditOrigin, witnesses: try settings.witnessRing(transport),
                logger: .cordon(settings)))
        guard let keeper = try await checkpointer.open() else {
            var reason = ""
            if case .refused(let why) = checkpointer.standing { reason = ": \(why)" }
            throw CommandFailure(.notVerified, "the log is not signed any more\(reason); see 'cordon doctor'")
        }
        try await checkpointer.turn(keeper, isLast: true)
        await transport.close()
    }

    /// With witnesses it waits for them too, but a checkpoint that lacks them is better than none.
    private func awaitSignature(_ store: SQLiteStore) async throws {
        let clock = SystemClock()
        let policy = try settings.witnessPolicy()?.policy
        let needed = try await store.vitals().entries
        let until = clock.now.adding(milliseconds: AuditDesk.signedWithinMilliseconds)
        while clock.now < until {
            if try isSigned(needed, policy) { return }
            await clock.sleep(until: clock.now.adding(milliseconds: AuditDesk.pollMilliseconds))
        }
        if try isSigned(needed, nil) {
            return Output.note("too few witnesses cosigned the last checkpoint; the bundle goes out without them")
        }
        throw CommandFailure(
            .tryAgain, "the server has not signed the last entries; 'cordon doctor' says whether it still signs")
    }

    private func isSigned(_ needed: Int, _ policy: WitnessPolicy?) throws -> Bool {
        guard let bytes = try LogFolder(settings.state.logPath).published() else { return false }
        let note = try Note(parsing: bytes)
        guard try Checkpoint(parsing: note.text).size >= UInt64(needed) else { return false }
        guard let policy, policy.needsWitnesses else { return true }
        return policy.isMet(by: ((try? note.verify(with: policy.witnessKeys)) ?? []).map(\.key))
    }

    private static func failure(_ failure: Bundler.Failure) -> CommandFailure {
        switch failure {
        case .noSuchRun: CommandFailure(.notFound, "there is no such run; 'cordon run list' shows those there are")
        case .notSigned(let size, let needed):
            CommandFailure(.tryAgain, "\(size) entries are signed, \(needed) are needed; try again in some seconds")
        case .tooLarge(let reason): CommandFailure(.failed, "the bundle would be too large: \(reason); ask for less")
        case .unsettled:
            CommandFailure(
                .tryAgain, "\(Bundler.attemptsMax) times something of it was erased while it was made; try again later")
        case .empty: CommandFailure(.notFound, "no entry of the history lies between these times")
        }
    }
}

/// A file on its way to disk, for its owner alone; one that is there stays as it is.
final class NewFile {
    let path: String
    private(set) var byteCount = 0
    private var digest = DigestStream()
    private let file: FileHandle

    init(_ path: String) throws {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            throw errno == EEXIST
                ? CommandFailure(.conflict, "\(display(path)) is there already; choose another name with --out")
                : CommandFailure(.failed, "could not make \(display(path)): \(String(cString: strerror(errno)))")
        }
        file = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
        self.path = path
    }

    var folder: String { URL(filePath: path).deletingLastPathComponent().path }
    var digestText: String { digest.digest.text }

    func append(_ bytes: [UInt8]) throws(EvidenceError) {
        do { try file.write(contentsOf: Data(bytes)) } catch {
            throw EvidenceError(.writeFailed, "could not write \(display(path)): \(error.localizedDescription)")
        }
        digest.update(bytes)
        byteCount += bytes.count
    }

    /// Half a file is none.
    func finish(_ write: () async throws -> Void) async throws {
        do {
            try await write()
            try file.synchronize()
        } catch {
            unlink(path)
            throw error
        }
    }

    /// The whole of it at once.
    static func write(_ bytes: [UInt8], to path: String) throws {
        let new = try NewFile(path)
        do {
            try new.append(bytes)
            try new.file.synchronize()
        } catch {
            unlink(path)
            throw error
        }
    }
}

/// What both exports take.
struct ExportOptions: ParsableArguments {
    @Option(name: .long, help: "The file to write; one that exists is not replaced.") var out: String?
    @Option(name: .long, help: "Why; it goes into the history.") var reason = "audit"
    @Flag(name: .long, help: "Include the bodies of alerts: they may hold live secrets.") var bodies = false

    /// Has the bundle written into its file, a piece at a time.
    func write(
        name: String, what: String, _ settings: Settings, _ make: (Bundler, NewFile) async throws -> Void
    ) async throws {
        let file = try NewFile(absolute(out ?? name, in: FileManager.default.currentDirectoryPath))
        try await file.finish {
            let desk = AuditDesk(settings: settings)
            try await desk.export(
                what, reason: reason, includesBodies: bodies, digest: { file.digestText }
            ) { try await make($0, file) }
        }
        Output.line(file.path)
        Output.note(
            "\(file.byteCount) bytes, \(file.digestText)\nNext: cordon audit verify \(display(file.path)) --key KEYFILE"
        )
    }
}
