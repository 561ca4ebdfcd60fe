// SPDX-License-Identifier: Apache-2.0

import CordonCore
import CordonEvidence
import CordonLanguage
import CordonStore
import StoreKit
import Testing

/// Each check of the crash loop is shown an account with one planted fault, and must find it; without the fault it must
/// find nothing.
@Suite struct AccountCheckTests {
    struct Plant: CustomTestStringConvertible, Sendable {
        /// The check that must find it.
        var check: String
        var testDescription: String
        var damage: @Sendable (inout Account) -> Void

        init(_ check: String, _ what: String, _ damage: @escaping @Sendable (inout Account) -> Void) {
            self.check = check
            testDescription = what
            self.damage = damage
        }
    }

    static let plants: [Plant] = [
        Plant("every request has a stored intent", "an intent is missing") { $0.intents.removeFirst() },
        Plant("every request has a stored intent", "a request carries a key of nobody") { $0.lines[0].key = "strange" },
        Plant("every request has a stored intent", "a request asks for another's effect") { account in
            account.lines[0].subject = "token-9"
        },
        Plant("every request has a stored intent", "a state was asked for without an intent") { account in
            account.lines.append(.sample(9, nil, "credential.issue", asksState: true))
        },
        Plant("no intent is sent more often than the history says", "a keyed call went out twice") { account in
            account.lines.append(.sample(9, "k-deliver", "secret.deliver"))
        },
        Plant("no intent is sent more often than the history says", "a convergent call went out twice") { account in
            account.lines.append(.sample(9, "k-revoke", "tokens.revoke"))
        },
        Plant("no intent is sent more often than the history says", "a state was asked for twice") { account in
            account.lines.append(.sample(9, nil, "tokens.revoke", asksState: true))
        },
        Plant("a call that must not double is sent once", "a once call went out twice") { account in
            account.lines.append(.sample(9, "k-tell", "http.call"))
        },
        Plant("a call that must not double is sent once", "a probeable call was redelivered") { account in
            account.intents[account.place("k-issue")].deliveries = 2
        },
        Plant("an effect that must not double happened once", "a second key did it again") { account in
            account.lines.append(.sample(9, "k-other", "http.call", tookEffect: true))
        },
        Plant("what is ambiguous is marked unknown", "a cut answer is taken for done") { account in
            account.intents[account.place("k-issue")].returns = [.init(delivery: 1, outcome: Outcome(.done))]
        },
        Plant("what is ambiguous is marked unknown", "a gateway's fault is taken for a refusal") { account in
            account.lines[account.line("k-tell")].status = 502
            account.intents[account.place("k-tell")].returns = [
                .init(delivery: 1, outcome: Outcome(.refused, status: 502))
            ]
        },
        Plant("what is ambiguous is marked unknown", "a 503 to a once call is taken for later") { account in
            account.lines[account.line("k-tell")].status = 503
            account.intents[account.place("k-tell")].returns = [
                .init(delivery: 1, outcome: Outcome(.later, status: 503))
            ]
        },
        Plant("what is ambiguous is marked unknown", "a silence is taken for done") { account in
            account.lines[account.line("k-tell")].delayMilliseconds = CountingProvider.silenceMilliseconds
        },
        Plant("what is unknown is resolved before it ends", "nobody resolved it") { account in
            account.intents[account.place("k-issue")].resolution = nil
        },
        Plant("a resolution tells what happened", "it says no, and it happened") { account in
            account.intents[account.place("k-issue")].resolution?.tookEffect = false
        },
        Plant("no outcome is invented", "done, and the provider never heard of it") { account in
            account.lines.remove(at: account.line("k-tell"))
        },
        Plant("no outcome is invented", "a status that was not answered") { account in
            account.intents[account.place("k-tell")].returns[0].outcome.status = 204
        },
        Plant("a finished step did what it is for", "it finished, and nothing happened") { account in
            account.lines[account.line("k-tell")].tookEffect = false
        },
        Plant("every intent has its outcome and every run its end", "an outcome is missing") { account in
            account.intents[account.place("k-tell")].returns = []
        },
        Plant("every intent has its outcome and every run its end", "a run has not ended") { account in
            account.stored.runs[0].endedAt = nil
        },
        Plant("no accepted alert is lost, none opens two runs", "an accepted alert is gone") { account in
            account.stored.alerts.removeFirst()
        },
        Plant("no accepted alert is lost, none opens two runs", "its source was told another id") { account in
            account.posted[0].alert = AlertID(stem: "09").text
        },
        Plant("no accepted alert is lost, none opens two runs", "nobody read it") { account in
            account.stored.alerts[0].state = .received
        },
        Plant("no accepted alert is lost, none opens two runs", "it has no run") { $0.stored.runs = [] },
        Plant("no accepted alert is lost, none opens two runs", "it has two runs") { account in
            account.stored.runs.append(account.stored.runs[0])
        },
        Plant("no accepted alert is lost, none opens two runs", "a stale one has a run") { account in
            account.posted[0].opensRun = false
        },
        Plant("every leaf is the hash of its line", "a leaf is another") { $0.stored.log[0].entry.leaf[0] ^= 1 },
    ]

    @Test(arguments: plants) func `the check finds its planted fault`(_ plant: Plant) throws {
        let check = try #require(Account.checks.first { $0.name == plant.check }, "there is no such check")
        var account = try Account.sample()
        for check in Account.checks { #expect(check.find(account) == [], "\(check.name)") }
        plant.damage(&account)
        #expect(!check.find(account).isEmpty)
    }

    @Test func `every check has a planted fault`() {
        #expect(Set(Account.checks.map(\.name)) == Set(Self.plants.map(\.check)))
    }

    @Test func `what the transport or a crash repeated by itself is no fault`() throws {
        var account = try Account.sample()
        account.lines.append(.sample(9, "k-revoke", "tokens.revoke"))
        account.intents[account.place("k-revoke")].returns[0].outcome.wasSentTwice = true
        #expect(account.uncountedRequests == [])
        account.intents[account.place("k-revoke")].returns = [.init(delivery: 1, outcome: .lost)]
        #expect(account.uncountedRequests == [])
    }
}

extension CountingProvider.Line {
    fileprivate static func sample(
        _ order: Int, _ key: String?, _ capability: String, asksState: Bool = false, tookEffect: Bool = false,
        status: Int? = 200
    ) -> CountingProvider.Line {
        CountingProvider.Line(
            order: order, key: key, capability: capability, subject: "token-1", asksState: asksState,
            tookEffect: tookEffect, status: status)
    }
}

extension Account {
    fileprivate func place(_ key: String) -> Int { intents.firstIndex { $0.key == key } ?? -1 }
    fileprivate func line(_ key: String) -> Int { lines.firstIndex { $0.key == key } ?? -1 }

    /// One run in which all went as it should: a convergent call with a state, a keyed, a probeable that was in doubt and
    /// resolved, a once; all of one alert.
    fileprivate static func sample() throws -> Account {
        var account = try Account(
            lines: [
                .sample(1, "k-revoke", "tokens.revoke", tookEffect: true),
                .sample(2, nil, "tokens.revoke", asksState: true),
                .sample(3, "k-deliver", "secret.deliver", tookEffect: true),
                .sample(4, "k-issue", "credential.issue", tookEffect: true, status: nil),
                .sample(5, "k-tell", "http.call", tookEffect: true),
            ],
            posted: [Posted(delivery: "d-1", alert: alert.id.text, subject: "token-1", opensRun: true)],
            stored: StoredHistory(log: [IndexedEntry(index: 0, entry: entry)], alerts: [alert]))
        account.stored.runs = [row]
        account.intents = [
            intent("k-revoke", "tokens_revoke", .convergent),
            intent("k-state", "tokens_revoke", .convergent, .readBack),
            intent("k-deliver", "secret_deliver", .keyed),
            intent("k-issue", "credential_issue", .probeable, outcome: Outcome(.unknown)),
            intent("k-tell", "http_call", .once),
        ]
        account.intents[account.place("k-issue")].resolution = Intent.Resolution(tookEffect: true, by: "probe")
        account.finished = [(row.id, "http_call", "token-1")]
        return account
    }

    private static func intent(
        _ key: String, _ step: String, _ effectClass: EffectClass, _ purpose: Call.Purpose = .act,
        outcome: Outcome = Outcome(.done, status: 200)
    ) -> Intent {
        let call = Call(
            number: 1, purpose: purpose, attempt: 1, capability: step.replacing("_", with: "."), provider: "counted",
            effectClass: effectClass, arguments: [:], seal: Seal(idempotencyKey: key, requestDigest: "sha256:0"),
            intendedAt: .zero, deadline: .zero)
        return Intent(
            run: row.id, subject: "token-1", step: step, call: call,
            returns: [Intent.Return(delivery: 1, outcome: outcome)])
    }

    private static var alert: Alert {
        Alert(
            id: AlertID(stem: "01"), source: "github", deliveryID: "d-1", receivedAt: .zero, headers: [:], body: [],
            bodyDigest: "sha256:0", originProof: .sharedSecret, state: .read)
    }

    private static var row: RunRecord {
        RunRecord(
            id: RunID(stem: "01"), decision: DecisionID(stem: "01"), alert: alert.id, playbook: "everything",
            playbookDigest: "sha256:0", workflow: "everything", workflowDigest: "sha256:0",
            subject: "credential:token-1", severity: .high, phase: "ended", wake: nil, dueAt: nil, number: 1,
            openedAt: .zero, updatedAt: .zero, endedAt: .zero, snapshot: [])
    }

    private static var entry: Entry {
        let bytes = Array(#"{"n":1}"#.utf8)
        return Entry(
            stream: alert.id.text, number: 1, at: .zero, kind: "alertReceived", bytes: bytes,
            leaf: MerkleLog.leafHash(bytes).bytes)
    }
}

extension Instant {
    fileprivate static let zero = Instant(milliseconds: 0)
}
