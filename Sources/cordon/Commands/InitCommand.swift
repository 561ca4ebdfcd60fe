// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import CordonEngine
import CordonEvidence
import CordonLanguage
import CordonServer
import CordonStore
import Foundation

struct InitCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "init",
        abstract: "Make the settings, the keys and the first token of a new installation.",
        discussion: """
            Writes cordon.yaml, connections.yaml and identities.yaml into FOLDER, where they are missing, makes the \
            state folder with its keys, a secret for GitHub's webhook, and an administrator's token. Nothing that \
            exists is changed.

            EXAMPLES
              cordon init
              cordon init /etc/cordon --state /var/lib/cordon
            """)

    @Argument(help: "Where the settings go.")
    var folder = "."

    @Option(name: .long, help: "The state folder, written into the settings.")
    var state: String?

    func run() async throws {
        let here = FileManager.default.currentDirectoryPath
        let folder = absolute(self.folder, in: here)
        try make(folder: folder)
        let statePath = state.map { absolute($0, in: here) } ?? folder + "/state"
        try writeNew("cordon.yaml", in: folder, Templates.settings(state: state == nil ? "state" : statePath))
        let settings = try await Settings.read(file: folder + "/cordon.yaml", flags: [:])
        guard state == nil || settings.statePath == statePath else {
            throw CommandFailure(
                .conflict,
                "\(display(folder + "/cordon.yaml")) says state: \(settings.statePath); change it there, or leave out --state"
            )
        }
        try settings.state.make()
        let secret = settings.statePath + "/github-webhook"
        try writeNew("connections.yaml", in: folder, Templates.connections(secret: relative(secret, to: folder)))
        try writeNew("identities.yaml", in: folder, Templates.identities)
        try makeSecret(secret, in: settings.state)
        _ = try settings.state.key("seal")
        try makeSigningKey(settings)
        let isNew = try await FirstToken.make(settings)
        Output.line(
            isNew ? "made    \(settings.state.tokenPath) (administrator)" : "kept    \(settings.state.tokenPath)")
        Output.line(
            """

            GitHub: add a webhook for «Secret scanning alerts» to URL http(s)://YOUR-HOST/hooks/github, content type
            application/json, with the secret in \(display(secret)).
            Next: list what alerts may name in \(display(folder + "/identities.yaml")), then: cordon serve
            """)
    }

    /// The key that signs the log. What an auditor is told is its public half.
    private func makeSigningKey(_ settings: Settings) throws {
        let keys = settings.signingKeys
        if let key = try keys.load().last?.verifier { return Output.line("kept    the log's key \(key.text)") }
        let made = try keys.make(origin: settings.auditOrigin ?? SigningKeys.newOrigin())
        Output.line("made    \(display(made.path)) (signs the log; its public key for auditors: \(made.key.text))")
    }

    private func make(folder: String) throws {
        do {
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        } catch {
            throw CommandFailure(.failed, "could not make the folder \(folder): \(error.localizedDescription)")
        }
    }

    private func writeNew(_ name: String, in folder: String, _ text: String) throws {
        let path = folder + "/" + name
        guard !FileManager.default.fileExists(atPath: path) else { return Output.line("kept    \(display(path))") }
        do { try Data(text.utf8).write(to: URL(filePath: path), options: .withoutOverwriting) } catch {
            throw CommandFailure(.failed, "could not write \(path): \(error.localizedDescription)")
        }
        Output.line("made    \(display(path))")
    }

    private func makeSecret(_ path: String, in state: StateFolder) throws {
        guard !FileManager.default.fileExists(atPath: path) else { return Output.line("kept    \(display(path))") }
        try state.writePrivate(Array(randomHex(32).utf8), to: path)
        Output.line("made    \(display(path)) (GitHub's webhook secret)")
    }

    /// The path as the settings file should say it: relative when it lies below the folder.
    private func relative(_ path: String, to folder: String) -> String {
        path.hasPrefix(folder + "/") ? String(path.dropFirst(folder.count + 1)) : path
    }
}

func randomHex(_ count: Int) -> String {
    var random = SystemRandomNumberGenerator()
    let digits = Array("0123456789abcdef")
    return String((0..<count * 2).map { _ in digits[Int.random(in: 0..<16, using: &random)] })
}

/// What `cordon init` writes.
enum Templates {
    static func settings(state: String) -> String {
        """
        # Cordon's settings. Each may also be given as a variable (CORDON_LISTEN_PORT) or a flag (--port), in that order.
        listen:
          address: 127.0.0.1
          port: 8787
        # Everything that changes: database, evidence, keys.
        state: \(Value.string(state).json)
        # The folder with playbooks/ and workflows/. A file there takes the place of the binary's own of that name.
        library: .
        # The playbooks that came with the program: beside those in playbooks/, or none ('cordon playbook list').
        shipped_playbooks: beside
        connections: connections.yaml
        identities: identities.yaml
        # What no playbook may go beyond; where the file is missing, standard guards stand ('cordon guard list').
        guards: guards.yaml
        log:
          level: info      # trace, debug, info, notice, warning, error, critical
          format: text     # text or json
        # How people's browsers reach this installation: then what they are told holds links by which they answer.
        # public_url: https://cordon.example.com
        # The signed log of the history. `keys`: the folder of the keys that sign it (files log-1, log-2 …, mode 0600).
        # `origin`: the log's name, fixed once its first key is made.
        # audit:
        #   keys: state/keys
        #   origin: example.com/cordon
        # `witnesses`: a policy file (C2SP tlog-policy) that names who cosigns the log; see 'cordon witness --help'.
        #   witnesses: witnesses.txt
        # How long bodies of alerts and evidence of ended runs are kept; for ever where nothing stands here.
        # retention:
        #   alert_bodies: 400d
        #   evidence: 400d
        # Evidence is sealed on the disk with the key of that label; make one with 'cordon evidence-key new LABEL'.
        # evidence:
        #   seal_with: acme-2026
        # Who is asked for the time of the log's checkpoints (RFC 3161; several addresses with spaces between them), whose
        # word counts (PEM), and how often.
        # timestamps:
        #   url: https://tsa.example.com
        #   ca: tsa-roots.pem
        #   every: 24h

        """
    }

    static func connections(secret: String) -> String {
        """
        # Which sources may post alerts, and which providers Cordon may call. Secrets are referred to, never written here:
        # { file: PATH } (only its owner may read it), { env: NAME } or { credential: NAME } (of systemd).
        sources:
          - id: github                # POST /hooks/github
            connector: github
            secrets: [{ file: \(Value.string(secret).json) }]
        providers: []
        #  - id: login                # as identities.yaml names it
        #    connector: oauth2
        #    settings:
        #      introspection_endpoint: https://login.example.com/oauth2/introspect
        #      revocation_endpoint: https://login.example.com/oauth2/revoke
        #      client_id: cordon
        #    secrets: { client_secret: { env: LOGIN_CLIENT_SECRET } }
        #    egress: { plain_http: false, loopback: false, networks: [] }
        # Who is told what runs ask of people, and what went wrong. All routes that fit apply; many notices of one topic
        # are one message. `people`: by which names and groups they answer; links go to those who may. Try a channel with
        # 'cordon notification test ID'.
        # notifications:
        #   channels:
        #     - id: chat                # what Slack's incoming webhooks take; the address is a secret
        #       webhook: { url: { file: secrets/chat-url } }
        #     - id: mail
        #       smtp:
        #         url: "smtp://mail.example.com:587"    # STARTTLS, or smtps://
        #         from: cordon@example.com
        #         user: cordon
        #         password: { file: secrets/smtp-password }
        #       people: [{ name: ann, groups: [approver], address: ann@example.com }]
        #     - id: pager
        #       pagerduty: { routing_key: { file: secrets/pagerduty-key } }
        #   routes:
        #     - { to: [pager], severity: high, kinds: [proposal, approval, doubt, conflict, surge, breaker] }
        #     - { to: [mail], groups: [approver] }      # also: owners, playbooks
        #     - { to: [chat] }
        # Who is told of agent sessions by signed security events (OpenID CAEP): each is pushed to its receiver (RFC 8935)
        # or asked for by it (RFC 8936), until it is acknowledged. See 'cordon stream --help'.
        # transmitter:
        #   issuer: https://cordon.example.com          # how receivers reach this installation
        #   streams:
        #     - id: gateway
        #       audience: https://gateway.example.com
        #       push: https://gateway.example.com/events
        #       token: { file: secrets/gateway-token }    # presented as a bearer
        #     - id: partner
        #       audience: https://partner.example.org
        #       events: [session-revoked, session-established]
        #       poll: true
        #       token: { file: secrets/partner-token }    # which the receiver presents

        """
    }

    static let identities = """
        # What alerts may name. An alert acts on an identity only when every field of `matches` equals the alert's and no
        # other identity matches too.
        identities: []
        #  - id: billing-ci-token
        #    kind: credential         # service_account, credential, workload or agent_session
        #    provider: login
        #    owner: team/billing
        #    tags: []
        #    consumers: [nightly-export]                   # who lives by it: shown to whoever decides
        #    baseline: reads invoices on weekdays          # what it does on an ordinary day: the same
        #    matches: { issuer: github, repository: example/billing, secret_type: example_api_token }
        #    secrets: { token: { file: secrets/billing-ci-token } }

        """
}
