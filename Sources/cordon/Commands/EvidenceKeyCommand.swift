// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import CordonConnectors
import CordonEngine
import CordonEvidence
import CordonLanguage
import CordonStore
import Foundation

struct EvidenceKeyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "evidence-key", abstract: "Make, list and destroy the keys that evidence is sealed with at rest.",
        discussion: """
            Where 'evidence.seal_with' in cordon.yaml names a key, what providers say is sealed with it (AES-256-GCM) \
            before it is written. A provider of connections.yaml may name a key of its own (evidence_key), so that each \
            tenant has one. History, proofs and bundles stay the same; bundles hold the evidence opened.

            Keys are files evidence-LABEL in the state folder's keys/, or where 'evidence.keys' says. No backup holds \
            them: keep a copy elsewhere. To change a key make another, name it and start again: what is new is sealed \
            with that one, what is old stays readable while its key is there. Alerts' bodies are rows of the database \
            and are not sealed.
            """,
        subcommands: [EvidenceKeyNew.self, EvidenceKeyList.self, EvidenceKeyDestroy.self])
}

struct EvidenceKeyNew: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "new", abstract: "Make a key, in a file for its owner alone.",
        discussion: """
            EXAMPLES
              cordon evidence-key new acme-2026
            """)

    @OptionGroup var common: CommonOptions
    @Argument(help: "How sealed files name it: small letters, digits and hyphens.") var label: String

    func run() async throws {
        let settings = try await common.settings()
        guard BlobKey.isLabel(label) else {
            throw CommandFailure(
                .usage, "'\(label)' is no label; it takes small letters, digits and hyphens, as acme-2026")
        }
        if settings.evidenceKeysFolder == nil { try settings.state.make() }
        let path: String
        do { path = try BlobKeys.make(label, in: settings.evidenceKeysPath) } catch {
            throw CommandFailure(error.code == .keyFileExists ? .conflict : .failed, error.reason)
        }
        Output.one(["label": .string(label), "path": .string(path)], as: common.output) { _ in path }
        guard common.output == .table else { return }
        Output.note("Next: copy it to your backup of keys, set evidence.seal_with: \(label), and start the server anew")
    }
}

struct EvidenceKeyList: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "List the keys, and how much is sealed with each.",
        discussion: """
            EXAMPLES
              cordon evidence-key list
            """)

    @OptionGroup var common: CommonOptions

    func run() async throws {
        let settings = try await common.settings()
        let keys = try BlobKeys(in: settings.evidenceKeysPath, standard: nil)
        var counts: [String: Int64] = [:]
        if FileManager.default.fileExists(atPath: settings.state.evidencePath) {
            let blobs = try Blobs(at: settings.state.evidencePath)
            for digest in try blobs.digests() { counts[try blobs.sealing(of: digest) ?? "", default: 0] += 1 }
        }
        let labels = Set(keys.labels).union(counts.keys).sorted()
        Output.many(
            labels.map { label in
                let state =
                    if label.isEmpty {
                        "not sealed"
                    } else if keys[label] == nil {
                        "missing"
                    } else {
                        label == settings.evidenceKeyLabel ? "seals" : "opens"
                    }
                return ["label": .string(label), "state": .string(state), "blobs": .int(counts[label] ?? 0)]
            }, as: common.output,
            columns: [
                Output.Column("LABEL") { $0["label"]?.stringValue.flatMap { $0.isEmpty ? "-" : $0 } ?? "" },
                Output.Column("STATE") { $0["state"]?.stringValue ?? "" },
                Output.Column("BLOBS") { String($0["blobs"]?.intValue ?? 0) },
            ])
    }
}

struct EvidenceKeyDestroy: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "destroy", abstract: "Destroy a key, and with it all that was sealed with it.",
        discussion: """
            A line of the history says who did it and why, and then the key goes. It erases nothing while a copy of the \
            key lies elsewhere: destroy that too. No server may run, and no setting may name the key any more.

            EXAMPLES
              cordon evidence-key destroy acme-2026 --reason "the contract ended"
            """)

    @OptionGroup var common: CommonOptions
    @Argument(help: "The key's label.") var label: String
    @Option(name: .long, help: "Why; it goes into the history.") var reason: String

    func run() async throws {
        let settings = try await common.settings()
        let folder = settings.evidenceKeysPath
        guard try BlobKeys(in: folder, standard: nil)[label] != nil else {
            throw CommandFailure(.notFound, "there is no evidence key '\(label)' in \(display(folder))")
        }
        guard settings.evidenceKeyLabel != label else {
            throw CommandFailure(.conflict, "evidence.seal_with names '\(label)'; name another key there first")
        }
        let providers = try Shelf.load(settings, isStart: true).connections.providers
        if let provider = providers.first(where: { $0.evidenceKey == label }) {
            throw CommandFailure(
                .conflict, "the provider \(provider.id) names '\(label)'; name another key in connections.yaml first")
        }
        guard try await Client.find(settings) == nil else {
            throw CommandFailure(.conflict, "a server runs and holds the key; stop it first")
        }
        let store = try SQLiteStore(.readWrite(settings.statePath))
        do {
            try await refuseHeld(store)
            try await StreamWriter(RetentionBook.stream, store: store, clock: SystemClock()).append(
                RetentionBook.keyDestroyed,
                ["label": .string(label), "by": .string("cordon (this machine)"), "reason": .string(reason)])
            // Durable from here: the key goes now, or when this is done again.
            _ = try BlobKeys.destroy(label, in: folder)
            await store.close()
        } catch {
            await store.close()
            throw error
        }
        Output.note("destroyed \(label)")
    }

    /// A legal hold names runs and subjects; which of them the key's evidence is of, nobody can say of all of it.
    private func refuseHeld(_ store: SQLiteStore) async throws {
        var book = RetentionBook()
        try await book.read(store)
        guard let hold = book.holds.values.min(by: { $0.scope.text < $1.scope.text }) else { return }
        throw CommandFailure(
            .conflict,
            "a legal hold stands on \(hold.scope.text), and its evidence may be sealed with this key; release it first")
    }
}
