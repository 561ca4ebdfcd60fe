// SPDX-License-Identifier: Apache-2.0

import BenchKit
import CordonCore
import CordonLanguage

/// As many playbooks as a large installation has, all on one kind of signal, of which a few match the alert.
struct PlaybookShelf {
    static let count = 500
    static let matching = 5
    private static let loads = 9
    private static let decisions = 3000

    private let workflow: Workflow
    private let files: [(name: String, bytes: [UInt8])]

    init() throws {
        workflow = try Workflow.load(Array(Self.workflowText.utf8), file: "revoke.yaml", digest: "sha256:w").get()
        files = (0..<Self.count).map { ("p\($0).yaml", Array(Self.playbookText($0).utf8)) }
    }

    /// Milliseconds for reading and checking all of them.
    func loading() throws -> Distribution {
        var taken: [Double] = []
        for _ in 0..<Self.loads {
            let start = Monotonic.nanoseconds
            guard try load().count == Self.count else { throw BenchFailure(description: "a playbook is missing") }
            taken.append(Monotonic.milliseconds(Monotonic.nanoseconds - start))
        }
        return Distribution(taken)
    }

    private func load() throws -> [Playbook] {
        try files.map {
            try Playbook.load($0.bytes, file: $0.name, digest: "sha256:p", workflows: [workflow]).get()
        }
    }

    func library() throws -> Library {
        let subject = Subject(kind: .credential, id: "billing-token", provider: "login")
        let identity = Inventory.Identity(
            subject: subject, matches: ["issuer": "github", "repository": "octo-org/billing"])
        // As many as make every limit one that can be reached.
        let others = (0..<999).map {
            Inventory.Identity(
                subject: Subject(kind: .credential, id: "other-\($0)", provider: "login"), matches: ["number": .int($0)]
            )
        }
        return Library(
            playbooks: try load(), workflows: [workflow],
            inventory: Inventory(identities: [identity] + others, digest: "sha256:i"), guards: guards)
    }

    private var guards: GuardPolicy {
        var guards = GuardPolicy.standard
        guards.confidenceMin = 0.5
        guards.freezes = [CalendarWindow(name: "nights", span: .weekly(days: [0, 1, 2], from: 1320, until: 300))]
        guards.maintenance = [
            Maintenance(
                window: CalendarWindow(name: "work", span: .weekly(days: [0], from: 600, until: 660)),
                signals: ["scope.widened"], of: [])
        ]
        return guards
    }

    /// A day's signals on every playbook, and as many identities touched as the limits leave room for.
    static func standing() -> Standing {
        var standing = Standing()
        let now = Instant(milliseconds: day)
        for number in 0..<count {
            for minute in 0..<1440 where (minute + number) % 10 == 0 {
                standing.addMatched(1, of: "p\(number)", minute: now.minute - Int64(minute) - 60)
            }
        }
        for number in 0..<20 {
            standing.add(
                Touch(
                    subject: "credential:other-\(number)", playbook: "p0", kind: .credential, provider: "login",
                    owner: nil, at: now))
        }
        for number in 0..<5 {
            standing.add(
                Mark(
                    what: .risk(add: 20, halfLifeMilliseconds: 7 * day), subject: "credential:billing-token",
                    playbook: "p0", at: now, cause: "sig_\(number)"))
        }
        return standing
    }

    private static let day: Int64 = 86_400_000

    /// Milliseconds for one decision each, from the signal to every reason for it: on the clock, and on the processor.
    static func deciding(
        _ signal: Signal, _ library: Library
    ) throws -> (clock: Distribution, processor: Distribution) {
        var taken: [Double] = []
        var spent: [Double] = []
        let standing = standing()
        for round in 0..<decisions {
            let (start, before) = (Monotonic.nanoseconds, Monotonic.threadNanoseconds)
            let decision = decide(signal, library, standing, at: Instant(milliseconds: day + Int64(round)))
            spent.append(Monotonic.milliseconds(Monotonic.threadNanoseconds - before))
            taken.append(Monotonic.milliseconds(Monotonic.nanoseconds - start))
            guard decision.matches.count == matching, decision.verdict == .enforce else {
                throw BenchFailure(description: "\(decision.matches.count) playbooks matched")
            }
        }
        return (Distribution(taken), Distribution(spent))
    }

    let signal = Signal(
        id: SignalID(stem: "01KATB9Z2M8D4W6X1V3C5R7T9Y"), alert: AlertID(stem: "01KATB9Z2M8D4W6X1V3C5R7T9Y"),
        source: "github", kind: "secret.exposed", receivedAt: Instant(milliseconds: 0), occurredAt: nil,
        severity: .high, confidence: 1,
        attributes: [
            "validity": "active", "exposure": "internal", "secret_type": "example_api_token",
            "credential": ["issuer": "github", "repository": "octo-org/billing"],
            "location": ["kind": "ci_log", "repository": "octo-org/billing", "path": "build.log"],
        ])

    private static func playbookText(_ number: Int) -> String {
        let repository = number % (count / matching) == 0 ? "octo-org/billing" : "octo-org/service-\(number)"
        return """
            # One of many, as a generator would write them.
            playbook: p\(number)
            title: Secret found in \(repository)
            owner: team/appsec
            mode: enforce
            trigger:
              signal: secret.exposed
              when: signal.validity == "active" && signal.location.kind in ["ci_log", "repository"] && signal.location.repository == "\(repository)"
              on_undecided: ask
              subject: { kind: credential, from: signal.credential }
            guards:
              confidence: { min: 0.9 }
              risk: { add: 30, half_life: 24h, act_at: 100 }
              protected: { deny: [tag/vault], ask: [owner/team/finance] }
              limits: { per_hour: 25, share: 10% }
              surge: { factor: 6, window: 30m, cap: 20 }
              require: [{ that: "subject.provider == 'login'" }]
            run:
              workflow: revoke
              with: { credential: "${subject}" }
            objective: { contained_by: revoke, within: 15m }
            maps: { owasp_nhi: [NHI2, NHI7], attack: [T1552.001] }

            """
    }

    private static let workflowText = """
        workflow: revoke
        title: Revoke a token
        inputs:
          credential: { type: credential }
        steps:
          - id: proof
            do: evidence.capture
            with: { of: "${inputs.credential.id}" }
          - id: revoke
            do: tokens.revoke
            with: { credential: "${inputs.credential.id}" }
            verify: after.active == false
            undo: none
            because: a revoked token can't be given back

        """
}
