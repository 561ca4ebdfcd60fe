// SPDX-License-Identifier: Apache-2.0

import CordonLanguage
import Foundation
import TestKit

/// An installation that remedies identities of one provider, each by a workflow of its own: an alert names the identity
/// by its secret's type.
struct Remedy {
    struct Identity {
        var id: String
        var kind = "service_account"
        var attributes: Value
        var secrets: [String: String] = [:]
        var workflow: String
        /// What the workflow is handed beside the subject.
        var input = "account"
        var with: [String: String] = [:]
    }

    var connector: String
    var settings: [String: String]
    var secrets: [String: String]
    var identities: [Identity]
    /// Further entries under `providers`, with the same secrets.
    var furtherProviders: [String: (connector: String, settings: [String: String])] = [:]
    /// The only authority that these trust.
    var authorityPath: String?
    /// Workflows of the test's own, by name, beside those that ship.
    var workflows: [String: String] = [:]
    /// Connectors of the test's own, by name.
    var connectors: [String: String] = [:]

    func installation() throws -> Installation {
        let installation = try Installation.alone()
        let scratch = installation.scratch
        for (name, text) in secrets { try secret(text, "provider-\(name)", scratch) }
        try scratch.write(connections, to: "connections.yaml")
        var inventory = "identities:\n"
        for identity in identities {
            for (name, text) in identity.secrets { try secret(text, "\(identity.id)-\(name)", scratch) }
            inventory += listed(identity)
            try scratch.write(playbook(identity), to: "playbooks/\(identity.id).yaml")
        }
        try scratch.write(inventory, to: "identities.yaml")
        if !workflows.isEmpty {
            for name in ["suspend-account", "step-up"] {
                let shipped = try String(
                    contentsOfFile: PythonServers.root + "/workflows/\(name).yaml", encoding: .utf8)
                try scratch.write(shipped, to: "workflows/\(name).yaml")
            }
            for (name, text) in workflows { try scratch.write(text, to: "workflows/\(name).yaml") }
        }
        if !connectors.isEmpty {
            let shipped = try String(
                contentsOfFile: PythonServers.root + "/workflows/connectors/github.yaml", encoding: .utf8)
            try scratch.write(shipped, to: "workflows/connectors/github.yaml")
            for (name, text) in connectors { try scratch.write(text, to: "workflows/connectors/\(name).yaml") }
        }
        return installation
    }

    private func secret(_ text: String, _ name: String, _ scratch: ScratchFolder) throws {
        let path = try scratch.write(text, to: name)
        try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: path)
    }

    private var connections: String {
        let settings: Value = .object(self.settings.mapValues(Value.string))
        let references = secrets.keys.sorted().map { "\($0): { file: provider-\($0) }" }.joined(separator: ", ")
        return """
            sources:
              - { id: github, connector: github, secrets: [{ file: hook-secret }] }
            providers:
              - id: idp
                connector: \(connector)
                settings: \(settings.json)
                secrets: { \(references) }
                egress: { plain_http: true, loopback: true }

            """
                + furtherProviders.sorted { $0.key < $1.key }.map { id, provider in
                    """
                      - id: \(id)
                        connector: \(provider.connector)
                        settings: \(Value.object(provider.settings.mapValues(Value.string)).json)
                        secrets: { \(references) }
                        egress: { plain_http: true, loopback: true }
                    \(authorityPath.map { "    authority: { file: \($0) }" } ?? "")

                    """
                }.joined()
    }

    private func listed(_ identity: Identity) -> String {
        let references = identity.secrets.keys.sorted().map { "\($0): { file: \(identity.id)-\($0) }" }
        return """
              - id: \(identity.id)
                kind: \(identity.kind)
                provider: idp
                owner: team/tests
                matches: { secret_type: \(identity.id) }
                attributes: \(identity.attributes.json)
                secrets: { \(references.joined(separator: ", ")) }

            """
    }

    private func playbook(_ identity: Identity) -> String {
        let with = identity.with.sorted { $0.key < $1.key }.map { ", \($0.key): \($0.value)" }.joined()
        return """
            playbook: \(identity.id)
            title: What is done about \(identity.id)
            owner: team/tests
            mode: enforce
            trigger:
              signal: secret.exposed
              when: signal.validity == "active" && signal.secret_type == "\(identity.id)"
              on_undecided: ask
              subject: { kind: \(identity.kind), from: signal.credential }
            run:
              workflow: \(identity.workflow)
              with: { \(identity.input): "${subject}"\(with) }
            maps: { owasp_nhi: [NHI2] }

            """
    }
}

/// A remedy whose Cordon is served: accuse an identity, and watch its run.
struct Ward {
    let installation: Installation
    private(set) var serving: Installation.Serving
    private let token: String

    init(_ remedy: Remedy) async throws { try await self.init(serving: try remedy.installation()) }

    init(serving installation: Installation) async throws {
        self.installation = installation
        serving = try await installation.serve()
        token = try installation.firstToken
    }

    func stop() { serving.program.kill() }

    /// Killed as the system would, and started again.
    mutating func killAndServe() async throws {
        serving.program.kill()
        try await serving.program.waitForExit()
        serving = try await installation.serve()
    }

    /// Lets an alert about this identity come in.
    func accuse(_ id: String, number: Int = 1) async throws {
        let body = Installation.alert(number: number).replacingOccurrences(of: "example_api_token", with: id)
        let answer = try await serving.post(body, delivery: "\(id)-\(number)")
        guard answer.status == 202 else { throw Web.NoAnswer(reason: "the alert was answered with \(answer.status)") }
    }

    /// A command about the identity's run, which must go well.
    func command(_ words: String..., about id: String, then more: [String] = [], because reason: String) async throws {
        let run = try await run(about: id)?["id"]?.stringValue ?? ""
        let ended = try await installation.finish(["run"] + words + [run] + more + ["--reason", reason])
        guard ended.end == .exited(0) else { throw Web.NoAnswer(reason: "\(words) \(more): \(ended.error)") }
    }

    /// A person's answer to what a step asks, as it was shown.
    func answer(_ step: String, _ choice: String, by token: String, _ run: Value) async throws {
        let shown = run.step(step)?["question"]?["shown"]?.stringValue ?? "nothing"
        let words = ["run", "answer", run["id"]?.stringValue ?? "", step, choice, "--shown", shown]
        let ended = try await installation.finish(words + ["--reason", "looked at it"], token: token)
        guard ended.end == .exited(0) else { throw Web.NoAnswer(reason: "\(step) \(choice): \(ended.error)") }
    }

    /// The kinds of a run's lines in the history.
    func kinds(_ run: Value) async throws -> [String] {
        let path = "/api/v1/runs/\(run["id"]?.stringValue ?? "")/history"
        let entries = try await serving.get(path, token: token).json["entries"]?.arrayValue ?? []
        return entries.compactMap { $0.at("entry", "type")?.stringValue }
    }

    /// The last run about this identity as it is shown.
    func run(about id: String) async throws -> Value? {
        let listed = try await serving.get("/api/v1/runs?limit=500", token: token).json["runs"]?.arrayValue ?? []
        let own = listed.filter { $0["subject"]?.stringValue?.hasSuffix(":\(id)") == true }
        let last = own.max { ($0["opened_at"]?.stringValue ?? "") < ($1["opened_at"]?.stringValue ?? "") }
        guard let run = last?["id"]?.stringValue else { return nil }
        return try await serving.get("/api/v1/runs/\(run)", token: token).json
    }

    /// The run about this identity, once it looks as described.
    @discardableResult
    func run(
        about id: String, once what: String, seconds: Double = 30, _ holds: (Value) -> Bool
    ) async throws -> Value {
        var last: Value?
        do {
            try await eventually("the run about \(id) \(what)", seconds: seconds) {
                last = try await run(about: id)
                return last.map(holds) ?? false
            }
        } catch {
            throw Web.NoAnswer(
                reason: "\(error); it was: \(last?["why"]?.json ?? "none") \(last?.json.suffix(3000) ?? "")")
        }
        return last ?? .null
    }

    /// The files below the state folder that hold any of these.
    func leaked(_ secrets: [String]) -> [String] {
        let folder = installation.scratch.path + "/state"
        guard let walker = FileManager.default.enumerator(atPath: folder) else { return ["no state folder"] }
        var found: [String] = []
        for case let name as String in walker {
            guard let contents = FileManager.default.contents(atPath: folder + "/" + name) else { continue }
            for secret in secrets where contents.range(of: Data(secret.utf8)) != nil { found.append(name) }
        }
        return found
    }
}

extension Value {
    /// The step of this id in a run as it is shown.
    func step(_ id: String) -> Value? { self["steps"]?.arrayValue?.first { $0["id"]?.stringValue == id } }

    /// `purpose outcome` of each call of a step, in order.
    var calls: [String] {
        (self["calls"]?.arrayValue ?? []).map {
            "\($0["purpose"]?.stringValue ?? "?") \($0["outcome"]?["kind"]?.stringValue ?? "open")"
        }
    }
}
