// SPDX-License-Identifier: Apache-2.0

import Testing

/// One mistake in a good file, its number, and the exact words that its author reads.
struct DefinitionMistake: Sendable, CustomTestStringConvertible {
    var code: String
    var kind: DefinitionSketch.Kind
    var old: String
    var new: String
    var text: String

    init(_ code: String, _ kind: DefinitionSketch.Kind, _ old: String, _ new: String, _ text: String) {
        self.code = code
        self.kind = kind
        self.old = old
        self.new = new
        self.text = text
    }

    var testDescription: String { "\(code) in a \(kind.rawValue): \(new)" }

    var sketch: DefinitionSketch { .good(kind).changed(old, to: new) }

    static let all = sources + providers + calls + connections + contracts

    private static let sources = [
        DefinitionMistake(
            "P030", .connector, "connector: desk", "connector: desks",
            """
            workflows/connectors/desk.yaml:1:12: error[P030]: the file is named 'desk' (name both alike)
             1 | connector: desks
               |            ^^^^^
            """),
        DefinitionMistake(
            "P020", .connector, "vendor: https://desk.example/api\n", "",
            """
            workflows/connectors/desk.yaml:1:1: error[P020]: the field 'vendor' is missing
             1 | connector: desk
               | ^^^^^^^^^
            """),
        DefinitionMistake(
            "P021", .connector, "delivery: X-Desk-Delivery", "delivry: X-Desk-Delivery\n  delivery: X-Desk-Delivery",
            """
            workflows/connectors/desk.yaml:6:3: error[P021]: the field 'delivry' is unknown (did you mean 'delivery'?)
             6 |   delivry: X-Desk-Delivery
               |   ^^^^^^^
            """),
        DefinitionMistake(
            "P025", .connector, "scheme: hmac-sha256", "scheme: hmac-sha1",
            """
            workflows/connectors/desk.yaml:5:29: error[P025]: 'scheme' must be one of hmac-sha256, hmac-sha512, standard-webhooks, ecdsa-p256, token, basic, body-token, sns, oidc, set, mtls, none, found 'hmac-sha1' (did you mean 'hmac-sha512'?)
             5 |   authentication: { scheme: hmac-sha1, header: X-Desk-Signature, prefix: "v1=", encoding: base64 }
               |                             ^^^^^^^^^
            """),
        DefinitionMistake(
            "P025", .connector, "encoding: base64", "encoding: base32",
            """
            workflows/connectors/desk.yaml:5:93: error[P025]: 'encoding' must be one of hex, base64, found 'base32' (did you mean 'base64'?)
             5 |   authentication: { scheme: hmac-sha256, header: X-Desk-Signature, prefix: "v1=", encoding: base32 }
               |                                                                                             ^^^^^^
            """),
        DefinitionMistake(
            "P020", .connector, "header: X-Desk-Signature, ", "",
            """
            workflows/connectors/desk.yaml:5:19: error[P020]: the field 'header' is missing
             5 |   authentication: { scheme: hmac-sha256, prefix: "v1=", encoding: base64 }
               |                   ^
            """),
        DefinitionMistake(
            "P031", .connector, "kind: secret.exposed", "kind: secret.leaked",
            """
            workflows/connectors/desk.yaml:13:13: error[P031]: no signal is of kind 'secret.leaked' (known: secret.exposed, scope.widened, context.left, destination.unusual, boundary.exceeded, identity.suspected, identity.changed, session.changed, resource.suspected, notice.given)
             13 |       kind: secret.leaked
                |             ^^^^^^^^^^^^^
            """),
        DefinitionMistake(
            "P034", .connector, "validity: active", "validty: x\n        validity: active",
            """
            workflows/connectors/desk.yaml:16:9: error[P034]: secret.exposed has no field 'validty' (did you mean 'validity'?)
             16 |         validty: x
                |         ^^^^^^^
            """),
        DefinitionMistake(
            "P035", .connector, "        exposure: internal\n", "",
            """
            workflows/connectors/desk.yaml:16:9: error[P035]: secret.exposed needs the field 'exposure'
             16 |         validity: active
                |         ^^^^^^^^
            """),
        DefinitionMistake(
            "X020", .connector, "\"${body.at}\"", "\"${bodi.at}\"",
            """
            workflows/connectors/desk.yaml:19:48: error[X020]: there is no variable 'bodi' (did you mean 'body'?)
             19 |         location: { kind: desk, repository: "${bodi.at}" }
                |                                                ^^^^
            """),
        DefinitionMistake(
            "X026", .connector, "when: body.kind == \"hello\"", "when: headers[\"x-desk-event\"]",
            """
            workflows/connectors/desk.yaml:10:13: error[X026]: the expression is string, bool is wanted (compare it: … == "text")
             10 |     - when: headers["x-desk-event"]
                |             ^^^^^^^^^^^^^^^^^^^^^^^
            """),
        DefinitionMistake(
            "P024", .connector, "body_bytes_max: 4096", "body_bytes_max: 0",
            """
            workflows/connectors/desk.yaml:8:19: error[P024]: 'body_bytes_max' is too small (from 1 to 26214400)
             8 |   body_bytes_max: 0
               |                   ^
            """),
    ]

    private static let providers = [
        DefinitionMistake(
            "P025", .connector, "tenant: { type: string, optional: true }", "tenant: { type: text, optional: true }",
            """
            workflows/connectors/desk.yaml:24:21: error[P025]: 'type' must be one of url, string, duration, mail_server, mail_address, found 'text'
             24 |     tenant: { type: text, optional: true }
                |                     ^^^^
            """),
        DefinitionMistake(
            "P021", .connector, "optional: true", "optinal: true",
            """
            workflows/connectors/desk.yaml:24:29: error[P021]: the field 'optinal' is unknown (did you mean 'optional'?)
             24 |     tenant: { type: string, optinal: true }
                |                             ^^^^^^^
            """),
        DefinitionMistake(
            "P044", .connector, "user: client, password: key", "user: client, password: token",
            """
            workflows/connectors/desk.yaml:28:29: error[P044]: basic needs 'user', a setting, and 'password', a secret
             28 |   authentication: { scheme: basic, user: client, password: token }
                |                             ^^^^^
            """),
        DefinitionMistake(
            "P044", .connector, "user: client, password: key", "user: clients, password: key",
            """
            workflows/connectors/desk.yaml:28:29: error[P044]: basic needs 'user', a setting, and 'password', a secret
             28 |   authentication: { scheme: basic, user: clients, password: key }
                |                             ^^^^^
            """),
        DefinitionMistake(
            "P044", .connector, "scheme: basic, user: client, password: key",
            "scheme: header, prefix: Bearer, secret: pin",
            """
            workflows/connectors/desk.yaml:28:29: error[P044]: header needs 'secret', one of the secrets
             28 |   authentication: { scheme: header, prefix: Bearer, secret: pin }
                |                             ^^^^^^
            """),
        DefinitionMistake(
            "P025", .connector, "scheme: basic", "scheme: digest",
            """
            workflows/connectors/desk.yaml:28:29: error[P025]: 'scheme' must be one of none, basic, header, token, sigv4, assertion, found 'digest'
             28 |   authentication: { scheme: digest, user: client, password: key }
                |                             ^^^^^^
            """),
        DefinitionMistake(
            "P020", .connector, "  authentication: { scheme: basic, user: client, password: key }\n", "",
            """
            workflows/connectors/desk.yaml:22:3: error[P020]: the field 'authentication' is missing
             22 |   settings:
                |   ^^^^^^^^
            """),
    ]

    private static let calls = [
        DefinitionMistake(
            "P032", .connector, "tokens.revoke:", "tokens.revok:",
            """
            workflows/connectors/desk.yaml:36:7: error[P032]: there is no capability 'tokens.revok' (did you mean 'tokens.revoke'?)
             36 |       class: convergent
                |       ^^^^^
            """),
        DefinitionMistake(
            "P043", .connector, "class: read", "class: convergent",
            """
            workflows/connectors/desk.yaml:31:14: error[P043]: evidence.capture only reads, its class can't be convergent
             31 |       class: convergent
                |              ^^^^^^^^^^
            """),
        DefinitionMistake(
            "P043", .connector, "class: convergent", "class: read",
            """
            workflows/connectors/desk.yaml:36:14: error[P043]: tokens.revoke changes something, its class can't be read
             36 |       class: read
                |              ^^^^
            """),
        DefinitionMistake(
            "P043", .connector,
            "class: convergent\n      timeout: 20s\n      request: { method: DELETE, to: base, form: { token: \"${secret.token}\" } }\n      answers: { done: [200, 204], already: [410], later: [503] }\n      state:\n        request: { method: GET, to: base }\n        answers: { done: [200] }\n        keep: [active]",
            "class: probeable\n      request: { method: DELETE, to: base }\n      answers: { done: [200] }",
            """
            workflows/connectors/desk.yaml:36:14: error[P043]: a probeable capability needs a 'state' to ask
             36 |       class: probeable
                |              ^^^^^^^^^
            """),
        DefinitionMistake(
            "P025", .connector, "class: convergent", "class: idempotent",
            """
            workflows/connectors/desk.yaml:36:14: error[P025]: 'class' must be one of read, convergent, keyed, probeable, once, found 'idempotent'
             36 |       class: idempotent
                |              ^^^^^^^^^^
            """),
        DefinitionMistake(
            "P025", .connector, "method: DELETE", "method: PURGE",
            """
            workflows/connectors/desk.yaml:38:26: error[P025]: 'method' must be one of GET, POST, PUT, PATCH, DELETE, MAIL, found 'PURGE'
             38 |       request: { method: PURGE, to: base, form: { token: "${secret.token}" } }
                |                          ^^^^^
            """),
        DefinitionMistake(
            "P044", .connector, "{ method: GET, to: base }", "{ method: GET, to: tenant }",
            """
            workflows/connectors/desk.yaml:41:37: error[P044]: 'tenant' is no setting of type url (known: base)
             41 |         request: { method: GET, to: tenant }
                |                                     ^^^^^^
            """),
        DefinitionMistake(
            "P044", .connector, "{ method: GET, to: base }", "{ method: GET, to: bas }",
            """
            workflows/connectors/desk.yaml:41:37: error[P044]: 'bas' is no setting of type url (did you mean 'base'?)
             41 |         request: { method: GET, to: bas }
                |                                     ^^^
            """),
        DefinitionMistake(
            "P040", .connector, "path: \"/tokens", "path: \"tokens",
            """
            workflows/connectors/desk.yaml:32:48: error[P040]: a path begins with a slash
             32 |       request: { method: POST, to: base, path: "tokens/${with.of}", json: { t: "${secret.token}" } }
                |                                                ^^^^^^^^^^^^^^^^^^^
            """),
        DefinitionMistake(
            "X020", .connector, "\"/tokens/${with.of}\"", "\"/tokens/${wit.of}\"",
            """
            workflows/connectors/desk.yaml:32:59: error[X020]: there is no variable 'wit' (did you mean 'with'?)
             32 |       request: { method: POST, to: base, path: "/tokens/${wit.of}", json: { t: "${secret.token}" } }
                |                                                           ^^^
            """),
        DefinitionMistake(
            "P044", .connector, "later: [503]", "later: [50]",
            """
            workflows/connectors/desk.yaml:39:59: error[P044]: 50 is no HTTP status (from 100 to 599)
             39 |       answers: { done: [200, 204], already: [410], later: [50] }
                |                                                           ^
            """),
        DefinitionMistake(
            "P044", .connector, "later: [503]", "later: [many]",
            """
            workflows/connectors/desk.yaml:39:59: error[P044]: "many" is no HTTP status (from 100 to 599)
             39 |       answers: { done: [200, 204], already: [410], later: [many] }
                |                                                           ^
            """),
        DefinitionMistake(
            "P020", .connector, "answers: { done: [200], refused: [404] }", "answers: { refused: [404] }",
            """
            workflows/connectors/desk.yaml:33:16: error[P020]: the field 'done' is missing
             33 |       answers: { refused: [404] }
                |                ^
            """),
        DefinitionMistake(
            "P024", .connector, "timeout: 20s", "timeout: 20m",
            """
            workflows/connectors/desk.yaml:37:16: error[P024]: 'timeout' is too large (from 1ms to 2m)
             37 |       timeout: 20m
                |                ^^^
            """),
    ]

    private static let connections = [
        DefinitionMistake(
            "P039", .connections, "id: desk-main", "id: Desk",
            """
            connections.yaml:2:11: error[P039]: 'Desk' is no name (lower-case letters, digits and single hyphens)
             2 |   - { id: Desk, connector: desk, secrets: [{ file: state/hook }] }
               |           ^^^^
            """),
        DefinitionMistake(
            "P036", .connections, "id: desk-two", "id: desk-main",
            """
            connections.yaml:2:3: error[P036]: the id 'desk-main' stands twice under 'sources' (give one of them another)
             2 |   - { id: desk-main, connector: desk, secrets: [{ file: state/hook }] }
               |   ^
            """),
        DefinitionMistake(
            "P036", .connections, "id: login-two", "id: login",
            """
            connections.yaml:5:3: error[P036]: the id 'login' stands twice under 'providers' (give one of them another)
             5 |   - id: login
               |   ^
            """),
        DefinitionMistake(
            "P044", .connections, "base: https://desk.internal", "base: http://desk.internal",
            """
            connections.yaml:13:13: error[P044]: 'base' is http, so every call to it will be refused (write https://…, or egress: { plain_http: true } where nobody else is on the line)
             13 |       base: http://desk.internal
                |             ^^^^^^^^^^^^^^^^^^^^
            """),
        DefinitionMistake(
            "P043", .connections, "id: desk-main, connector: desk", "id: desk-main, connector: jira",
            """
            connections.yaml:2:33: error[P043]: there is no connector 'jira' (known: desk, ear, hand)
             2 |   - { id: desk-main, connector: jira, secrets: [{ file: state/hook }] }
               |                                 ^^^^
            """),
        DefinitionMistake(
            "P043", .connections, "id: desk-main, connector: desk", "id: desk-main, connector: hand",
            """
            connections.yaml:2:33: error[P043]: hand describes no source
             2 |   - { id: desk-main, connector: hand, secrets: [{ file: state/hook }] }
               |                                 ^^^^
            """),
        DefinitionMistake(
            "P043", .connections, "id: login\n    connector: desk", "id: login\n    connector: ear",
            """
            connections.yaml:6:16: error[P043]: ear describes no provider
             6 |     connector: ear
               |                ^^^
            """),
        DefinitionMistake(
            "P045", .connections, "[{ file: state/hook }]", "[]",
            """
            connections.yaml:2:48: error[P045]: a source needs the secret that it signs with
             2 |   - { id: desk-main, connector: desk, secrets: [] }
               |                                                ^
            """),
        DefinitionMistake(
            "P045", .connections, "{ file: state/hook }", "{ file: state/hook, env: HOOK }",
            """
            connections.yaml:2:49: error[P045]: this is no reference to a secret (write { file: PATH }, { env: NAME }, { credential: NAME } or { vault: MOUNT/data/PATH#FIELD })
             2 |   - { id: desk-main, connector: desk, secrets: [{ file: state/hook, env: HOOK }] }
               |                                                 ^
            """),
        DefinitionMistake(
            "P045", .connections, "secrets: { key: { env: DESK_KEY } }", "secrets: { kee: { env: DESK_KEY } }",
            """
            connections.yaml:8:14: error[P045]: desk needs the secret 'key' (write key: { file: PATH } or { env: NAME })
             8 |     secrets: { kee: { env: DESK_KEY } }
               |              ^
            """),
        DefinitionMistake(
            "P020", .connections, "{ base: \"https://desk.example\", client: cordon }",
            "{ base: \"https://desk.example\" }",
            """
            connections.yaml:7:15: error[P020]: the field 'client' is missing
             7 |     settings: { base: "https://desk.example" }
               |               ^
            """),
        DefinitionMistake(
            "P044", .connections, "\"https://desk.example\"", "desk.example",
            """
            connections.yaml:7:23: error[P044]: 'base' is no absolute URL (write https://…)
             7 |     settings: { base: desk.example, client: cordon }
               |                       ^^^^^^^^^^^^
            """),
        DefinitionMistake(
            "P021", .connections, "tenant: two", "tennant: two",
            """
            connections.yaml:15:7: error[P021]: the field 'tennant' is unknown (did you mean 'tenant'?)
             15 |       tennant: two
                |       ^^^^^^^
            """),
        DefinitionMistake(
            "P021", .connections, "plain_http: false", "plain_htp: false",
            """
            connections.yaml:9:15: error[P021]: the field 'plain_htp' is unknown (did you mean 'plain_http'?)
             9 |     egress: { plain_htp: false, networks: [10.0.0.0/8] }
               |               ^^^^^^^^^
            """),
        DefinitionMistake(
            "P020", .connections, ", secrets: [{ file: state/hook }]", "",
            """
            connections.yaml:2:5: error[P020]: the field 'secrets' is missing
             2 |   - { id: desk-main, connector: desk }
               |     ^
            """),
    ]
}
