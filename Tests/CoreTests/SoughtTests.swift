// SPDX-License-Identifier: Apache-2.0

import CordonCore
import CordonLanguage
import Testing

/// Whom an alert means when the inventory doesn't know: what is asked, how an answer is read, and who it makes of it.
@Suite struct SoughtTests {
    private static let wanted = Wanted(kind: .serviceAccount, reference: ["issuer": "okta", "login": "bot@x"])
    private static let known = Subject(
        kind: .serviceAccount, id: "payments", provider: "okta", owner: "ann", tags: ["tier0"],
        attributes: ["okta_id": "00u9"])

    private func found(
        _ id: String = "00u9", names: [String: Value] = [:], handles: [String: Value] = ["okta_id": "00u9"]
    ) -> Found {
        Found(id: id, names: names, handles: handles, facts: ["status": "ACTIVE"], owner: nil, tags: ["bot"])
    }

    private func place(_ found: Found, _ inventory: Inventory, own: [String: String] = [:]) -> Resolution {
        inventory.place(found, for: Self.wanted, at: "okta", own: own)
    }

    @Test func `whom only the provider knows is a subject of its own, with what the provider says`() throws {
        guard case .resolved(let subject) = place(found(), .of(.token, matching: ["number": 7])) else {
            throw Refusal(.undecided, "it must be resolved")
        }
        #expect(subject.key == "service_account:okta/00u9")
        #expect(subject.provider == "okta")
        #expect(subject.tags == ["bot"])
        #expect(subject.attributes == ["okta_id": "00u9", "status": "ACTIVE"])
    }

    @Test func `the inventory goes first under every name that the provider shows, so that its tags protect`() {
        let byName = Inventory.of(Self.known, matching: ["issuer": "okta", "id": "00u9"])
        #expect(place(found(names: ["id": "00u9"]), byName) == .resolved(Self.known))
        // No name of it fits, and what requests call it by does.
        let byHandle = Inventory.of(Self.known, matching: ["issuer": "okta", "id": "another"])
        #expect(place(found(), byHandle) == .resolved(Self.known))
        #expect(place(found("00u8", handles: ["okta_id": "00u8"]), byHandle) != .resolved(Self.known))
    }

    @Test func `an answer that fits two of the inventory is ambiguous`() {
        var other = Self.known
        other.id = "billing"
        #expect(
            place(found(), .of(Self.known, other, matching: ["never": "named"])) == .ambiguous(["billing", "payments"]))
        let inventory = Inventory.of(Self.known, other, matching: ["id": "00u9"])
        #expect(place(found(names: ["id": "00u9"]), inventory) == .ambiguous(["billing", "payments"]))
    }

    @Test func `what Cordon itself signs in as is nobody to act on`() {
        let own = place(found(handles: ["user_id": "cordon"]), .of(.token, matching: ["n": 7]), own: ["user": "cordon"])
        #expect(own == .missing("okta names what Cordon itself signs in there as"))
    }

    struct Unread: Sendable, CustomTestStringConvertible {
        var answer: Value
        var reason: String
        var testDescription: String { answer.json }
    }

    private static let nameless = "the answer holds no 'id' of a look-up"
    private static let idle = "the answer says nothing by which 'u' could be acted on"

    static let unread: [Unread] = [
        Unread(answer: ["handles": ["a": 1]], reason: nameless),
        Unread(answer: ["id": "", "handles": ["a": 1]], reason: nameless),
        Unread(answer: ["id": true, "handles": ["a": 1]], reason: nameless),
        Unread(answer: ["id": .string(String(repeating: "x", count: 257)), "handles": ["a": 1]], reason: nameless),
        Unread(answer: ["id": "u"], reason: idle),
        Unread(answer: ["id": "u", "handles": ["a": .null]], reason: idle),
    ]

    @Test(arguments: unread)
    func `an answer that names nobody to act on is none`(_ item: Unread) {
        #expect(Found.read(item.answer) == .failure(Refusal(.undecided, item.reason)))
    }

    @Test func `a number is an id, and what is null is left out`() throws {
        let found = try Found.read(["id": 7, "handles": ["user_id": 7, "b": .null], "owner": .null]).get()
        #expect(found.id == "7")
        #expect(found.handles == ["user_id": 7])
        #expect(found.owner == nil && found.tags == [])
    }

    @Test
    func `who lives by it and what it does on an ordinary day goes along, from a provider and from the inventory`()
        throws
    {
        let many = (0..<60).map { Value.string("c\($0)") }
        let found = try Found.read([
            "id": "u", "handles": ["a": 1], "consumers": .array(many), "baseline": "reads\ninvoices",
        ]).get()
        let subject = found.subject(.serviceAccount, at: "okta")
        #expect(subject.consumers.count == Limits.consumersMax && subject.baseline == "reads invoices")
        let line: Value = [
            "about": ["kind": "service_account", "named": ["id": "u"]],
            "subject": Resolution.resolved(subject).value,
        ]
        #expect(Sought(line: line)?.resolution == .resolved(subject), "the history keeps it")
        #expect(subject.expressionValue["baseline"] == "reads invoices")
        #expect(Subject(kind: .credential, id: "a", provider: "b").value["consumers"] == nil)

        let sketch = DefinitionSketch.inventory
        let own = "    matches: { issuer: github, alert: 8 }\n"
        func told(_ more: String) -> Result<Inventory, Diagnostics> {
            sketch.changed(own, to: own + "    " + more + "\n").loadInventory()
        }
        #expect(
            try told("consumers: [payments, reports]").get()["backup-token"]?.subject.consumers == [
                "payments", "reports",
            ])
        #expect(try told("baseline: reads on weekdays").get()["backup-token"]?.subject.baseline == "reads on weekdays")
        let all = (0...Limits.consumersMax).map { "c\($0)" }.joined(separator: ", ")
        #expect(told("consumers: [\(all)]").failure?.all.map(\.code) == ["P037"])
        #expect(told("baseline: \(String(repeating: "x", count: 501))").failure?.all.map(\.code) == ["P037"])
    }

    // MARK: What is asked

    private func library(_ inventory: Inventory, _ playbooks: Playbook...) -> Library {
        Library(
            playbooks: playbooks, workflows: [Bench(LineSketch(id: "a", effectClass: .read)).workflow],
            inventory: inventory)
    }

    private static let number = Wanted(kind: .credential, reference: ["number": 7])

    @Test func `asked is about those whom a playbook means and nobody knows, once each`() {
        let unknown = Inventory(identities: [], digest: "")
        #expect(library(unknown, .sketch("a"), .sketch("b")).wanted(by: .exposure) == [Self.number])
        #expect(library(.ofToken, .sketch()).wanted(by: .exposure) == [])
        #expect(library(unknown, .sketch(mode: .off)).wanted(by: .exposure) == [])
        #expect(library(unknown, .sketch(when: #"signal.validity == "inactive""#)).wanted(by: .exposure) == [])
        #expect(library(unknown, .sketch(path: ["nothing"])).wanted(by: .exposure) == [])
    }

    @Test func `two of the inventory stay two: no provider is asked to choose`() {
        var other = Subject.token
        other.id = "another-token"
        let inventory = Inventory.of(.token, other, matching: ["number": 7])
        #expect(library(inventory, .sketch()).wanted(by: .exposure) == [])
    }

    // MARK: What is decided

    private func decision(_ resolution: Resolution, _ told: String) throws -> Decision.Match {
        var inventory = Inventory(identities: [], digest: "")
        inventory.sought = [Sought(wanted: Self.number, resolution: resolution, told: told)]
        let decision = decide(.exposure, library(inventory, .sketch()), at: .start)
        return try #require(decision.matches.first)
    }

    @Test func `a decision tells who named its subject`() throws {
        let match = try decision(.resolved(.token), "okta names it (alr_01@3) as")
        #expect(match.verdict == .enforce)
        #expect(match.resolution == .resolved(.token))
        #expect(match.reasons[1].because == "okta names it (alr_01@3) as credential:deploy-token")
    }

    @Test func `whom nobody names a person is asked about, with every reason`() throws {
        let missing = try decision(.missing("okta names nobody"), "")
        #expect(missing.verdict == .undecided)
        #expect(missing.gate == Run.Ask(kind: .undecided, reason: "okta names nobody"))
        let two = try decision(.ambiguous(["a/1", "b/2"]), "a names it as")
        #expect(two.gate == Run.Ask(kind: .undecided, reason: "more than one identity matches: a/1, b/2"))
    }

    @Test func `limits count also where more may be found than the inventory holds`() {
        let limits = EffectiveLimits(IdentityLimits(perPlaybook: 5), nil)
        var inventory = Inventory.ofToken
        #expect(limits.bounds(of: .token, "p", library(inventory)).isEmpty)
        inventory.isWidened = true
        #expect(limits.bounds(of: .token, "p", library(inventory)).map(\.most) == [5])
    }
}
