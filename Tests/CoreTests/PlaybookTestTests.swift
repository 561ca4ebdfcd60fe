// SPDX-License-Identifier: Apache-2.0

import CordonLanguage
import Testing

@testable import CordonCore

/// Tests as their authors write them: good files as they are meant, and every mistake with its number and its words.
@Suite struct PlaybookTestTests {
    private static let workflow = """
        workflow: revoke
        title: Revoke a token
        inputs:
          credential: { type: credential }
        steps:
          - id: proof
            do: evidence.capture
            with: { of: "${inputs.credential.id}" }
          - id: fence
            do: scopes.reduce
            with: { subject: "${inputs.credential.id}", keep: [] }
            hold: { for: 1h, then: undo }
          - id: check
            task: { by: ann, ask: Was it meant?, choices: [intended, not_intended], within: 2h, on_timeout: keep }

        """

    private static let playbook = """
        playbook: leak
        title: Secret found
        owner: team/appsec
        mode: shadow
        trigger:
          signal: secret.exposed
          when: signal.validity == "active"
          subject: { kind: credential, from: signal.credential }
        run: { workflow: revoke, with: { credential: "${subject}" } }
        maps: { owasp_nhi: [NHI2] }

        """

    static let good = """
        test: leak
        from: { connector: forge, headers: { X-Event: leak } }
        cases:
          - name: first
            alert: fixtures/leak.json
            state:
              subject: { kind: credential, id: deploy, owner: ann, tags: [tier0], baseline: { scopes: [read] } }
              inventory: { credential: 40 }
              provider: login
            fake:
              scopes.reduce: { before: { scopes: [a] }, after: { scopes: [] }, fails: [later], takes: 2s }
              step.proof: { answer: { active: true } }
              task.check: [{ answer: intended, at: +20m }, { answer: not_intended, at: 1h, by: bob }]
            people: [{ do: resume, at: +5m }]
            crash: { step: fence, when: before }
            expect: { verdict: enforce, calls: [evidence.capture, "undo:fence"], asked: [question/check], end: restored }
          - name: second
            with: { state.subject.tags: [], alert.alert.validity: inactive, state.inventory.credential: 3 }
            repeat: 4
            over: 1m
            varied: alert.repository
            expect: { verdict: ignore, because: surge, steps: { fence: undone }, requests: { scopes.reduce: 0 } }

        """

    private static func load(_ text: String, file: String = "playbooks/leak.test.yaml") throws -> Result<
        PlaybookTest, Diagnostics
    > {
        let workflow = try Workflow.load(Array(workflow.utf8), file: "workflows/revoke.yaml", digest: "").get()
        let playbook = try Playbook.load(
            Array(playbook.utf8), file: "playbooks/leak.yaml", digest: "", workflows: [workflow]
        ).get()
        let setting = PlaybookTest.Setting(
            playbooks: [playbook], workflows: [workflow],
            sources: ["forge": ["secret.exposed"], "mill": []],
            providers: ["login": ["evidence.capture", "scopes.reduce"], "sink": ["http.call"]],
            fixture: { file in
                switch file {
                case "fixtures/leak.json": Array(#"{"alert":{"validity":"active"},"repository":"a/b"}"#.utf8)
                case "fixtures/broken.json": Array("{".utf8)
                default: nil
                }
            })
        return PlaybookTest.load(Array(text.utf8), file: file, against: setting)
    }

    @Test func `a good test loads with every field as it is written`() throws {
        let test = try Self.load(Self.good).get()
        #expect(test.playbook == "leak")
        let first = try #require(test.cases.first)
        #expect(first.mode == .enforce)
        #expect(
            first.arrival.content
                == .alert(
                    connector: "forge", headers: ["x-event": "leak"],
                    body: ["alert": ["validity": "active"], "repository": "a/b"]))
        let subject = Subject(
            kind: .credential, id: "deploy", provider: "login", owner: "ann", tags: ["tier0"],
            attributes: ["baseline": ["scopes": ["read"]]])
        #expect(
            first.world
                == PlaybookTest.World(identity: .known(subject), inventory: [.credential: 40], connector: "login"))
        var fake = PlaybookTest.Fake()
        fake.before = ["scopes": ["a"]]
        fake.after = ["scopes": []]
        fake.acts = .inTurn([.later])
        fake.takesMilliseconds = 2000
        #expect(first.fakes["scopes.reduce"] == fake)
        #expect(first.fakes["step.proof"]?.answers == [["active": true]])
        #expect(
            first.answers["check"] == [
                PlaybookTest.Answer(choice: "intended", atMilliseconds: 1_200_000, by: nil),
                PlaybookTest.Answer(choice: "not_intended", atMilliseconds: 3_600_000, by: "bob"),
            ])
        #expect(first.deeds.map(\.verb) == [.resume] && first.deeds.map(\.atMilliseconds) == [300_000])
        #expect(first.crash == PlaybookTest.Crash(step: "fence", moment: .before))
        #expect(first.expect.calls == ["evidence.capture", "undo:fence"] && first.expect.end == .restored)
    }

    @Test func `a case takes over the world of the first, and nothing of what happens in it`() throws {
        let test = try Self.load(Self.good).get()
        let second = try #require(test.cases.last)
        #expect(
            second.arrival
                == PlaybookTest.Arrival(
                    content: .alert(
                        connector: "forge", headers: ["x-event": "leak"],
                        body: ["alert": ["validity": "inactive"], "repository": "a/b"]),
                    times: 4, overMilliseconds: 60_000, varied: ["repository"]))
        guard case .known(let subject) = second.world.identity else {
            Issue.record("the subject is known")
            return
        }
        #expect(subject.tags == [] && subject.owner == "ann" && second.world.inventory == [.credential: 3])
        #expect(second.fakes == test.cases[0].fakes && second.answers == test.cases[0].answers)
        #expect(second.deeds.isEmpty && second.crash == nil)
        #expect(second.expect.steps == ["fence": .undone] && second.expect.because == ["surge"])
    }

    @Test func `a path reaches into lists, and a new last member is let in`() throws {
        let test = try Self.load(
            Self.good.replacing("state.subject.tags: []", with: "state.subject.tags.0: tier1, state.subject.host: a")
        ).get()
        guard case .known(let subject) = test.cases[1].world.identity else {
            Issue.record("the subject is known")
            return
        }
        #expect(subject.tags == ["tier1"])
        #expect(subject.attributes == ["baseline": ["scopes": ["read"]], "host": "a"])
    }

    @Test(arguments: PlaybookTestMistake.all)
    func `a mistake has its number, its place and its words`(_ mistake: PlaybookTestMistake) throws {
        let text = Self.good.replacing(mistake.old, with: mistake.new, maxReplacements: 1)
        #expect(text != Self.good)
        guard case .failure(let found) = try Self.load(text) else {
            Issue.record("it is refused")
            return
        }
        #expect(found.text == mistake.text)
        #expect(found.all.map(\.code) == [mistake.code])
    }

    @Test(arguments: [
        (
            "validty: active, exposure: public", "signal has no field 'validty' (did you mean 'validity'?)"
        ),
        ("validity: active", "signal lacks 'exposure' (write exposure: null where the source says nothing)"),
        ("validity: 3, exposure: public", "signal.validity is int, the kind has another type there"),
        (
            "validity: null, exposure: public, location: { kind: ci_log }",
            "signal.location lacks 'repository' (write repository: null where the source says nothing)"
        ),
    ])
    func `a signal without the fields of its kind is refused`(_ fields: String, _ words: String) throws {
        let place = fields.contains("location") ? "" : ", location: { kind: ci_log, repository: a/b }"
        let text = """
            test: leak
            cases:
              - name: from a log
                signal: { \(fields)\(place), credential: {}, secret_type: key }
                expect: { verdict: enforce }

            """
        guard case .failure(let found) = try Self.load(text) else {
            Issue.record("it is refused")
            return
        }
        #expect(found.all.map(\.code) == ["P066"])
        #expect(found.text.hasPrefix("playbooks/leak.test.yaml:4:13: error[P066]: \(words)\n"), "\(found.text)")
    }

    @Test func `a file under another name is refused`() throws {
        guard case .failure(let found) = try Self.load(Self.good, file: "playbooks/leek.test.yaml") else {
            Issue.record("it is refused")
            return
        }
        #expect(
            found.text == """
                playbooks/leek.test.yaml:1:7: error[P030]: the file is named 'leek.test.yaml' (name it leak.test.yaml)
                 1 | test: leak
                   |       ^^^^
                """)
    }
}
