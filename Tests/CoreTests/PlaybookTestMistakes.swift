// SPDX-License-Identifier: Apache-2.0

import Testing

/// One mistake in a good test of a playbook, its number, and the exact words that its author reads.
struct PlaybookTestMistake: Sendable, CustomTestStringConvertible {
    var code: String
    var old: String
    var new: String
    var text: String

    init(_ code: String, _ old: String, _ new: String, _ text: String) {
        self.code = code
        self.old = old
        self.new = new
        self.text = text
    }

    var testDescription: String { "\(code): \(new)" }

    static let all = files + worlds + fakes + expectations

    private static let files = [
        PlaybookTestMistake(
            "P060", "test: leak", "test: leek",
            """
            playbooks/leak.test.yaml:1:7: error[P060]: no playbook 'leek' is loaded (did you mean 'leak'?)
             1 | test: leek
               |       ^^^^
            """),
        PlaybookTestMistake(
            "P071", "connector: forge", "connector: forgo",
            """
            playbooks/leak.test.yaml:2:20: error[P071]: no connector 'forgo' describes a source (did you mean 'forge'?)
             2 | from: { connector: forgo, headers: { X-Event: leak } }
               |                    ^^^^^
            """),
        PlaybookTestMistake(
            "P071", "connector: forge", "connector: mill",
            """
            playbooks/leak.test.yaml:2:20: error[P071]: mill gives no signal of kind secret.exposed
             2 | from: { connector: mill, headers: { X-Event: leak } }
               |                    ^^^^
            """),
        PlaybookTestMistake(
            "P036", "name: second", "name: first",
            """
            playbooks/leak.test.yaml:17:11: error[P036]: the case 'first' stands twice
             17 |   - name: first
                |           ^^^^^
            """),
        PlaybookTestMistake(
            "P073", "name: second", "name: second\n    like: fist",
            """
            playbooks/leak.test.yaml:18:11: error[P073]: no case above is named 'fist' (did you mean 'first'?)
             18 |     like: fist
                |           ^^^^
            """),
        PlaybookTestMistake(
            "P061", "    alert: fixtures/leak.json\n", "",
            """
            playbooks/leak.test.yaml:4:11: error[P061]: the case has neither an alert nor a signal (write alert: fixtures/NAME.json, or signal: { … })
             4 |   - name: first
               |           ^^^^^
            """),
        PlaybookTestMistake(
            "P062", "fixtures/leak.json", "fixtures/leek.json",
            """
            playbooks/leak.test.yaml:5:12: error[P062]: the file 'fixtures/leek.json' can't be read (its path starts at the test's own folder)
             5 |     alert: fixtures/leek.json
               |            ^^^^^^^^^^^^^^^^^^
            """),
        PlaybookTestMistake(
            "P062", "fixtures/leak.json", "fixtures/broken.json",
            """
            playbooks/leak.test.yaml:5:12: error[P062]: the file 'fixtures/broken.json' is no JSON: 1:2: the text ends before the value does [unexpectedEnd]
             5 |     alert: fixtures/broken.json
               |            ^^^^^^^^^^^^^^^^^^^^
            """),
    ]

    private static let worlds = [
        PlaybookTestMistake(
            "P041", "kind: credential, id", "kind: workload, id",
            """
            playbooks/leak.test.yaml:7:7: error[P041]: the playbook is about a credential, not "workload"
             7 |       subject: { kind: workload, id: deploy, owner: ann, tags: [tier0], baseline: { scopes: [read] } }
               |       ^^^^^^^
            """),
        PlaybookTestMistake(
            "P041", "inventory: { credential", "inventory: { credentials",
            """
            playbooks/leak.test.yaml:8:20: error[P041]: there is no kind 'credentials' (did you mean 'credential'?)
             8 |       inventory: { credentials: 40 }
               |                    ^^^^^^^^^^^
            """),
        PlaybookTestMistake(
            "P039", "id: deploy", "id: Deploy",
            """
            playbooks/leak.test.yaml:7:7: error[P039]: "Deploy" is no name (lower-case letters, digits and single hyphens)
             7 |       subject: { kind: credential, id: Deploy, owner: ann, tags: [tier0], baseline: { scopes: [read] } }
               |       ^^^^^^^
            """),
        PlaybookTestMistake(
            "P022", "tags: [tier0]", "tags: tier0",
            """
            playbooks/leak.test.yaml:7:7: error[P022]: the subject's tags are a list of texts
             7 |       subject: { kind: credential, id: deploy, owner: ann, tags: tier0, baseline: { scopes: [read] } }
               |       ^^^^^^^
            """),
        PlaybookTestMistake(
            "P071", "provider: login", "provider: logon",
            """
            playbooks/leak.test.yaml:9:17: error[P071]: no connector 'logon' describes a provider (did you mean 'login'?)
             9 |       provider: logon
               |                 ^^^^^
            """),
        PlaybookTestMistake(
            "P071", "provider: login", "provider: sink",
            """
            playbooks/leak.test.yaml:9:17: error[P071]: sink does not offer evidence.capture
             9 |       provider: sink
               |                 ^^^^
            """),
        PlaybookTestMistake(
            "P063", "state.subject.tags", "state.subject.tgas",
            """
            playbooks/leak.test.yaml:18:13: error[P063]: there is no 'tgas' on the way (did you mean 'tags'?)
             18 |     with: { state.subject.tgas: [], alert.alert.validity: inactive, state.inventory.credential: 3 }
                |             ^^^^^^^^^^^^^^^^^^
            """),
        PlaybookTestMistake(
            "P063", "alert.alert.validity", "alert.alrt.validity",
            """
            playbooks/leak.test.yaml:18:37: error[P063]: there is no 'alrt' on the way (did you mean 'alert'?)
             18 |     with: { state.subject.tags: [], alert.alrt.validity: inactive, state.inventory.credential: 3 }
                |                                     ^^^^^^^^^^^^^^^^^^^
            """),
        PlaybookTestMistake(
            "P063", "alert.alert.validity", "signal.validity",
            """
            playbooks/leak.test.yaml:18:37: error[P063]: 'signal.validity' leads into nothing that the case has (begin with state.subject, state.inventory, alert or signal)
             18 |     with: { state.subject.tags: [], signal.validity: inactive, state.inventory.credential: 3 }
                |                                     ^^^^^^^^^^^^^^^
            """),
        PlaybookTestMistake(
            "P063", "varied: alert.repository", "varied: alert.alert",
            """
            playbooks/leak.test.yaml:21:13: error[P063]: 'alert.alert' leads to no text of the alert or the signal
             21 |     varied: alert.alert
                |             ^^^^^^^^^^^
            """),
        PlaybookTestMistake(
            "P065", "    repeat: 4\n    over: 1m\n    varied: alert.repository", "    over: 1m",
            """
            playbooks/leak.test.yaml:19:11: error[P065]: 'over' says how alerts repeat, and none does (add 'repeat')
             19 |     over: 1m
                |           ^^
            """),
    ]

    private static let fakes = [
        PlaybookTestMistake(
            "P064", "scopes.reduce: { before", "scope.reduce: { before",
            """
            playbooks/leak.test.yaml:11:7: error[P064]: nothing that leak runs asks for 'scope.reduce' (did you mean 'scopes.reduce'?)
             11 |       scope.reduce: { before: { scopes: [a] }, after: { scopes: [] }, fails: [later], takes: 2s }
                |       ^^^^^^^^^^^^
            """),
        PlaybookTestMistake(
            "P064", "step.proof", "step.prof",
            """
            playbooks/leak.test.yaml:12:7: error[P064]: nothing that leak runs asks for 'step.prof' (did you mean 'step.proof'?)
             12 |       step.prof: { answer: { active: true } }
                |       ^^^^^^^^^
            """),
        PlaybookTestMistake(
            "P064", "task.check", "task.fence",
            """
            playbooks/leak.test.yaml:13:7: error[P064]: no step 'fence' asks people (known: check)
             13 |       task.fence: [{ answer: intended, at: +20m }, { answer: not_intended, at: 1h, by: bob }]
                |       ^^^^^^^^^^
            """),
        PlaybookTestMistake(
            "P068", "answer: intended", "answer: intendet",
            """
            playbooks/leak.test.yaml:13:30: error[P068]: 'intendet' is no answer to 'check' (did you mean 'intended'?)
             13 |       task.check: [{ answer: intendet, at: +20m }, { answer: not_intended, at: 1h, by: bob }]
                |                              ^^^^^^^^
            """),
        PlaybookTestMistake(
            "P044", "at: +20m", "at: soon",
            """
            playbooks/leak.test.yaml:13:44: error[P044]: 'soon' is no moment (a duration after what it follows, such as +20m)
             13 |       task.check: [{ answer: intended, at: soon }, { answer: not_intended, at: 1h, by: bob }]
                |                                            ^^^^
            """),
        PlaybookTestMistake(
            "P025", "fails: [later]", "fails: [latter]",
            """
            playbooks/leak.test.yaml:11:80: error[P025]: 'an item of fails' must be one of ok, refused, later, unsent, unknown, cut, timeout, crash, found 'latter' (did you mean 'later'?)
             11 |       scopes.reduce: { before: { scopes: [a] }, after: { scopes: [] }, fails: [latter], takes: 2s }
                |                                                                                ^^^^^^
            """),
        PlaybookTestMistake(
            "P065", "fails: [later]", "fails: [later], ok: false",
            """
            playbooks/leak.test.yaml:11:92: error[P065]: what fails does not succeed without effect (write 'ok' or 'fails')
             11 |       scopes.reduce: { before: { scopes: [a] }, after: { scopes: [] }, fails: [later], ok: false, takes: 2s }
                |                                                                                            ^^^^^
            """),
        PlaybookTestMistake(
            "P065", "{ answer: { active: true } }", "{ answer: {}, answers: [{}] }",
            """
            playbooks/leak.test.yaml:12:42: error[P065]: there is one 'answer' or several 'answers' (take one out)
             12 |       step.proof: { answer: {}, answers: [{}] }
                |                                          ^
            """),
        PlaybookTestMistake(
            "P065", "do: resume", "do: skip",
            """
            playbooks/leak.test.yaml:14:20: error[P065]: 'skip' is done to a step (add 'step')
             14 |     people: [{ do: skip, at: +5m }]
                |                    ^^^^
            """),
        PlaybookTestMistake(
            "P065", "do: resume", "do: resolve",
            """
            playbooks/leak.test.yaml:14:20: error[P065]: 'took_effect' says what became of a call that somebody resolves (they stand together)
             14 |     people: [{ do: resolve, at: +5m }]
                |                    ^^^^^^^
            """),
        PlaybookTestMistake(
            "P042", "step: fence", "step: fense",
            """
            playbooks/leak.test.yaml:15:20: error[P042]: no step is named 'fense' (did you mean 'fence'?)
             15 |     crash: { step: fense, when: before }
                |                    ^^^^^
            """),
        PlaybookTestMistake(
            "P065", "step: fence", "step: check",
            """
            playbooks/leak.test.yaml:15:20: error[P065]: step 'check' calls nobody (name one with 'do')
             15 |     crash: { step: check, when: before }
                |                    ^^^^^
            """),
    ]

    private static let expectations = [
        PlaybookTestMistake(
            "P067", "evidence.capture, \"undo", "evidence.captur, \"undo",
            """
            playbooks/leak.test.yaml:16:41: error[P067]: 'evidence.captur' is never called by leak (did you mean 'evidence.capture'?)
             16 |     expect: { verdict: enforce, calls: [evidence.captur, "undo:fence"], asked: [question/check], end: restored }
                |                                         ^^^^^^^^^^^^^^^
            """),
        PlaybookTestMistake(
            "P067", "undo:fence", "undo:proof",
            """
            playbooks/leak.test.yaml:16:59: error[P067]: 'undo:proof' is never called by leak (known: evidence.capture, scopes.reduce, undo:fence)
             16 |     expect: { verdict: enforce, calls: [evidence.capture, "undo:proof"], asked: [question/check], end: restored }
                |                                                           ^^^^^^^^^^^^
            """),
        PlaybookTestMistake(
            "P067", "question/check", "qestion/check",
            """
            playbooks/leak.test.yaml:16:82: error[P067]: nobody is ever asked 'qestion' (did you mean 'question'?)
             16 |     expect: { verdict: enforce, calls: [evidence.capture, "undo:fence"], asked: [qestion/check], end: restored }
                |                                                                                  ^^^^^^^^^^^^^
            """),
        PlaybookTestMistake(
            "P067", "question/check", "question/chek",
            """
            playbooks/leak.test.yaml:16:82: error[P067]: no step is named 'chek' (did you mean 'check'?)
             16 |     expect: { verdict: enforce, calls: [evidence.capture, "undo:fence"], asked: [question/chek], end: restored }
                |                                                                                  ^^^^^^^^^^^^^
            """),
        PlaybookTestMistake(
            "P067", "{ scopes.reduce: 0 }", "{ scope.reduce: 0 }",
            """
            playbooks/leak.test.yaml:22:86: error[P067]: 'scope.reduce' is never called by leak (did you mean 'scopes.reduce'?)
             22 |     expect: { verdict: ignore, because: surge, steps: { fence: undone }, requests: { scope.reduce: 0 } }
                |                                                                                      ^^^^^^^^^^^^
            """),
        PlaybookTestMistake(
            "P042", "{ fence: undone }", "{ fense: undone }",
            """
            playbooks/leak.test.yaml:22:57: error[P042]: no step is named 'fense' (did you mean 'fence'?)
             22 |     expect: { verdict: ignore, because: surge, steps: { fense: undone }, requests: { scopes.reduce: 0 } }
                |                                                         ^^^^^
            """),
        PlaybookTestMistake(
            "P069",
            "expect: { verdict: ignore, because: surge, steps: { fence: undone }, requests: { scopes.reduce: 0 } }",
            "expect: {}",
            """
            playbooks/leak.test.yaml:22:13: error[P069]: the case expects nothing (say at least which verdict it gives)
             22 |     expect: {}
                |             ^
            """),
        PlaybookTestMistake(
            "P021", "verdict: ignore", "verdct: ignore",
            """
            playbooks/leak.test.yaml:22:15: error[P021]: the field 'verdct' is unknown (did you mean 'verdict'?)
             22 |     expect: { verdct: ignore, because: surge, steps: { fence: undone }, requests: { scopes.reduce: 0 } }
                |               ^^^^^^
            """),
    ]
}
