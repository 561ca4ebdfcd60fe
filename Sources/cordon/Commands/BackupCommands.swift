// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import CordonCore
import CordonEngine
import CordonEvidence
import CordonStore
import Foundation

struct BackupCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "backup",
        abstract: "Copy history, evidence and signed log into a new folder, also while a server runs.",
        discussion: """
            No key goes along: neither those that sign the log nor the seal key. Back up keys apart. 'cordon audit \
            verify FOLDER' checks a backup like any state folder.

            EXAMPLES
              cordon backup /backup/cordon-2026-11-24
            """)

    @OptionGroup var common: CommonOptions
    @Argument(help: "The folder to make.") var folder: String

    func run() async throws {
        let settings = try await common.settings()
        let target = absolute(folder, in: FileManager.default.currentDirectoryPath)
        guard FileManager.default.fileExists(atPath: settings.statePath + "/cordon.db") else {
            throw CommandFailure(.notFound, "there is no state folder \(settings.statePath); name it with --state")
        }
        guard mkdir(target, 0o700) == 0 else {
            throw CommandFailure(
                errno == EEXIST ? .conflict : .failed,
                "could not make \(display(target)): \(String(cString: strerror(errno)))")
        }
        await CustodyLine(act: .copied, what: "backup to \(target)", reason: "backup").tell(settings)
        // In this order each part holds all that the one before it speaks of: the log, the entries, the evidence.
        try FolderCopy.copy(settings.state.logPath, to: target + "/log")
        for (name, aside) in try LogFolder(settings.state.logPath).aside() {
            try FolderCopy.copy(aside.path, to: target + "/" + name, without: "log-")
        }
        try SQLiteStore.backUp(settings.statePath, to: target + "/cordon.db")
        try FolderCopy.copy(settings.state.evidencePath, to: target + "/evidence")
        Output.line(target)
        Output.note("Next: cordon audit verify \(display(target))")
    }
}

struct RestoreCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "restore", abstract: "Make a state folder from a backup, with a new signed log.",
        discussion: """
            The backup is verified first, as 'cordon audit verify' does; one that is broken is not restored unless you say \
            --despite-findings, and then the history tells what was found.

            What was signed after the backup can't be known here, so the old log is put aside (log.forked-1) and a new \
            one begins under another name, with a new key; the history says so. The seal key and the tokens' file come \
            from your backup of keys: put them into the new folder before the first start.

            EXAMPLES
              cordon restore /backup/cordon-2026-11-24 --state /var/lib/cordon --reason "the disk failed"
              cordon restore /backup/cordon-2026-11-24 --key cordon.vkeys --reason "the disk failed"
            """)

    @OptionGroup var common: CommonOptions
    @Argument(help: "The backup's folder.") var backup: String
    @Option(name: .long, help: "Why; it goes into the history.") var reason: String
    @Option(
        name: .long,
        help: "A file of public keys that the backup must be signed with, or a key itself; may be given several times."
    ) var key: [String] = []
    @Flag(name: .long, help: "Restore a backup that is broken; the history tells what was found in it.")
    var despiteFindings = false

    func run() async throws {
        let settings = try await common.settings()
        let source = absolute(backup, in: FileManager.default.currentDirectoryPath)
        guard FileManager.default.fileExists(atPath: source + "/cordon.db") else {
            throw CommandFailure(.notFound, "\(display(source)) is no backup: it has no cordon.db")
        }
        let asides = try LogFolder(source + "/log").aside().map(\.name)
        for name in ["cordon.db", "log", "evidence"] + asides {
            let path = settings.statePath + "/" + name
            let isEmpty = ((try? FileManager.default.contentsOfDirectory(atPath: path)) ?? ["cordon.db"]).isEmpty
            guard !FileManager.default.fileExists(atPath: path) || isEmpty else {
                throw CommandFailure(.conflict, "\(display(path)) is there already; restore into a new folder")
            }
        }
        if settings.auditKeysPath != nil, !(try settings.signingKeys.load()).isEmpty {
            throw CommandFailure(
                .conflict,
                "\(display(settings.signingKeys.folder)) holds keys that may sign another log; name an empty folder in "
                    + "audit.keys for the restored one")
        }
        let broken = try await findings(source, settings)
        try settings.state.make()
        for name in asides {
            try FolderCopy.copy(source + "/" + name, to: settings.statePath + "/" + name, without: "log-")
        }
        try FolderCopy.copy(source + "/evidence", to: settings.state.evidencePath)
        try FolderCopy.copy(source + "/log", to: settings.state.logPath)
        try FolderCopy.file(source + "/cordon.db", to: settings.statePath + "/cordon.db")
        let store = try SQLiteStore(.readWrite(settings.statePath))
        do {
            var book = LogBook()
            try await book.read(store)
            let says = try await LogReopening.reopen(
                settings, store, book, reason: told(broken), despite: Array(broken.prefix(Self.toldMax)))
            await store.close()
            Output.line(says)
        } catch {
            await store.close()
            throw error
        }
    }
}

extension RestoreCommand {
    /// Findings that go into the line which begins the new log.
    fileprivate static let toldMax = 20

    /// What is broken in the backup: nothing, unless it is to be restored all the same.
    fileprivate func findings(_ source: String, _ settings: Settings) async throws -> [AuditFinding] {
        let trust = AuditTrust(keys: try PublicKeys.read(key, option: "--key"))
        let report = try await report(of: source, settings, trust)
        let broken = report.findings.filter { $0.grade == .broken }
        guard let first = broken.first, !despiteFindings else { return broken }
        throw CommandFailure(
            .notVerified,
            "the backup is broken: \(first.code.rawValue) at \(first.place): \(first.says)"
                + (broken.count > 1 ? ", and \(broken.count - 1) more" : "")
                + "; 'cordon audit verify \(display(source))' tells all. Restore another one, or this one with "
                + "--despite-findings: the history will say what was found")
    }

    /// What an older program wrote is looked at as a first start leaves it: in a copy, for nothing writes to a backup.
    private func report(of source: String, _ settings: Settings, _ trust: AuditTrust) async throws -> AuditReport {
        let state = StateFolder(source)
        let keys = settings.evidenceKeysPath
        do { return try await StateChecking.report(state, evidenceKeys: keys, trust) } catch let error as StoreError
            where error.code == .readOnly
        {
            let copy = FileManager.default.temporaryDirectory.appending(path: "cordon-restore-\(UUID().uuidString)")
                .path
            guard mkdir(copy, 0o700) == 0 else { throw error }
            defer { try? FileManager.default.removeItem(atPath: copy) }
            try FolderCopy.file(source + "/cordon.db", to: copy + "/cordon.db")
            return try await StateChecking.report(
                state, evidenceKeys: keys, trust, opened: try SQLiteStore(.readWrite(copy)))
        }
    }

    fileprivate func told(_ broken: [AuditFinding]) -> String {
        guard let first = broken.first else { return "restored: \(reason)" }
        return "restored a backup that was broken (\(broken.count) findings, the first \(first.code.rawValue) at "
            + "\(first.place)): \(reason)"
    }
}

/// Copies that are durable when they return, each file for its owner alone.
private enum FolderCopy {
    /// - Parameter prefix: files whose names begin with it stay where they are: keys that signed.
    static func copy(_ folder: String, to target: String, without prefix: String? = nil) throws {
        guard FileManager.default.fileExists(atPath: folder) else { return }
        if mkdir(target, 0o700) != 0, errno != EEXIST { throw failure("make", target) }
        // A log's cosigned checkpoint first: what is copied after it is no smaller.
        let names = try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
        for name in names.filter({ $0 == "witnessed" }) + names.filter({ $0 != "witnessed" }) {
            if let prefix, name.hasPrefix(prefix) { continue }
            let (from, to) = (folder + "/" + name, target + "/" + name)
            // A running server may have taken it away since: drafts, and tiles that are full now.
            let kind = (try? FileManager.default.attributesOfItem(atPath: from))?[.type] as? FileAttributeType
            switch kind {
            case .typeDirectory: try copy(from, to: to)
            case .typeRegular where !name.hasPrefix("draft-"): try file(from, to: to)
            default: continue
            }
        }
        try sync(target)
    }

    static func file(_ source: String, to target: String) throws {
        guard let contents = FileManager.default.contents(atPath: source) else {
            if FileManager.default.fileExists(atPath: source) { throw failure("read", source) }
            return
        }
        try NewFile.write(Array(contents), to: target)
    }

    private static func sync(_ folder: String) throws {
        let descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw failure("open", folder) }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw failure("sync", folder) }
    }

    private static func failure(_ verb: String, _ path: String) -> CommandFailure {
        CommandFailure(.failed, "could not \(verb) \(display(path)): \(String(cString: strerror(errno)))")
    }
}
