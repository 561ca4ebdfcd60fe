// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import CordonEngine
import CordonEvidence
import CordonLanguage
import Foundation

struct KeyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "key", abstract: "List, add and retire the keys that sign the log.",
        discussion: """
            All keys that lie in the folder sign each checkpoint. To change a key: 'rotate' adds the new one beside the \
            old; hand its public half to your auditors; when they have it, 'retire' the old one. A running server sees \
            both at its next checkpoint and writes it into the history.
            """,
        subcommands: [KeyList.self, KeyRotate.self, KeyRetire.self])
}

struct KeyList: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "List the log's public keys, as auditors need them.",
        discussion: """
            EXAMPLES
              cordon key list
              cordon key list -o json | jq -r '.[].key' > cordon.vkeys
            """)

    @OptionGroup var common: CommonOptions

    func run() async throws {
        let settings = try await common.settings()
        let signing = try settings.signingKeys.load().map(\.verifier)
        let known = try LogFolder(settings.state.logPath).keys()
        let all = known + signing.filter { !known.contains($0) }
        Output.many(
            all.map {
                [
                    "id": .string($0.hash8), "state": .string(signing.contains($0) ? "signs" : "retired"),
                    "key": .string($0.text),
                ]
            }, as: common.output,
            columns: [
                Output.Column("ID") { $0["id"]?.stringValue ?? "" },
                Output.Column("STATE") { $0["state"]?.stringValue ?? "" },
                Output.Column("KEY") { $0["key"]?.stringValue ?? "" },
            ])
    }
}

struct KeyRotate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rotate", abstract: "Add a key that signs the log beside the old one.",
        discussion: """
            EXAMPLES
              cordon key rotate
            """)

    @OptionGroup var common: CommonOptions

    func run() async throws {
        let keys = try await common.settings().signingKeys
        guard let last = try keys.load().last else {
            throw CommandFailure(.notFound, "no key signs yet in \(keys.folder); 'cordon init' makes the first")
        }
        let made = try keys.make(origin: last.name)
        Output.one(["id": .string(made.key.hash8), "key": .string(made.key.text)], as: common.output) { _ in
            made.key.text
        }
        if common.output == .table {
            Output.note(
                "made \(display(made.path)); when your auditors have it: cordon key retire \(last.verifier.hash8)")
        }
    }
}

struct KeyRetire: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "retire", abstract: "Let a key sign no more; its private half is deleted.",
        discussion: """
            EXAMPLES
              cordon key retire 1f0c9a3e
            """)

    @OptionGroup var common: CommonOptions
    @Argument(help: "The key's id, as 'cordon key list' shows it.") var id: String

    func run() async throws {
        let keys = try await common.settings().signingKeys
        do { Output.note("retired \(try keys.retire(id).text)") } catch {
            let exit: Exit = error.code == .notFound ? .notFound : error.code == .signatureMissing ? .conflict : .failed
            throw CommandFailure(exit, error.reason)
        }
    }
}
