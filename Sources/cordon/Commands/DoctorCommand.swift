// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import CordonConnectors
import CordonCore
import CordonEngine
import CordonEvidence
import CordonLanguage
import CordonStore
import Foundation

struct DoctorCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor", abstract: "Check the settings, the state folder, the keys, the secrets and the store.",
        discussion: """
            Changes nothing and sends nothing to a provider. Ends with 1 when something needs a person.

            EXAMPLES
              cordon doctor
              cordon doctor -o json
            """)

    @OptionGroup var common: CommonOptions

    func run() async throws {
        let settings = try await common.settings()
        var findings = [checkFolder(settings)]
        findings += try await checkDefinitions(settings)
        findings.append(checkSealKey(settings))
        findings.append(await checkStore(settings))
        findings += await checkRuns(settings)
        findings.append(await checkLog(settings))
        findings += checkWitnesses(settings)
        findings.append(await checkServer(settings))
        Output.many(
            findings.map(\.value), as: common.output,
            columns: [
                Output.Column("CHECK") { $0["check"]?.stringValue ?? "" },
                Output.Column("STATE") { $0["state"]?.stringValue ?? "" },
                Output.Column("SAYS") { $0["says"]?.stringValue ?? "" },
            ])
        let bad = findings.filter { $0.state == .bad }.count
        guard bad == 0 else { throw CommandFailure(.failed, "\(bad) of \(findings.count) checks need a person") }
    }

    private struct Finding {
        enum State: String { case ok, note, bad }

        var check: String
        var state: State
        var says: String

        var value: Value { ["check": .string(check), "state": .string(state.rawValue), "says": .string(says)] }
    }

    private func checkFolder(_ settings: Settings) -> Finding {
        guard let attributes = try? FileManager.default.attributesOfItem(atPath: settings.statePath),
            let mode = attributes[.posixPermissions] as? Int
        else {
            return Finding(
                check: "state folder", state: .bad, says: "\(settings.statePath) is missing; run 'cordon init'")
        }
        guard mode & 0o077 == 0 else {
            return Finding(
                check: "state folder", state: .bad, says: "others may enter it; run: chmod 700 \(settings.statePath)")
        }
        guard FileManager.default.isWritableFile(atPath: settings.statePath) else {
            return Finding(
                check: "state folder", state: .bad, says: "\(settings.statePath) can't be written by this user")
        }
        return Finding(check: "state folder", state: .ok, says: settings.statePath)
    }

    private func checkDefinitions(_ settings: Settings) async throws -> [Finding] {
        let shelf: Shelf
        do {
            shelf = try Shelf.load(settings)
        } catch {
            let mistakes = error.all.filter { $0.severity == .error }
            return [
                Finding(
                    check: "definitions", state: .bad,
                    says: "\(mistakes.count) mistakes; see 'cordon playbook check': \(mistakes.first?.message ?? "")")
            ]
        }
        let library = shelf.library
        let says =
            "\(library.playbooks.count) playbooks, \(library.workflows.count) workflows, "
            + "\(shelf.connectors.count) connectors, \(library.inventory.identities.count) identities"
        return [Finding(check: "definitions", state: .ok, says: says)] + (try await checkSecrets(shelf, settings))
            + [checkEvidenceKeys(shelf.connections, settings)]
    }

    /// A key that is asked for and not here keeps the server from starting; one that others may read seals nothing.
    private func checkEvidenceKeys(_ connections: Connections, _ settings: Settings) -> Finding {
        func finding(_ state: Finding.State, _ says: String) -> Finding {
            Finding(check: "evidence keys", state: state, says: says)
        }
        let (folder, standard) = (settings.evidenceKeysPath, settings.evidenceKeyLabel)
        let wanted = Set(connections.providers.compactMap(\.evidenceKey) + [standard].compactMap(\.self))
        guard !wanted.isEmpty || FileManager.default.fileExists(atPath: folder) else {
            return finding(.ok, "none is asked for: evidence is stored as it comes")
        }
        do {
            let keys = try BlobKeys(in: folder, standard: standard)
            let missing = wanted.subtracting(keys.labels).sorted()
            guard missing.isEmpty else {
                return finding(
                    .bad,
                    "\(missing.joined(separator: ", ")) not in \(display(folder)): restore it from your backup of keys, or "
                        + "make it with 'cordon evidence-key new'")
            }
            let others = keys.labels.isEmpty ? "there is none" : keys.labels.joined(separator: ", ")
            return finding(.ok, standard.map { "new evidence is sealed with \($0); here: \(others)" } ?? others)
        } catch { return finding(.bad, error.reason) }
    }

    private func checkSecrets(_ shelf: Shelf, _ settings: Settings) async throws -> [Finding] {
        var references = shelf.connections.sources.flatMap { source in
            (source.secrets + [source.poll?.token].compactMap(\.self)).map { ("source \(source.id)", $0) }
        }
        for provider in shelf.connections.providers {
            references += provider.secrets.map { ("provider \(provider.id)", $0.value) }
        }
        for identity in shelf.library.inventory.identities {
            references += identity.secrets.map { ("identity \(identity.subject.id)", $0.value) }
        }
        let transport = try CurlTransport()
        let reader = await SecretReader.ready(
            settings, shelf.connections, for: references.map(\.1), transport)
        await transport.close()
        let bad = references.compactMap { owner, reference -> Finding? in
            do {
                _ = try reader.read(reference)
                return nil
            } catch {
                return Finding(check: "secret of \(owner)", state: .bad, says: "\(error)")
            }
        }
        return bad.isEmpty ? [Finding(check: "secrets", state: .ok, says: "\(references.count) can be read")] : bad
    }

    private func checkSealKey(_ settings: Settings) -> Finding {
        let path = settings.state.keysPath + "/seal"
        guard FileManager.default.fileExists(atPath: path) else {
            return Finding(check: "seal key", state: .note, says: "not made yet; a first start makes it")
        }
        do {
            _ = try settings.state.key("seal")
            return Finding(check: "seal key", state: .ok, says: path)
        } catch {
            return Finding(check: "seal key", state: .bad, says: "\(error)")
        }
    }

    private func checkStore(_ settings: Settings) async -> Finding {
        do {
            let store = try SQLiteStore(.readOnly(settings.statePath))
            let vitals = try await store.vitals()
            let differences = try await store.schemaDifferences()
            await store.close()
            if !differences.isEmpty {
                return Finding(
                    check: "store", state: .bad,
                    says: "another program changed the database: \(differences.joined(separator: "; "))")
            }
            let says = "\(vitals.description); \(vitals.liveRuns) live runs, \(vitals.entries) entries"
            guard vitals.runsWithoutWake == 0 else {
                return Finding(
                    check: "store", state: .bad,
                    says: "\(vitals.runsWithoutWake) live runs have nothing that wakes them; \(says)")
            }
            if let shortage = vitals.shortage {
                return Finding(check: "store", state: .bad, says: "\(shortage); \(says)")
            }
            return Finding(check: "store", state: .ok, says: says)
        } catch {
            let isNew = !FileManager.default.fileExists(atPath: settings.statePath + "/cordon.db")
            return Finding(
                check: "store", state: isNew ? .note : .bad,
                says: isNew ? "not made yet; a first start makes it" : "\(error)")
        }
    }

    /// Whether every live run can be read: one that can't is moved by nobody, and stops no other.
    private func checkRuns(_ settings: Settings) async -> [Finding] {
        guard let store = try? SQLiteStore(.readOnly(settings.statePath)) else { return [] }
        var query = RunQuery()
        query.onlyLive = true
        query.limit = 500
        var broken: [(RunID, UnreadableRecord)] = []
        var found = 0
        do {
            var hasMore = true
            while hasMore {
                let page = try await store.runs(query)
                found += page.count
                broken += page.compactMap { record in record.mistake.map { (record.id, $0) } }
                hasMore = page.count == query.limit
                query.beyond = page.last?.id
            }
        } catch {
            await store.close()
            return [Finding(check: "runs", state: .bad, says: "\(error)")]
        }
        await store.close()
        guard let (id, mistake) = broken.first else {
            return [Finding(check: "runs", state: .ok, says: "all \(found) live runs can be read")]
        }
        let says = "\(broken.count) of \(found) live runs can't be read, and nobody moves them; \(id): \(mistake)"
        return [Finding(check: "runs", state: .bad, says: says)]
    }

    /// Whether what is there is signed, and still begins with what was signed. `audit verify` looks at all of it.
    private func checkLog(_ settings: Settings) async -> Finding {
        do {
            guard FileManager.default.fileExists(atPath: settings.statePath + "/cordon.db") else {
                return Finding(check: "signed log", state: .note, says: "not made yet; a first start makes it")
            }
            let store = try SQLiteStore(.readOnly(settings.statePath))
            let finding = try await checkLog(settings, store)
            await store.close()
            return finding
        } catch {
            return Finding(check: "signed log", state: .bad, says: "\(error)")
        }
    }

    private func checkLog(_ settings: Settings, _ store: SQLiteStore) async throws -> Finding {
        var book = LogBook()
        try await book.read(store)
        if let fork = book.fork {
            return Finding(
                check: "signed log", state: .bad,
                says: "forked, nothing is signed since \(fork.at): \(fork.says); restore the newer state, or see "
                    + "'cordon audit reopen'")
        }
        let keys = try settings.signingKeys.load()
        let folder = LogFolder(settings.state.logPath)
        guard let note = try folder.published() else {
            let isNew = book.origin == nil
            return Finding(
                check: "signed log", state: isNew ? .note : .bad,
                says: isNew ? "nothing is signed yet; a first start signs" : "it is gone, the history tells of one")
        }
        guard !keys.isEmpty else {
            return Finding(
                check: "signed log", state: .bad,
                says:
                    "no key signs it: \(settings.signingKeys.folder) holds none; restore log-1 from your backup of keys"
            )
        }
        let checkpoint = try OpenedCheckpoint(note, logKeys: keys.map(\.verifier) + folder.keys()).checkpoint
        let entries = try await store.vitals().entries
        guard checkpoint.size <= UInt64(entries) else {
            return Finding(
                check: "signed log", state: .bad,
                says: "\(checkpoint.size) entries were signed, \(entries) are there: an older state was restored")
        }
        return Finding(
            check: "signed log", state: .ok,
            says: "\(checkpoint.origin), \(checkpoint.size) of \(entries) entries signed, \(keys.count) "
                + "key\(keys.count == 1 ? "" : "s")")
    }

    /// How far those that cosign have come, as the log's folder tells: nobody is asked.
    private func checkWitnesses(_ settings: Settings) -> [Finding] {
        do {
            guard let policy = try settings.witnessPolicy()?.policy else { return [] }
            let folder = LogFolder(settings.state.logPath)
            guard let published = try folder.published() else { return [] }
            let size = try Checkpoint(parsing: Note(parsing: published).text).size
            guard let note = try folder.witnessed() else {
                return [Finding(check: "witnesses", state: .bad, says: "no quorum of them ever cosigned this log")]
            }
            let witnessed = try Note(parsing: note)
            let signers = try witnessed.verify(with: policy.witnessKeys)
            let seen = try Checkpoint(parsing: witnessed.text).size
            let says = "\(signers.count) of \(policy.witnesses.count) cosigned \(seen) of \(size) signed entries"
            // Those that are stored since the last second may be under way.
            return [Finding(check: "witnesses", state: seen == size ? .ok : .note, says: says)]
        } catch {
            return [Finding(check: "witnesses", state: .bad, says: "\(error)")]
        }
    }

    private func checkServer(_ settings: Settings) async -> Finding {
        do {
            guard let client = try await Client.find(settings) else {
                return Finding(check: "server", state: .note, says: "none runs on this state folder")
            }
            return Finding(check: "server", state: .ok, says: client.base)
        } catch {
            return Finding(check: "server", state: .bad, says: "\(error)")
        }
    }
}
