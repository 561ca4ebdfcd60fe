// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import CordonConnectors
import CordonCore
import CordonEngine
import CordonEvidence
import CordonLanguage
import CordonServer
import CordonStore
import Foundation

@main
struct Cordon: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cordon",
        abstract: "Durable remediation for service accounts, credentials, workloads and agent sessions.",
        discussion: """
            Alert webhooks come in, pre-approved workflows run as checkpointed runs that survive any crash, and every \
            line of their history can be checked.

            EXAMPLES
              cordon demo                            the whole way, on this machine alone
              cordon init && cordon serve            a new installation
              cordon run list                        what runs, and what waits for whom
              cordon --generate-completion-script bash > /etc/bash_completion.d/cordon

            EXIT CODES
              0 ok, 1 failed, 3 not found, 4 not signed in, 5 refused by role, 6 conflict, 7 run did not complete,
              8 waits for a person, 9 proof doesn't verify, 10 a definition has mistakes, 11 an expression has no answer,
              64 wrong usage, 75 try again, 124 timed out, 130 interrupted
            """,
        version: Version.text,
        subcommands: [
            InitCommand.self, ServeCommand.self, DemoCommand.self, AlertCommand.self, SourceCommand.self,
            RunCommand.self,
            SessionCommand.self, GuardCommand.self, HaltCommand.self, UnhaltCommand.self, NotificationCommand.self,
            StreamCommand.self,
            PlaybookCommand.self, ConnectorCommand.self, ExprCommand.self, ExplainCommand.self, SchemaCommand.self,
            TokenCommand.self, AuditCommand.self, KeyCommand.self, EvidenceKeyCommand.self, WitnessCommand.self,
            RetentionCommand.self,
            BackupCommand.self, RestoreCommand.self, CoverageCommand.self, DoctorCommand.self,
            VersionCommand.self,
        ])

    static func main() async {
        // Before any secret is read.
        if !keepOutOfDumps() { Output.note("cordon: a crash of this process may leave a dump of its memory") }
        do {
            var command = try await asyncParseAsRoot()
            if var asynchronous = command as? any AsyncParsableCommand {
                try await asynchronous.run()
            } else {
                try command.run()
            }
        } catch {
            end(error)
        }
    }

    /// Every failure leaves by its code, with one sentence on standard error.
    private static func end(_ error: any Error) -> Never {
        switch error {
        case let failure as CommandFailure: leave(failure.exit, failure.reason)
        case let mistakes as Diagnostics:
            for diagnostic in mistakes.all { Output.note(diagnostic.text) }
            let count = mistakes.all.count { $0.severity == .error }
            leave(.definitionWrong, "\(count) mistake\(count == 1 ? "" : "s")")
        case let error as StoreError: leave(exit(for: error), error.reason)
        case let error as ServerError: leave(exit(for: error), error.reason)
        case let error as EngineError: leave(.failed, error.reason)
        case let error as ConnectorError: leave(.failed, error.reason)
        case let error as EvidenceError: leave(.failed, error.reason)
        default: exit(withError: error)
        }
    }

    private static func exit(for error: StoreError) -> Exit {
        switch error.code {
        case .notFound: .notFound
        case .conflict: .conflict
        case .full, .busy, .locked: .tryAgain
        case .readOnly, .tooNew, .corrupt, .unavailable, .closed: .failed
        }
    }

    private static func exit(for error: ServerError) -> Exit {
        switch error.code {
        case .noSuchToken: .notFound
        case .badName, .badExpiry: .usage
        case .addressInUse, .addressForbidden, .addressUnknown, .notListening, .certificateWrong, .tooManyTokens,
            .store:
            .failed
        }
    }

    private static func leave(_ exit: Exit, _ reason: String) -> Never {
        Output.note("cordon: \(printable(reason).replacingOccurrences(of: "�", with: " "))")
        Foundation.exit(exit.rawValue)
    }
}

struct VersionCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "version", abstract: "Print the version.",
        discussion: """
            EXAMPLES
              cordon version
              cordon version -o json
            """)

    @Option(name: [.customShort("o"), .long], help: "table, json or jsonl.")
    var output: OutputFormat = .table

    func run() {
        Output.one(
            ["version": .string(Version.text), "entry_version": 1, "system": "linux"], as: output
        ) { _ in "cordon \(Version.text)" }
    }
}

enum Version {
    static let text = "0.1.0"
}
