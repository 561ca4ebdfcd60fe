// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import CordonConnectors
import CordonCore
import CordonLanguage
import Foundation

struct SchemaCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "schema",
        abstract: "Print the JSON Schema of a kind of file, for an editor.",
        discussion: """
            An editor with a YAML language server then completes the fields and underlines the misspelt ones. It knows \
            the form alone: 'cordon playbook check' also knows whether names, types and expressions go together.

            EXAMPLES
              cordon schema playbook > playbook.schema.json
              cordon schema workflow > workflow.schema.json
              echo '# yaml-language-server: $schema=../playbook.schema.json'    the first line of a playbook
            """)

    @Argument(
        help: ArgumentHelp("playbook, test, workflow, connector, connections, identities or guards.", valueName: "kind")
    )
    var kind: DefinitionSchema

    func run() { Output.line(kind.value.prettyJSON) }
}

/// A kind of file and the schema of it, made of what the loaders themselves ask of the files that ship and of examples.
enum DefinitionSchema: String, Sendable, CaseIterable, ExpressibleByArgument {
    case playbook, test, workflow, connector, connections, identities, guards

    var value: Value {
        let (schema, definitions) = schema
        guard case .object(var members) = schema.value else { return .null }
        members["$schema"] = "https://json-schema.org/draft/2020-12/schema"
        members["title"] = .string(title)
        if !definitions.isEmpty { members["$defs"] = .object(definitions.mapValues(\.value)) }
        return .object(members)
    }

    private var title: String {
        switch self {
        case .playbook: "A playbook of Cordon: when, about whom, how far"
        case .test: "A test of a playbook of Cordon: what becomes of alerts, case by case"
        case .workflow: "A workflow of Cordon: the steps"
        case .connector: "A connector of Cordon: how a foreign system is heard and asked"
        case .connections: "connections.yaml of Cordon: who may send alerts, and who is asked"
        case .identities: "identities.yaml of Cordon: whom alerts may mean"
        case .guards: "guards.yaml of Cordon: what no playbook may go beyond"
        }
    }

    private var schema: (FileSchema, definitions: [String: FileSchema]) {
        let shapes = YAMLShapes()
        YAMLShapes.$recording.withValue(shapes, operation: read)
        switch self {
        case .playbook:
            let kinds = SignalKind.all.map(\.name)
            return (Self.protecting(shapes.schema.choosing("signal", .words(kinds), beside: ["subject"])), [:])
        case .workflow:
            let (schema, step) = shapes.schema.choosing("do", .words(Capability.all.map(\.name)), beside: ["with"])
                .naming("step", having: ["id", "do"])
            return (schema, ["step": step])
        case .connections: return (shapes.schema.choosing("settings", .open(.text), beside: ["connector"]), [:])
        // A body is whatever its provider reads.
        case .connector: return (shapes.schema.choosing("json", .any, beside: ["method", "to"]), [:])
        case .identities: return (shapes.schema, [:])
        case .guards: return (Self.protecting(shapes.schema), [:])
        // What a provider answers, and what an inventory knows, is of any shape.
        case .test:
            let fates = FileSchema.words(PlaybookTest.Fake.Fate.allCases.map(\.rawValue))
            let failing = ["fails", "reads_fail", "undo_fails"].reduce(shapes.schema) {
                $0.choosing($1, .either([fates, .list(fates)]), beside: ["drift", "ok"])
            }
            let faked = ["before", "after", "answer"].reduce(failing) {
                $0.choosing($1, .any, beside: ["drift", "ok"])
            }
            return (
                faked.choosing("answers", .list(.any), beside: ["drift"]).choosing("to", .any, beside: ["at"])
                    .choosing("subject", .any, beside: ["inventory"])
                    .choosing("signal", .open(.any), beside: ["alert", "expect"])
                    .choosing("with", .open(.any), beside: ["alert", "expect"]), [:]
            )
        }
    }

    /// An entry of a list of protected identities is a text, or a map that says until when.
    private static func protecting(_ schema: FileSchema) -> FileSchema {
        let entries = FileSchema.list(.either([.text, .open(.any)]))
        return schema.choosing("deny", entries, beside: ["ask"]).choosing("ask", entries, beside: ["deny"])
    }

    /// Has the loaders read files in which every part stands at least once. What else they think of these is no matter.
    private func read() {
        switch self {
        case .playbook:
            let text = DiagnosticExample.goodPlaybook + Self.everyGuardOfPlaybooks
            for file in files("playbooks", text) {
                _ = Playbook.load(file.bytes, file: file.path, digest: "", workflows: [])
            }
        case .test:
            for text in [DiagnosticExample.goodTest, Self.everyCase] { _ = DiagnosticExample.readTest(text) }
        case .workflow:
            let all = files("workflows", DiagnosticExample.goodWorkflow)
            for file in all + [Shelf.File(path: "workflows/complete.yaml", bytes: Array(Self.everyStep.utf8))] {
                _ = Workflow.load(file.bytes, file: file.path, digest: "")
            }
        case .connector:
            let complete = Shelf.File(path: "connectors/complete.yaml", bytes: Array(Self.undoable.utf8))
            let schemes = Self.schemes.map {
                Shelf.File(path: "connectors/scheme.yaml", bytes: Array((Self.anySource + $0 + "\n").utf8))
            }
            let ways = Shelf.File(path: "connectors/ways.yaml", bytes: Array(Self.ways.utf8))
            for file in Shelf.shipped("workflows/connectors") + [complete, ways] + schemes {
                _ = Connector.load(file.bytes, file: file.path, digest: "")
            }
        case .connections:
            let connectors = YAMLShapes.$recording.withValue(nil, operation: Self.shippedConnectors)
            _ = Connections.load(Array(Self.goodConnections.utf8), file: "connections.yaml", connectors: connectors)
        case .identities:
            _ = Inventory.load(Array(DiagnosticExample.goodInventory.utf8), file: "identities.yaml", digest: "")
        case .guards: _ = GuardPolicy.load(Array(Self.everyGuard.utf8), file: "guards.yaml")
        }
    }

    private static func shippedConnectors() -> [String: Connector] {
        let all = Shelf.shipped("workflows/connectors").compactMap {
            try? Connector.load($0.bytes, file: $0.path, digest: "").get()
        }
        return Dictionary(all.map { ($0.name, $0) }) { first, _ in first }
    }

    private func files(_ folder: String, _ example: String) -> [Shelf.File] {
        Shelf.shipped(folder) + [Shelf.File(path: "\(folder)/example.yaml", bytes: Array(example.utf8))]
    }

    private static let everyGuardOfPlaybooks = """
        guards:
          confidence: { min: 0.95, below: propose }
          risk: { add: 20, half_life: 24h, act_at: 80 }
          protected: { deny: [tag/break-glass], ask: [tag/tier0] }
          limits: { per_run: 1, per_hour: 20, share: 3%, over: propose }
          surge: { factor: 8, window: 30m, cap: 20, then: propose }
          require: [{ that: subject.owner.known, else: propose }]

        """

    private static let everyGuard = """
        confidence: { min: 0.8 }
        protected: { deny: [tag/break-glass], ask: [tag/tier0] }
        limits: { per_run: 50, per_playbook: 20, per_provider: 40, per_owner: 20, per_hour: 80, share: 10%, over: propose }
        surge: { factor: 8, window: 30m, cap: 20, then: propose }
        drift: { times: 3, window: 24h }
        breaker: { last: 20, share: 30%, at_least: 5 }
        ladder:
          shadow: { days: 14, signals: 30 }
          propose: { decided: 20, accepted: 95%, none_wrong_of: 50 }
        freeze: [{ name: weekend, days: [sat, sun], from: "00:00", until: "24:00" }]
        maintenance: [{ name: rotation, from: a, until: b, signals: [secret.exposed], of: [tag/ci] }]

        """

    /// Every kind of step and every modifier once.
    private static let everyStep = """
        workflow: complete
        title: Every kind of step
        inputs:
          credential: { type: credential }
          where: { type: connection }
          hold: { type: duration, default: 72h, max: 168h }
        steps:
          - id: tell
            do: notify
            at: chat
            with: { subject: "${inputs.credential.id}", text: hello }
            undo: none
            because: it is told
          - id: cut
            do: credential.disable
            with: { credential: "${inputs.credential.id}" }
            each: { in: "['a']", as: c, max: 5, parallel: 2 }
            retry: { attempts: 3, first: 1s }
            verify: after.active == false
            hold: { for: 4h, then: undo, unless: "false" }
            approve: { by: ann, within: 4h, on_timeout: keep, exclude: [bob], escalate: { after: 1h, to: bob } }
            on_error: undo
            on_unknown: ask
          - id: more
            call: other
            with: { credential: "${inputs.credential}" }
          - id: judged
            task:
              by: ann
              ask: Was it you
              choices: [own, foreign]
              within: 4h
              on_timeout: keep
              escalate: { after: 1h, to: bob }
          - id: asked
            approve: { by: ann, within: 4h, on_timeout: keep }
          - id: short
            wait: 10m
          - id: calm
            wait:
              measure: { do: evidence.capture, at: gateway, with: { of: "${inputs.credential.id}" } }
              until: result.uses == 0
              every: 1m
              for: 30m
              on_timeout: continue
          - id: both
            parallel:
              - name: one
                steps: [{ id: inner, wait: 1m }]
          - id: up
            ladder:
              measure: { do: evidence.capture, with: { of: "${inputs.credential.id}" } }
              until: result.uses == 0
              rungs:
                - name: one
                  steps: [{ id: rung, wait: 1m }]
          - id: back
            undo: [cut]

        """

    /// Everything that a case can say once.
    private static let everyCase = """
        test: example
        from: { connector: example, headers: { x-event: leak } }
        cases:
          - name: everything
            mode: propose
            from: { connector: example, headers: { x-event: leak } }
            alert: fixtures/leak.json
            repeat: 3
            over: 5m
            varied: alert.repository
            state:
              provider: example
              subject: unknown
              inventory: { credential: 40 }
              connections: { chat: example }
              guards: { touched: 3, matched: 3, risk: 3, put_back: 3, frozen: true }
            with: { state.inventory.credential: 3 }
            fake:
              tokens.revoke:
                ok: true
                before: { active: true }
                after: { active: false }
                answer: { active: true }
                answers: [{ active: true }]
                fails: refused
                reads_fail: [later]
                undo_fails: [unknown]
                takes: 2s
                drift: { at: +5m, to: { active: true } }
              task.check: { answer: intended, at: +20m, by: ann }
            people: [{ do: retry, at: +5m, step: revoke, took_effect: true, force: true, by: ann }]
            crash: { step: revoke, when: after }
            expect:
              verdict: propose
              because: mode
              calls: [tokens.revoke]
              not_called: [tokens.revoke]
              requests: { tokens.revoke: 2 }
              contained_within: 60s
              end: completed
              asked: [undecided]
              runs: 1
              steps: { revoke: finished }
          - name: like the first
            like: everything
            signal: { severity: high }
            fake:
              tokens.revoke: { fails: [refused], reads_fail: later, undo_fails: unknown }
              task.check: [{ answer: intended, at: +20m, by: ann }]
            expect: { because: [mode, condition] }

        """

    /// A provider with every way to ask, and capabilities with each of their exchanges.
    private static let undoable = """
        connector: complete
        title: A provider that can give back what it took
        vendor: https://example.org
        source:
          authentication:
            scheme: hmac-sha256
            header: X-Signature
            encoding: hex
            separator: ","
            signed: [timestamp, body]
            key: [secret]
            timestamp: { header: X-Timestamp, within: 5m }
          signals: []
        provider:
          settings: { url: { type: url }, client: { type: string } }
          secrets: [password]
          subject_secrets: [held]
          lacks: { already: "a" }
          format: { body: json, lists: [], repeated: [] }
          client_certificate: { certificate: password, key: password }
          rates: { remaining: x-left, reset: x-reset, reset_as: epoch }
          authentication:
            scheme: token
            sign_in:
              client: { user: client, password: password }
              request: { method: POST, to: url, query: { a: b }, headers: { x-a: b }, form: { a: b },
                anonymous: true, jwt: { header: { x: a }, claims: { iss: a } } }
              answers: { done: [200], rules: [{ status: [400], that: "true", means: later }] }
              token: "${body.token}"
          reconcile:
            order: oldest_first
            kept: 3d
            list:
              request: { method: GET, to: url, query: { a: b }, headers: { x-a: b },
                anonymous: true, jwt: { header: { x: a }, claims: { iss: a } } }
              answers: { done: [200], rules: [{ status: [400], that: "true", means: later }] }
              pages: { items: "${body}", next: link }
              pick: { from: users, equal: { id: 7 } }
              keep: { items: "${body}", next: "${body}" }
            item:
              request: { method: GET, to: url, query: { a: b }, headers: { x-a: b },
                anonymous: true, jwt: { header: { x: a }, claims: { iss: a } } }
              answers: { done: [200], rules: [{ status: [400], that: "true", means: later }] }
              pages: { items: "${body}", next: link }
              pick: { from: users, equal: { id: 7 } }
              keep: { headers: "${body}", body: "${body}" }
          lookups:
            login:
              subject: service_account
              when: has(named.login)
              via:
                - request: { method: GET, to: url, query: { a: b }, headers: { x-a: b },
                    anonymous: true, jwt: { header: { x: a }, claims: { iss: a } } }
                  answers: { done: [200], rules: [{ status: [400], that: "true", means: later }] }
                  pages: { items: "${body}", next: link }
                  pick: { from: users, equal: { id: 7 } }
                  keep: { items: "${body}", next: "${body}" }
              request: { method: GET, to: url, query: { a: b }, headers: { x-a: b },
                anonymous: true, jwt: { header: { x: a }, claims: { iss: a } } }
              answers: { done: [200], rules: [{ status: [400], that: "true", means: later }] }
              pages: { items: "${body}", next: link }
              pick: { from: users, equal: { id: 7 } }
              keep: { id: "${body.id}", handles: '${{"user_id": body.id}}' }
          capabilities:
            evidence.capture:
              class: read
              request: { method: GET, to: url, query: { a: b }, headers: { x-a: b },
                anonymous: true, jwt: { header: { x: a }, claims: { iss: a } } }
              answers: { done: [200], rules: [{ status: [400], that: "true", means: later }] }
              pages: { items: "${body}", next: link }
              pick: { from: users, equal: { id: 7 } }
              keep: [id]
            account.suspend:
              class: convergent
              request: { method: POST, to: url, path: /suspend, query: { a: b }, headers: { x-a: b },
                anonymous: true, jwt: { header: { x: a }, claims: { iss: a } } }
              answers: { done: [200], rules: [{ status: [400], that: "true", means: later }] }
              keep: { id: "${body.id}" }
              state:
                request: { method: GET, to: url, query: { a: b }, headers: { x-a: b },
                  anonymous: true, jwt: { header: { x: a }, claims: { iss: a } } }
                answers: { done: [200], rules: [{ status: [400], that: "true", means: later }] }
                pages: { items: "${body}", next: link }
                pick: { from: users, equal: { id: 7 } }
                keep: [suspended, version]
                etag: version
                secret: [suspended]
              probe: after.suspended
              lag: 1m
              verify:
                request: { method: GET, to: url, query: { a: "${secret.held}" }, headers: { x-a: b },
                  anonymous: true, jwt: { header: { x: a }, claims: { iss: a } } }
                answers: { done: [200], rules: [{ status: [400], that: "true", means: later }] }
                pages: { items: "${body}", next: link }
                pick: { from: users, equal: { id: 7 } }
                keep: [worked]
                works: seen.worked
                expects: refused
              undo:
                request: { method: POST, to: url, path: /restore, query: { a: b }, headers: { x-a: "${with.live.version}" },
                  anonymous: true, jwt: { header: { x: a }, claims: { iss: a } } }
                answers: { done: [200], conflict: [412], rules: [{ status: [400], that: "true", means: later }] }
                keep: { id: "${body.id}" }

        """

    /// Ways to sign in of which each connection takes one, with all that can be said of them.
    private static let ways = """
        connector: ways
        title: A provider that is signed in to in several ways
        vendor: https://example.org
        provider:
          settings: { url: { type: url }, client: { type: string } }
          secrets: [password, key]
          authentication:
            - scheme: assertion
              jwt: { algorithm: RS256, key: key, header: { x: a }, claims: { iss: a } }
            - scheme: token
              sign_in:
                client: { user: client, password: password }
                request: { method: POST, to: url, query: { a: b }, headers: { x-a: b }, form: { a: b },
                  anonymous: true, jwt: { header: { x: a }, claims: { iss: a } } }
                answers: { done: [200], rules: [{ status: [400], that: "true", means: later }] }
                token: "${body.token}"

        """

    /// Every scheme by which a source's deliveries may be authenticated, with all that can be said of it.
    private static let schemes = [
        """
        { scheme: hmac-sha256, header: x-s, prefix: "v1=", encoding: hex, separator: ",", signed: [timestamp, body], \
        key: [secret], timestamp: { header: x-t, within: 5m } }
        """,
        "{ scheme: hmac-sha512, header: x-s, encoding: base64 }", "{ scheme: standard-webhooks, within: 5m }",
        "{ scheme: ecdsa-p256, header: x-s }", "{ scheme: token, header: x-s, prefix: a }", "{ scheme: basic }",
        "{ scheme: body-token, path: [a] }", "{ scheme: sns }", "{ scheme: oidc, issuers: [a] }", "{ scheme: set }",
        "{ scheme: mtls, clients: [\"dns:a\"] }", "{ scheme: none }",
    ]

    private static let anySource = """
        connector: scheme
        title: A source
        vendor: https://example.org
        source:
          handshake: okta
          content: json
          delivery: x-id
          headers: [x-a]
          body_bytes_max: 4096
          resends: true
          each: body.all
          signals:
            - { when: "true", ignore: nothing, closes: { key: a, as_of: b } }
            - { when: "true", kind: notice.given, severity: low, occurred_at: a, confidence: a, event: b, about: { key: a, as_of: b }, with: { event: a } }
          authentication:\u{20}
        """

    private static var goodConnections: String {
        connectionsOfAllKinds
            + schemes.map { "  - { id: any, connector: github, secrets: [{ env: A }], authentication: \($0) }\n" }
            .joined() + providersOfAllKinds
    }

    private static let connectionsOfAllKinds = """
        sources:
          - { id: github, connector: github, secrets: [{ file: hook-secret }, { env: HOOK_SECRET }, { credential: hook }, { vault: a/data/b#c }],
              reconcile: { provider: login, every: 5m, with: { hook: a } } }
          - id: hub
            connector: guardduty
            secrets: [{ file: sns.pem }]
            settings: { topic: a }
            limits: { per_second: 5 }
            redact: { secret: [/detail/secret], personal: [/detail/person] }
          - id: signals
            connector: ssf
            keys: https://example.org/keys
            settings: { issuer: a, audience: b }
            poll: { url: https://example.org/poll, every: 30s, token: { file: poll-token } }
            egress: { plain_http: false, loopback: false, networks: ["10.0.0.0/8"] }

        """

    private static let providersOfAllKinds = """
        providers:
          - id: login
            connector: oauth2
            settings: { client_id: cordon }
            secrets: { client_secret: { file: client-secret } }
            limits: { concurrent: 8, per_second: 5 }
            signs_in_as: [cordon-bot]
            authority: { file: ca.pem }
            egress: { plain_http: false, loopback: false, networks: ["10.0.0.0/8"] }
        vault:
          url: https://vault.example.org:8200
          namespace: a
          login: { token: { file: a } }
          refresh: 5m
          keep: 1h
          authority: { file: ca.pem }
          egress: { plain_http: false, loopback: false, networks: ["10.0.0.0/8"] }
        notifications:
          channels:
            - { id: chat, webhook: { url: { file: chat-url } }, people: [{ name: ann, groups: [approver] }] }
            - id: mail
              smtp:
                url: "smtp://mail.example.com:587"
                from: cordon@example.com
                user: cordon
                password: { file: smtp-password }
                authority: { file: ca.pem }
                clear: false
              people: [{ name: ann, groups: [approver], address: ann@example.com }]
              gather: 5s
              per_minute: 20
              egress: { plain_http: false, loopback: false, networks: ["10.0.0.0/8"] }
            - id: pager
              pagerduty: { routing_key: { file: key }, url: "https://events.pagerduty.com/v2/enqueue" }
          routes:
            - kinds: [approval]
              owners: [team/appsec]
              groups: [approver]
              playbooks: [secret-leaked]
              severity: high
              to: [chat]
        transmitter:
          issuer: https://cordon.example.com
          algorithm: RS256
          streams:
            - id: gateway
              audience: https://gateway.example.com
              events: [session-revoked]
              push: https://gateway.example.com/events
              poll: false
              token: { file: gateway-token }
              egress: { plain_http: false, loopback: false, networks: ["10.0.0.0/8"] }

        """
}
