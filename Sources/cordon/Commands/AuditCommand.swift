// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import CordonConnectors
import CordonCore
import CordonEngine
import CordonEvidence
import CordonLanguage
import CordonStore
import Foundation

struct AuditCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "audit", abstract: "Verify the history, and hand it to auditors.",
        subcommands: [
            AuditVerify.self, AuditExport.self, AuditList.self, AuditSample.self, AuditProve.self, AuditReopen.self,
            AuditTimes.self,
        ])
}

struct AuditVerify: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify",
        abstract: "Check a bundle or a state folder against what was signed, and say what it means.",
        discussion: """
            A bundle needs nothing but the file and a public key: no database, no network, no state folder. Of a state \
            folder everything is checked: entries, tiles, checkpoints, evidence, rows, snapshots. It may be checked while \
            a server runs.

            Ends with 9 when anything is broken; with 0 when the record is sound, also with open items, which it names. \
            With --exit-status open items end it with 8.

            Evidence that is sealed is checked where its key is; where it is not, that is an open item.

            Without --key the keys that lie beside are used: then it shows only that nothing was changed since by \
            somebody without a key.

            EXAMPLES
              cordon audit verify run_01KATB9Z2M8D4W6X1V3C5R7T9Y.tar --key cordon.vkeys
              cordon audit verify
              cordon audit verify /var/lib/cordon -o json | jq .findings
              cordon audit verify q3.tar --policy witnesses.txt --since q2.checkpoint --exit-status
            """)

    @OptionGroup var common: CommonOptions
    @Argument(help: "A bundle, or a state folder (default: that of the settings).") var path: String?
    @Option(name: .long, help: "A file of public keys, or a key itself; may be given several times.") var key:
        [String] = []
    @Option(name: .long, help: "A witness policy (C2SP tlog-policy) that the checkpoint must meet.") var policy: String?
    @Option(
        name: .long,
        help:
            "A signed checkpoint that you kept from before (a bundle's file 'checkpoint'): the log must begin with it."
    ) var since: String?
    @Option(
        name: .customLong("tsa-ca"),
        help: "Certificates (PEM) of the authorities whose timestamps you believe; for a state folder: its setting's."
    ) var timestampAuthorities: String?
    @Option(
        name: .customLong("evidence-keys"),
        help: "The folder of the keys that evidence is sealed with (default: the state folder's, or the setting's)."
    ) var evidenceKeys: String?
    @Flag(name: .long, help: "End with 8 when there are open items.") var exitStatus = false

    func run() async throws {
        let here = FileManager.default.currentDirectoryPath
        let trust = try trust()
        var report: AuditReport
        if let path, !isFolder(absolute(path, in: here)) {
            let archive = try archive(absolute(path, in: here))
            report = await BundleAudit.run(archive, trust: trust)
            let stamps = await TimestampAudit.bundle(archive, keys: trust.brought, trust: try timestampTrust())
            report.findings = (report.findings + stamps).ordered
        } else if let path {
            let state = StateFolder(absolute(path, in: here))
            report = try await audit(state, state.keysPath, trust, try timestampTrust())
        } else {
            let settings = try await common.settings()
            var trust = trust
            if trust.policy == nil, let own = try settings.witnessPolicy() {
                (trust.policy, trust.isPolicyOwn) = (own.policy, true)
            }
            report = try await audit(
                settings.state, settings.evidenceKeysPath, trust, try timestampTrust() ?? settings.timestampTrust())
        }
        Output.one(report.value, as: common.output, table: AuditText.page)
        if report.isBroken { throw CommandFailure(.notVerified, "the record is broken: \(count(report, .broken))") }
        if exitStatus, report.openItems > 0 { throw CommandFailure(.waitsForPerson, "\(count(report, .open))") }
    }

    private func count(_ report: AuditReport, _ grade: AuditFinding.Grade) -> String {
        let number = report.findings.count { $0.grade == grade }
        return "\(number) finding\(number == 1 ? "" : "s") of grade \(grade.rawValue)"
    }

    private func isFolder(_ path: String) -> Bool {
        var isFolder: ObjCBool = false
        return FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) && isFolder.boolValue
    }

    private func archive(_ path: String) throws -> ByteSource {
        do {
            if let source = try ByteSource(file: path) { return source }
        } catch { throw CommandFailure(.notFound, error.reason) }
        throw CommandFailure(.notFound, "there is no file \(display(path)) that can be read")
    }

    private func timestampTrust() throws -> TimestampTrust? {
        try timestampAuthorities.map { path in
            guard let contents = FileManager.default.contents(atPath: path) else {
                throw CommandFailure(.notFound, "there is no file \(display(path)) that can be read")
            }
            guard let trust = TimestampTrust(pem: Array(contents)) else {
                throw CommandFailure(.usage, "\(display(path)) holds no certificates in PEM")
            }
            return trust
        }
    }

    private func audit(
        _ state: StateFolder, _ keys: String, _ trust: AuditTrust, _ authorities: TimestampTrust?
    ) async throws -> AuditReport {
        guard FileManager.default.fileExists(atPath: state.evidencePath) else {
            throw CommandFailure(.notFound, "\(display(state.path)) is no state folder: it has no evidence/")
        }
        return try await StateChecking.report(state, evidenceKeys: evidenceKeys ?? keys, trust, authorities)
    }

    private func trust() throws -> AuditTrust {
        var trust = AuditTrust(keys: try PublicKeys.read(key, option: "--key"))
        if let since {
            guard let contents = FileManager.default.contents(atPath: since) else {
                throw CommandFailure(.notFound, "there is no checkpoint \(display(since)) that can be read")
            }
            trust.since = Array(contents)
        }
        if let policy {
            guard let contents = FileManager.default.contents(atPath: policy) else {
                throw CommandFailure(.notFound, "there is no policy \(display(policy)) that can be read")
            }
            trust.policy = try WitnessPolicy(parsing: String(decoding: contents, as: UTF8.self))
        }
        return trust
    }
}

/// Looks at a whole state folder, or at a backup of one.
enum StateChecking {
    /// - Parameter opened: its database, where that was opened elsewhere.
    static func report(
        _ state: StateFolder, evidenceKeys: String, _ trust: AuditTrust, _ authorities: TimestampTrust? = nil,
        opened: SQLiteStore? = nil
    ) async throws -> AuditReport {
        let store = try opened ?? SQLiteStore(.readOnly(state.path))
        do {
            let folder = LogFolder(state.logPath)
            var report = try await StateAudit.run(
                store: store, folder: folder,
                blobs: try Blobs(at: state.evidencePath, keys: try BlobKeys(in: evidenceKeys, standard: nil)),
                trust: trust)
            report.findings += await TimestampAudit.folder(folder, keys: trust.brought, trust: authorities)
            report.findings += try await KeyAudit.findings(store, state)
            report.findings = report.findings.ordered
            await store.close()
            return report
        } catch {
            await store.close()
            throw error
        }
    }
}

/// A report for people.
enum AuditText {
    static func page(_ report: Value) -> String {
        func text(_ key: String) -> String { printable(report[key]?.stringValue ?? "") }
        func number(_ key: String) -> Int64 { report[key]?.intValue ?? 0 }
        var out = ["\(text("verdict")): \(text("subject")) of \(text("origin"))"]
        func count(_ key: String, _ one: String) -> String { "\(number(key)) \(one)\(number(key) == 1 ? "" : "s")" }
        out.append(
            "  \(number("entries") == 1 ? "1 entry" : "\(number("entries")) entries"), \(count("runs", "run")), "
                + "\(count("blobs", "blob")) against \(count("checkpoints", "checkpoint")), the last of "
                + "\(number("size")) entries")
        for key in report["keys"]?.arrayValue ?? [] { out.append("  key \(printable(key.stringValue ?? ""))") }
        for finding in report["findings"]?.arrayValue ?? [] {
            func part(_ key: String) -> String { printable(finding[key]?.stringValue ?? "") }
            out.append("  \(part("grade"))  \(part("code"))  \(part("place")): \(part("says"))")
        }
        return out.joined(separator: "\n")
    }
}

struct AuditExport: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "export", abstract: "Write all that happened in a period into one file that verifies by itself.",
        discussion: """
            The bundle begins at the signed checkpoint before the period, so that nothing can lie between two exports \
            unseen. That it was taken out is a line of the history, which is signed before the bundle is made.

            EXAMPLES
              cordon audit export --from 2026-07-01 --to 2026-10-01 --reason "SOC 2, third quarter"
              cordon audit export --from 2026-11-24T06:00:00Z --to 2026-11-24T18:00:00Z --out day.tar
            """)

    @OptionGroup var common: CommonOptions
    @OptionGroup var export: ExportOptions
    @Option(name: .long, help: "The first moment, as 2026-07-01 or 2026-07-01T06:00:00Z.") var from: String
    @Option(name: .long, help: "The first moment after it.") var to: String

    func run() async throws {
        let (from, to) = (try AuditTime.read(self.from, "--from"), try AuditTime.read(self.to, "--to"))
        guard from < to else { throw CommandFailure(.usage, "--from is not before --to") }
        let name = "audit-\(self.from.prefix(10))-\(self.to.prefix(10)).tar"
        try await export.write(name: name, what: "period \(from) to \(to)", try await common.settings()) {
            bundler, file in
            try await bundler.period(from: from, to: to, spool: file.folder, to: file.append)
        }
    }
}

struct RunExport: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "export", abstract: "Write a run with all its evidence into one file that verifies by itself.",
        discussion: """
            Holds the run's lines and its alert's, each with its proof, what providers said, the definitions that were \
            in force, a page for a browser, and a README for checking it with openssl and sha256sum.

            EXAMPLES
              cordon run export run_01KATB9Z2M8D4W6X1V3C5R7T9Y --reason "sample 7 of 25"
            """)

    @OptionGroup var common: CommonOptions
    @OptionGroup var export: ExportOptions
    @Argument(help: "The run's id.", completion: RunCompletion.any) var id: String

    func run() async throws {
        let run = try runID(id)
        try await export.write(name: "\(run).tar", what: run.text, try await common.settings()) { bundler, file in
            try await bundler.run(run, spool: file.folder, to: file.append)
        }
    }
}

struct AuditReopen: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "reopen", abstract: "Begin a new signed log after the old one was forked.",
        discussion: """
            After a restored backup nothing is signed any more: what was signed is no longer the beginning of what is \
            there. This puts the old log and its keys aside (log.forked-1), has the history say so, and lets the next \
            start sign a new log under another name. Hand the old checkpoint to whoever audits you. No server may run.

            EXAMPLES
              cordon audit reopen --reason "restored the backup of 24 November after the disk failed"
            """)

    @OptionGroup var common: CommonOptions
    @Option(name: .long, help: "Why; it goes into the history.") var reason: String

    func run() async throws {
        let settings = try await common.settings()
        let store = try SQLiteStore(.readWrite(settings.statePath))
        do {
            var book = LogBook()
            try await book.read(store)
            guard book.fork != nil else {
                throw CommandFailure(.conflict, "the log is not forked: there is nothing to begin anew")
            }
            let says = try await LogReopening.reopen(settings, store, book, reason: reason)
            await store.close()
            Output.line(says)
        } catch {
            await store.close()
            throw error
        }
    }
}

/// Puts a log aside that can't go on, so that the next start begins a new one under another name.
enum LogReopening {
    /// - Parameter despite: what was found in a backup that was restored all the same.
    static func reopen(
        _ settings: Settings, _ store: SQLiteStore, _ book: LogBook, reason: String, despite: [AuditFinding] = []
    ) async throws -> String {
        let aside = LogMove.free(settings.state.logPath)
        let keys = settings.signingKeys
        let old = try keys.load().last?.name ?? LogFolder(settings.state.logPath).keys().last?.name ?? book.origin
        let origin = (old ?? SigningKeys.newOrigin()) + "-\(aside.number + 1)"
        // The line first: a crash after it leaves a log that is begun anew, and an old folder that is still there.
        var body: [String: Value] = [
            "reason": .string(reason), "by": .string("cordon (this machine)"), "origin": .string(origin),
            "was": LogBook.told(LogFolder(settings.state.logPath), as: aside.name),
        ]
        body["despite"] = despite.isEmpty ? nil : .array(despite.map(\.value))
        try await StreamWriter(LogBook.stream, store: store, clock: SystemClock()).append(
            LogBook.reopened, .object(body))
        try LogMove.move(settings.state.logPath, to: aside.path)
        try keys.putAside(in: aside.path)
        let made = try keys.make(origin: origin)
        return
            "the old log lies in \(display(aside.path)); the new one's public key: \(made.key.text)\nNext: cordon serve"
    }
}

private enum LogMove {
    static func free(_ path: String) -> (path: String, name: String, number: Int) {
        var number = 1
        while FileManager.default.fileExists(atPath: path + LogFolder.asideMark + String(number)) { number += 1 }
        let place = path + LogFolder.asideMark + String(number)
        return (place, URL(filePath: place).lastPathComponent, number)
    }

    /// What is gone already can't be moved: then an empty folder takes the keys.
    static func move(_ path: String, to aside: String) throws {
        do {
            if FileManager.default.fileExists(atPath: path) {
                try FileManager.default.moveItem(atPath: path, toPath: aside)
            } else {
                try FileManager.default.createDirectory(
                    atPath: aside, withIntermediateDirectories: false, attributes: [.posixPermissions: 0o700])
            }
        } catch { throw CommandFailure(.failed, "could not put the old log aside: \(error.localizedDescription)") }
    }
}
