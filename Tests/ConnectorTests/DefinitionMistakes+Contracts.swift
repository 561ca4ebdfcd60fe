// SPDX-License-Identifier: Apache-2.0

/// Mistakes in what a connector promises of a capability: its answers, its probe, its undo, and who asks.
extension DefinitionMistake {
    static let contracts = answers + promises + proofs + signIns

    private static let state = "        request: { method: GET, to: base }\n        answers: { done: [200] }\n"

    private static let answers = [
        DefinitionMistake(
            "P058", .connector, "already: [410], later: [503]", "already: [410, 204], later: [503]",
            """
            workflows/connectors/desk.yaml:39:45: error[P058]: 204 stands under 'done' and 'already' (a status means one thing; what the body tells goes into 'rules')
             39 |       answers: { done: [200, 204], already: [410, 204], later: [503] }
                |                                             ^
            """),
        DefinitionMistake(
            "P058", .connector, state, state + "        pick: { from: users, equal: {} }\n",
            """
            workflows/connectors/desk.yaml:43:23: error[P058]: a pick without 'equal' would take whoever stands there (say which member must equal what: equal: { id: "${with.account.user_id}" })
             43 |         pick: { from: users, equal: {} }
                |                       ^^^^^
            """),
        DefinitionMistake(
            "P134", .connector, "already: [410], later: [503]", "already: [404], later: [503]",
            """
            workflows/connectors/desk.yaml:39:45: error[P134]: a 404 is also what a gateway or a wrong address answers, so it shows nothing by itself (tell the provider's own by a rule: rules: [{ status: [404], that: 'body.code != "not_found"', means: refused }])
             39 |       answers: { done: [200, 204], already: [404], later: [503] }
                |                                             ^
            """),
        DefinitionMistake(
            "P134", .connector, "later: [503] }",
            "later: [503], rules: [{ status: [404], that: status == 404, means: already }] }",
            """
            workflows/connectors/desk.yaml:39:73: error[P134]: a 404 is also what a gateway or a wrong address answers, so it shows nothing by itself (tell the provider's own by a rule: rules: [{ status: [404], that: 'body.code != "not_found"', means: refused }])
             39 |       answers: { done: [200, 204], already: [410], later: [503], rules: [{ status: [404], that: status == 404, means: already }] }
                |                                                                         ^
            """),
        DefinitionMistake(
            "P040", .connector, state, state + "        pick: { from: data..users, equal: { id: 7 } }\n",
            """
            workflows/connectors/desk.yaml:43:23: error[P040]: 'data..users' is no path of members joined by dots
             43 |         pick: { from: data..users, equal: { id: 7 } }
                |                       ^^^^^^^^^^^
            """),
        DefinitionMistake(
            "P056", .connector, "      timeout: 20s\n", "      timeout: 20s\n      key_window: 24h\n",
            """
            workflows/connectors/desk.yaml:38:19: error[P056]: 'key_window' says how long an idempotency key is remembered, and a convergent call has none (leave it out, or write class: keyed)
             38 |       key_window: 24h
                |                   ^^^
            """),
        DefinitionMistake(
            "P021", .connector, "      timeout: 20s\n",
            "      timeout: 20s\n      pick: { from: users, equal: { id: 7 } }\n",
            """
            workflows/connectors/desk.yaml:38:7: error[P021]: the field 'pick' is unknown (known here: class, timeout, key_window, keep, answers, request, issues, state, undo, probe, verify, lag, precondition, reversibility, residual, lacks, for)
             38 |       pick: { from: users, equal: { id: 7 } }
                |       ^^^^
            """),
        DefinitionMistake(
            "P025", .connector, "later: [503] }", "later: [503], rules: [{ that: status == 400, means: fine }] }",
            """
            workflows/connectors/desk.yaml:39:104: error[P025]: 'means' must be one of done, already, later, refused, unknown, found 'fine'
             39 |       answers: { done: [200, 204], already: [410], later: [503], rules: [{ that: status == 400, means: fine }] }
                |                                                                                                        ^^^^
            """),
        DefinitionMistake(
            "X026", .connector, "later: [503] }", "later: [503], rules: [{ that: status, means: later }] }",
            """
            workflows/connectors/desk.yaml:39:82: error[X026]: the expression is int, bool is wanted
             39 |       answers: { done: [200, 204], already: [410], later: [503], rules: [{ that: status, means: later }] }
                |                                                                                  ^^^^^^
            """),
        DefinitionMistake(
            "P040", .connector, "path: \"/tokens/${with.of}\"", "path: \"/tokens/${with.of}?all=no\"",
            """
            workflows/connectors/desk.yaml:32:48: error[P040]: a path holds no question mark and no number sign (write what follows under 'query')
             32 |       request: { method: POST, to: base, path: "/tokens/${with.of}?all=no", json: { t: "${secret.token}" } }
                |                                                ^^^^^^^^^^^^^^^^^^^^^^^^^^^
            """),
        DefinitionMistake(
            "P040", .connector, "path: \"/tokens/${with.of}\"", "path: \"/tokens//${with.of}\"",
            """
            workflows/connectors/desk.yaml:32:48: error[P040]: a segment of the path is empty, '.' or '..' (it would address the collection, or another path)
             32 |       request: { method: POST, to: base, path: "/tokens//${with.of}", json: { t: "${secret.token}" } }
                |                                                ^^^^^^^^^^^^^^^^^^^^^
            """),
        DefinitionMistake(
            "P040", .connector, "path: \"/tokens/${with.of}\"", "path: \"/tokens/../${with.of}\"",
            """
            workflows/connectors/desk.yaml:32:48: error[P040]: a segment of the path is empty, '.' or '..' (it would address the collection, or another path)
             32 |       request: { method: POST, to: base, path: "/tokens/../${with.of}", json: { t: "${secret.token}" } }
                |                                                ^^^^^^^^^^^^^^^^^^^^^^^
            """),
        DefinitionMistake(
            "P044", .connector, "path: \"/tokens/${with.of}\"", "headers: { Authorization: \"${secret.token}\" }",
            """
            workflows/connectors/desk.yaml:32:51: error[P044]: the header 'Authorization' is not a request's to set ('authentication' says who asks, 'media_type' what a JSON body is)
             32 |       request: { method: POST, to: base, headers: { Authorization: "${secret.token}" }, json: { t: "${secret.token}" } }
                |                                                   ^
            """),
        DefinitionMistake(
            "X021", .connector, "json: { t: \"${secret.token}\" }", "json: { t: \"${secret.tokn}\" }",
            """
            workflows/connectors/desk.yaml:32:91: error[X021]: no field 'tokn' in secret (did you mean 'token'?)
             32 |       request: { method: POST, to: base, path: "/tokens/${with.of}", json: { t: "${secret.tokn}" } }
                |                                                                                           ^^^^
            """),
    ]

    private static let promises = [
        DefinitionMistake(
            "P053", .connector, "answers: { done: [200], refused: [404] }",
            "answers: { done: [200], refused: [404] }\n      probe: after.active == false",
            """
            workflows/connectors/desk.yaml:34:14: error[P053]: a probe looks at 'after', and there is no 'state' to read (say under 'state' what is asked)
             34 |       probe: after.active == false
                |              ^^^^^^^^^^^^^^^^^^^^^
            """),
        DefinitionMistake(
            "X021", .connector, "        keep: [active]\n",
            "        keep: [active]\n      probe: after.activ == false\n",
            """
            workflows/connectors/desk.yaml:44:20: error[X021]: no field 'activ' in after (did you mean 'active'?)
             44 |       probe: after.activ == false
                |                    ^^^^^
            """),
        DefinitionMistake(
            "P059", .connector, "        keep: [active]\n", "        keep: [active]\n      reversibility: partial\n",
            """
            workflows/connectors/desk.yaml:44:22: error[P059]: it is 'partial', and there is no 'undo' (write none, or say how it is undone)
             44 |       reversibility: partial
                |                      ^^^^^^^
            """),
        DefinitionMistake(
            "P059", .connector, "tokens.revoke:",
            "account.suspend:\n      undo: { request: { method: POST, to: base }, answers: { done: [200] } }\n      reversibility: none",
            """
            workflows/connectors/desk.yaml:37:22: error[P059]: there is an 'undo', so it is not 'none' (write full, partial or revives-credentials, or leave 'undo' out)
             37 |       reversibility: none
                |                      ^^^^
            """),
        DefinitionMistake(
            "P088", .connector, "        keep: [active]\n", "        keep: [alive]\n",
            """
            workflows/connectors/desk.yaml:41:9: error[P088]: workflows rely on 'active' of tokens.revoke, and it is not kept (name it under 'keep', or work it out there: keep: { active: "${body.…}" })
             41 |         request: { method: GET, to: base }
                |         ^^^^^^^
            """),
        DefinitionMistake(
            "P025", .connector, "        keep: [active]\n", "        keep: [active]\n      reversibility: maybe\n",
            """
            workflows/connectors/desk.yaml:44:22: error[P025]: 'reversibility' must be one of full, partial, none, revives-credentials, found 'maybe'
             44 |       reversibility: maybe
                |                      ^^^^^
            """),
    ]

    private static let proofs = [
        DefinitionMistake(
            "X020", .connector, "      timeout: 20s\n", "      timeout: 20s\n      for: with.client == \"web\"\n",
            """
            workflows/connectors/desk.yaml:38:12: error[X020]: there is no variable 'with' (known here: subject)
             38 |       for: with.client == "web"
                |            ^^^^
            """),
        DefinitionMistake(
            "P130", .connector, "        keep: [active]\n",
            "        keep: [active]\n      verify: { works: seen.active == true }\n",
            """
            workflows/connectors/desk.yaml:44:24: error[P130]: the request uses nothing that the subject holds, so it proves nothing of it (name one of 'subject_secrets' in it, or say under 'lacks' why nothing is proved)
             44 |       verify: { works: seen.active == true }
                |                        ^^^^^^^^^^^^^^^^^^^
            """),
        DefinitionMistake(
            "X021", .connector,
            "request: { method: GET, to: base }\n        answers: { done: [200] }\n        keep: [active]\n",
            "request: { method: GET, to: base, query: { t: \"${secret.token}\" } }\n        answers: { done: [200] }\n        keep: [active]\n      verify: { works: seen.activ == true }\n",
            """
            workflows/connectors/desk.yaml:44:29: error[X021]: no field 'activ' in seen (did you mean 'active'?)
             44 |       verify: { works: seen.activ == true }
                |                             ^^^^^
            """),
        DefinitionMistake(
            "P131", .connector, "        keep: [active]\n", "        keep: [active, version]\n        etag: version\n",
            """
            workflows/connectors/desk.yaml:41:9: error[P131]: nothing that writes names the version 'version' (send it where the provider compares it: headers: { If-Match: "${with.live.version}" })
             41 |         request: { method: GET, to: base }
                |         ^^^^^^^
            """),
        DefinitionMistake(
            "P131", .connector,
            "} }\n      answers: { done: [200, 204], already: [410], later: [503] }\n      state:\n" + state
                + "        keep: [active]\n",
            "}, headers: { If-Match: \"${with.live.version}\" } }\n"
                + "      answers: { done: [200, 204], already: [410], later: [503] }\n      state:\n" + state
                + "        keep: [active, version]\n        etag: version\n",
            """
            workflows/connectors/desk.yaml:38:16: error[P131]: what it is answered when the version is no longer that one is not said (write it under 'answers': conflict: [412], or the status that this provider has for it)
             38 |       request: { method: DELETE, to: base, form: { token: "${secret.token}" }, headers: { If-Match: "${with.live.version}" } }
                |                ^
            """),
        DefinitionMistake(
            "P132", .connector, "        keep: [active]\n", "        keep: [active]\n        secret: [pin]\n",
            """
            workflows/connectors/desk.yaml:44:17: error[P132]: 'pin' is not kept, so there is nothing to cut (name it under 'keep' too, or leave it out)
             44 |         secret: [pin]
                |                 ^
            """),
        DefinitionMistake(
            "P133", .connector, "answers: { done: [200], refused: [404] }",
            "answers: { done: [200], refused: [404] }\n      lag: 5m",
            """
            workflows/connectors/desk.yaml:34:12: error[P133]: evidence.capture changes nothing that would take time to show (leave 'lag' out)
             34 |       lag: 5m
                |            ^^
            """),
    ]

    private static let signIns = [
        DefinitionMistake(
            "P044", .connector, "scheme: basic, user: client, password: key", "scheme: token",
            """
            workflows/connectors/desk.yaml:28:29: error[P044]: token needs 'sign_in', which says how a token is asked for
             28 |   authentication: { scheme: token }
                |                             ^^^^^
            """),
        DefinitionMistake(
            "P044", .connector, "scheme: basic, user: client, password: key",
            "scheme: sigv4, access_key: key, secret_key: key, region: client",
            """
            workflows/connectors/desk.yaml:28:29: error[P044]: sigv4 needs 'access_key' and 'secret_key', secrets, 'region', a setting, and 'service'; a 'session_token' is one of the optional secrets
             28 |   authentication: { scheme: sigv4, access_key: key, secret_key: key, region: client }
                |                             ^^^^^
            """),
        DefinitionMistake(
            "P020", .connector, "scheme: basic, user: client, password: key",
            "scheme: token, sign_in: { request: { method: POST, to: base }, answers: { done: [200] } }",
            """
            workflows/connectors/desk.yaml:28:45: error[P020]: the field 'token' is missing
             28 |   authentication: { scheme: token, sign_in: { request: { method: POST, to: base }, answers: { done: [200] } } }
                |                                             ^
            """),
        DefinitionMistake(
            "P044", .connector, "scheme: basic, user: client, password: key",
            "scheme: token, sign_in: { client: { user: client, password: nobody }, request: { method: POST, to: base }, answers: { done: [200] }, token: \"${body.t}\" }",
            """
            workflows/connectors/desk.yaml:28:63: error[P044]: a client is 'user', a setting, and 'password', a secret
             28 |   authentication: { scheme: token, sign_in: { client: { user: client, password: nobody }, request: { method: POST, to: base }, answers: { done: [200] }, token: …
                |                                                               ^^^^^^
            """),
    ]
}
