// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import CordonCore
import CordonEngine
import CordonEvidence
import CordonLanguage
import CordonServer
import Foundation
import Logging
import ServiceLifecycle
import UnixSignals

struct WitnessCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "witness", abstract: "Cosign the signed logs of other installations, on another host.",
        discussion: """
            A witness remembers the largest tree that it saw of each log and cosigns only what begins with it (C2SP \
            tlog-witness). So nobody who holds an installation, its keys and its backups can take back what was signed, \
            or show two histories to two auditors. Run it on a host and under an owner of its own; it needs nothing of \
            Cordon's but the log's public key. It speaks plain HTTP: put a proxy with TLS before it. Its signatures prove \
            themselves, but that it saw a larger or another tree nobody signs, so Cordon counts that as a fork only over \
            https (or from its own machine); over plain HTTP it is no more than a witness that is away.

            SET UP
              on the witness's host:  cordon witness key --name example.org/witness-1
                                      cordon witness serve --log cordon.vkeys   (behind your proxy with TLS)
              on Cordon's host:       a policy file, named in the settings as 'audit: { witnesses: witnesses.txt }':
                                        witness w1 example.org/witness-1+… https://witness-1.example.org
                                        quorum w1
            """,
        subcommands: [WitnessKey.self, WitnessServe.self, WitnessList.self])
}

/// Where a witness keeps its key and what it saw.
struct WitnessFolder: ParsableArguments {
    @Option(name: .long, help: "The witness's folder, with its key and what it saw (default: ./witness).")
    var folder = "witness"

    var path: String { absolute(folder, in: FileManager.default.currentDirectoryPath) }
    var keyPath: String { path + "/key" }

    func key() throws -> SigningKey {
        guard FileManager.default.fileExists(atPath: keyPath) else {
            throw CommandFailure(
                .notFound,
                "there is no witness's key \(display(keyPath)); make it with 'cordon witness key --name NAME'")
        }
        return try KeyFile.load(keyPath)
    }
}

struct WitnessKey: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "key", abstract: "Make the witness's key, or print its public half.",
        discussion: """
            The public half goes into the policy file of whoever asks this witness, and of their auditors.

            EXAMPLES
              cordon witness key --name example.org/witness-1
              cordon witness key
            """)

    @OptionGroup var folder: WitnessFolder
    @Option(name: .long, help: "The name for a new key, without spaces and plus signs.") var name: String?

    func run() async throws {
        if let key = FileManager.default.fileExists(atPath: folder.keyPath) ? try folder.key() : nil {
            guard name == nil || name == key.name else {
                throw CommandFailure(
                    .conflict, "\(display(folder.keyPath)) is the key of \(key.name); a witness has one name for ever")
            }
            return Output.line(key.verifier.text)
        }
        guard let name else {
            throw CommandFailure(.usage, "there is no key yet; name the witness with --name, as example.org/witness-1")
        }
        do {
            try FileManager.default.createDirectory(
                atPath: folder.path, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        } catch {
            throw CommandFailure(.failed, "could not make \(display(folder.path)): \(error.localizedDescription)")
        }
        let key = try SigningKey(name: name, kind: .cosignature)
        try KeyFile.create(key, at: folder.keyPath)
        Output.line(key.verifier.text)
        Output.note("made \(display(folder.keyPath)); keep a copy where nobody of the installations gets at it")
    }
}

struct WitnessServe: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve", abstract: "Answer logs that ask for a cosignature, until told to stop.",
        discussion: """
            EXAMPLES
              cordon witness serve --log cordon.vkeys
              cordon witness serve --folder /var/lib/witness --log example.com/cordon+… --address 0.0.0.0 --port 8786
            """)

    @OptionGroup var folder: WitnessFolder
    @Option(name: .long, help: "A file with public keys of logs, or a key itself; may be given several times.")
    var log: [String]
    @Option(name: .long, help: "The address to listen on.") var address = "127.0.0.1"
    @Option(name: .long, help: "The port to listen on, 0 for any free one.") var port = 8786
    @Option(name: .long, help: "text or json.") var logFormat = "text"

    func run() async throws {
        let key = try folder.key()
        let logs = try PublicKeys.read(log, option: "--log")
        let lock = try WitnessLock(folder.path)
        defer { lock.release() }
        let logger = try makeLogger()
        let server = try WitnessServer(
            try Witness(at: folder.path, key: key, logs: logs), address: address, port: port, clock: SystemClock(),
            logger: logger)
        let group = ServiceGroup(
            configuration: ServiceGroupConfiguration(
                services: [.init(service: server, failureTerminationBehavior: .gracefullyShutdownGroup)],
                gracefulShutdownSignals: [.sigterm, .sigint], logger: logger))
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask { try await group.run() }
            tasks.addTask {
                let port = try await server.boundPort()
                logger.notice(
                    "listening on http://\(address.contains(":") ? "[\(address)]" : address):\(port)",
                    metadata: ["witness": "\(key.verifier.text)", "logs": "\(Set(logs.map(\.name)).count)"])
            }
            try await tasks.waitForAll()
        }
    }
}

extension WitnessServe {
    private func makeLogger() throws -> Logger {
        guard let format = Settings.LogFormat(rawValue: logFormat) else {
            throw CommandFailure(.usage, "--log-format is '\(logFormat)'; it takes text or json")
        }
        return Logger(label: "cordon") { label in
            switch format {
            case .text: TextLogHandler(label: label)
            case .json: JSONLogHandler()
            }
        }
    }
}

struct WitnessList: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "List the logs that this witness cosigned for, and how large it saw them.",
        discussion: """
            EXAMPLES
              cordon witness list
              cordon witness list --folder /var/lib/witness -o json
            """)

    @OptionGroup var folder: WitnessFolder
    @Option(name: [.customShort("o"), .long], help: "Print a table, one JSON document, or one JSON object a line.")
    var output: OutputFormat = .table

    func run() async throws {
        let seen = try Witness.seen(in: folder.path, key: try folder.key().verifier)
        Output.many(
            seen.map {
                [
                    "log": .string($0.checkpoint.origin), "size": .int(Int64(clamping: $0.checkpoint.size)),
                    "root": .string($0.checkpoint.root.text),
                    "at": .string(Instant(milliseconds: Int64(clamping: $0.timeSeconds) * 1000).description),
                ]
            }, as: output,
            columns: [
                Output.Column("LOG") { $0["log"]?.stringValue ?? "" },
                Output.Column("SIZE") { String($0["size"]?.intValue ?? 0) },
                Output.Column("AT") { $0["at"]?.stringValue ?? "" },
                Output.Column("ROOT") { $0["root"]?.stringValue ?? "" },
            ])
    }
}

/// Public keys as a command line names them.
enum PublicKeys {
    static func read(_ items: [String], option: String) throws -> [VerifierKey] {
        var keys: [VerifierKey] = []
        for item in items {
            if let contents = FileManager.default.contents(atPath: item) {
                keys += try LogFolder.keys(parsing: Array(contents), at: display(item))
            } else {
                do { keys.append(try VerifierKey(parsing: item)) } catch {
                    throw CommandFailure(.usage, "\(option) \(item) is neither a file nor a public key")
                }
            }
        }
        guard items.isEmpty || !keys.isEmpty else {
            throw CommandFailure(.usage, "\(option) names a file without a key")
        }
        return keys
    }
}

/// The right to speak as one witness, held by one process at a time: two would each remember another tree.
private final class WitnessLock {
    private let descriptor: Int32

    init(_ folder: String) throws {
        let path = folder + "/lock"
        descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            throw CommandFailure(.failed, "could not open \(display(path)): \(String(cString: strerror(errno)))")
        }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            close(descriptor)
            throw CommandFailure(.tryAgain, "another process serves the witness in \(display(folder)); stop it first")
        }
    }

    func release() { close(descriptor) }
}
