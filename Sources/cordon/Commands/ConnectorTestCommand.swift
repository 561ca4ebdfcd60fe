// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import CordonConnectors
import CordonCore
import CordonEngine
import CordonLanguage
import Foundation

struct ConnectorTest: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "test",
        abstract: "Give a connector a recorded body or answer, or have it read at a real provider.",
        discussion: """
            --body     what its source sends; told are the signals that it means
            --answer   what its provider answered, {"status": 200, "headers": {}, "body": {}}, to --call; told is what
                       that means and what of it is kept
            --provider an instance of connections.yaml; everything that the connector reads of --subject is asked for.
                       Nothing is changed: of what changes something, only its state is read. --to asks another host,
                       for instance a test system with the same settings. --control uses what the subject holds too,
                       as the control of a proof would: told is whether it works. A sign-in may open a session.

            It ends with 1 when a body means nothing, or an answer or a reading is no success.

            EXAMPLES
              cordon connector test keyring.yaml --answer answer.json --call credential.disable.state
              cordon connector test github --body leak.json --header x-github-event=secret_scanning_alert
              cordon connector test keyring.yaml --provider keys --subject billing-key
            """)

    @OptionGroup var common: CommonOptions
    @Argument(help: "The connector's file, or its name in the library.") var connector: String
    @Option(name: .long, help: "A file with what the source sends.") var body: String?
    @Option(name: .long, help: "A header that comes with it, NAME=VALUE.") var header: [String] = []
    @Option(name: .long, help: "A file with a recorded answer.") var answer: String?
    @Option(name: .long, help: "What was asked: a capability; .state, .verify or .undo behind it.") var call: String?
    @Option(name: .long, help: "What it was asked with, as JSON.") var with: String = "{}"
    @Option(name: .long, help: "The provider's id in connections.yaml.") var provider: String?
    @Option(name: .long, help: "The id in identities.yaml of whom is read.") var subject: String?
    @Option(name: .long, help: "Another address in place of the provider's own, https://HOST[:PORT].") var to: String?

    @Flag(name: .long, help: "Use what the subject holds too, as the control of a proof would.") var control = false

    func run() async throws {
        let settings = try await common.settings()
        let connector = try ConnectorCommand.load(self.connector, settings)
        switch (body, answer, provider) {
        case (let body?, nil, nil): try hear(connector, body)
        case (nil, let answer?, nil): try weigh(connector, answer)
        case (nil, nil, let provider?): try await read(connector, provider, settings)
        default: throw CommandFailure(.usage, "give one of --body, --answer and --provider")
        }
    }

    private func contents(_ file: String) throws -> [UInt8] {
        guard let contents = FileManager.default.contents(atPath: file) else {
            throw CommandFailure(.notFound, "there is no file \(file)")
        }
        return Array(contents)
    }

    // MARK: A body of its source

    private func hear(_ connector: Connector, _ file: String) throws {
        guard var source = connector.heardPlainly.source else {
            throw CommandFailure(.failed, "\(connector.name) describes no source")
        }
        source.authentication = .none
        let pairs = try header.map { text -> (String, String) in
            let parts = text.split(separator: "=", maxSplits: 1)
            guard parts.count == 2 else { throw CommandFailure(.usage, "--header is '\(text)'; write NAME=VALUE") }
            return (parts[0].lowercased(), String(parts[1]))
        }
        let delivery = InboundDelivery(
            headers: Dictionary(pairs) { _, last in last }, body: try contents(file))
        let now = SystemClock().now
        let alert: Alert
        do {
            alert = try source.receive(delivery, source: connector.name, secrets: [], id: AlertID(stem: "01"), at: now)
        } catch { throw CommandFailure(.failed, "the body would not be taken: \(error.rawValue)") }
        let (meaning, closes) = source.hear(alert)
        for matter in closes {
            let asOf = matter.asOf.map { " as of \($0)" } ?? ", as of when it comes"
            Output.note("it closes \(printable(matter.key))\(asOf)")
        }
        switch meaning {
        case .signals(let signals): tell(signals)
        case .partly(let signals, let unread):
            tell(signals)
            throw CommandFailure(.failed, "something of it is of no shape that is known: \(unread)")
        case .nothing where !closes.isEmpty: break
        case .nothing(let reason): throw CommandFailure(.failed, "it means nothing: \(reason)")
        case .unknownShape(let reason): throw CommandFailure(.failed, "it is of no shape that is known: \(reason)")
        }
    }

    private func tell(_ signals: [Signal]) {
        Output.many(
            signals.map {
                [
                    "kind": .string($0.kind), "severity": .string($0.severity.rawValue), "with": $0.attributes,
                    "event": $0.eventKey.map(Value.string) ?? .null, "about": $0.about?.value ?? .null,
                ]
            }, as: common.output,
            columns: [
                Output.Column("KIND") { $0["kind"]?.stringValue ?? "" },
                Output.Column("SEVERITY") { $0["severity"]?.stringValue ?? "" },
                Output.Column("WITH") { $0["with"]?.json ?? "" },
            ])
    }

    // MARK: An answer of its provider

    private func weigh(_ connector: Connector, _ file: String) throws {
        guard let call else { throw CommandFailure(.usage, "--answer needs --call: what was asked") }
        let (exchange, isWrite) = try exchange(connector, call)
        guard let recorded = try? JSON.parse(try contents(file)), let status = recorded["status"]?.intValue else {
            throw CommandFailure(.failed, "\(file) is no JSON object with a 'status'")
        }
        guard let arguments = try? JSON.parse(Array(with.utf8)) else {
            throw CommandFailure(.usage, "--with is no JSON")
        }
        let body = recorded["body"]
        let headers = (recorded["headers"]?.objectValue ?? [:]).map {
            ($0.key.lowercased(), $0.value.stringValue ?? "")
        }
        let response = OutboundResponse(
            status: Int(status), headers: Dictionary(headers) { _, last in last },
            body: body?.stringValue.map { Array($0.utf8) } ?? body?.jsonBytes ?? [])
        let delivery = Delivery(fate: .answered(response), durationMilliseconds: 0)
        let rates = connector.provider?.rates
        let outcome = CordonConnectors.read(
            delivery, exchange, isWrite ? .convergent : .read, arguments: arguments, rates: rates,
            at: SystemClock().now
        ).outcome
        try conclude([(call, outcome)])
    }

    private func exchange(
        _ connector: Connector, _ call: String
    ) throws -> (exchange: ProviderShape.Exchange, isWrite: Bool) {
        let actions = connector.provider?.actions ?? [:]
        for (name, action) in actions {
            switch call {
            case name: return (action.act, action.effectClass.isWrite)
            case name + ".state": if let state = action.state { return (state, false) }
            case name + ".verify": if let verify = action.verify { return (verify, false) }
            case name + ".undo": if let undo = action.undo { return (undo, true) }
            default: break
            }
        }
        let known = actions.keys.sorted().joined(separator: ", ")
        throw CommandFailure(
            .notFound, "\(connector.name) has no call '\(call)'; it has: \(known.isEmpty ? "none" : known)")
    }

    /// Ends with 1 where something is no success.
    private func conclude(_ outcomes: [(call: String, outcome: Outcome)]) throws {
        Output.many(
            outcomes.map { call, outcome in
                [
                    "call": .string(call), "outcome": .string(outcome.kind.rawValue),
                    "status": outcome.status.map { .int(Int64($0)) } ?? .null, "keeps": outcome.result,
                    "reason": outcome.reason.map(Value.string) ?? .null,
                    "wait_ms": outcome.retryAfterMilliseconds.map(Value.int) ?? .null,
                ]
            }, as: common.output,
            columns: [
                Output.Column("CALL") { $0["call"]?.stringValue ?? "" },
                Output.Column("OUTCOME") { $0["outcome"]?.stringValue ?? "" },
                Output.Column("STATUS") { $0["status"]?.intValue.map(String.init) ?? "-" },
                Output.Column("KEEPS, OR WHY") { row in
                    let wait = row["wait_ms"]?.intValue.map { ", for \($0 / 1000) s" } ?? ""
                    return row["reason"]?.stringValue.map { $0 + wait } ?? row["keeps"]?.json ?? ""
                },
            ])
        let failed = outcomes.filter { $0.outcome.kind != .done && $0.outcome.kind != .already }
        guard failed.isEmpty else {
            throw CommandFailure(.failed, "no success: \(failed.map(\.call).joined(separator: ", "))")
        }
    }

    // MARK: A provider that is there

    private func read(_ connector: Connector, _ id: String, _ settings: Settings) async throws {
        let shelf = try Shelf.load(settings)
        guard let shape = connector.provider, var connection = shelf.connections.provider(id),
            connection.connector == connector.name
        else {
            throw CommandFailure(
                .notFound, "connections.yaml has no provider '\(id)' of the connector \(connector.name)")
        }
        if let to { connection.settings = connection.settings.mapValues { at(to, $0) } }
        guard let name = subject, let identity = shelf.library.inventory[name] else {
            throw CommandFailure(.notFound, "identities.yaml has nobody of the id '\(subject ?? "")'; name --subject")
        }
        let transport = try CurlTransport()
        let secrets = await SecretReader.ready(
            settings, shelf.connections, for: Array(connection.secrets.values) + Array(identity.secrets.values),
            transport)
        let reader = Reading(
            provider: Provider(connection: connection, shape: shape), subject: identity.subject,
            inventory: shelf.library.inventory, secrets: secrets, transport: transport)
        var outcomes: [(String, Outcome)] = []
        for name in shape.actions.keys.sorted() {
            if let outcome = await reader.outcome(of: name) { outcomes.append((name, outcome)) }
            guard control, let outcome = await reader.outcome(of: name, .control) else { continue }
            outcomes.append((name + ".verify", reader.weighed(outcome, of: name)))
        }
        await transport.close()
        guard !outcomes.isEmpty else {
            throw CommandFailure(.failed, "there is nothing that could be read of a \(identity.subject.kind.rawValue)")
        }
        try conclude(outcomes)
    }

    /// The same setting at another host; what is no address stays.
    private func at(_ host: String, _ setting: String) -> String {
        guard setting.hasPrefix("http://") || setting.hasPrefix("https://"),
            let scheme = setting.firstRange(of: "://")
        else { return setting }
        let path = setting[scheme.upperBound...].drop { $0 != "/" }
        return (host.hasSuffix("/") ? String(host.dropLast()) : host) + path
    }
}

/// What a connector reads of one subject, asked for as a run would.
private struct Reading {
    var provider: Provider
    var subject: Subject
    var inventory: Inventory
    var secrets: SecretReader
    var transport: CurlTransport

    /// With the word on whether what the subject holds works.
    func weighed(_ outcome: Outcome, of name: String) -> Outcome {
        guard let rule = provider.shape.actions[name]?.proof, let capability = Capability.named(name),
            outcome.kind == .done || outcome.kind == .already
        else { return outcome }
        var told = outcome
        var members = outcome.result.objectValue ?? [:]
        members["works"] =
            switch rule.works.decide(["seen": outcome.result, "with": arguments(capability)]) {
            case .isTrue: true
            case .isFalse: false
            case .undecided: .null
            }
        told.result = .object(members)
        return told
    }

    private func arguments(_ capability: Capability) -> Value {
        .object(Dictionary(uniqueKeysWithValues: capability.parameters.map { ($0.name, subject.expressionValue) }))
    }

    /// `nil`: it reads nothing, or takes more than the subject.
    func outcome(of name: String, _ wanted: Call.Purpose? = nil) async -> Outcome? {
        guard let action = provider.shape.actions[name], let capability = Capability.named(name),
            capability.subjects.contains(subject.kind), capability.parameters.allSatisfy({ $0.takes == .subject })
        else { return nil }
        let purpose = wanted ?? (action.effectClass.isWrite ? .before : .act)
        guard action.exchange(for: purpose) != nil else { return nil }
        let arguments = arguments(capability)
        let id = provider.connection.id
        let sealer = CallSealer(providers: [id: provider], key: Secret(Array(randomHex(32).utf8)))
        let run = RunID(stem: "01")
        let draft = CallDraft(
            run: run, step: name, number: 1, purpose: purpose, capability: name, provider: id, arguments: arguments)
        let now = SystemClock().now
        switch sealer.seal(draft) {
        case .failure(let refusal): return Outcome(.refused, reason: "not sent: \(refusal.reason)")
        case .success(let seal):
            let call = Call(
                number: 1, purpose: purpose, attempt: 1, capability: name, provider: id, effectClass: .read,
                arguments: arguments, seal: seal, intendedAt: now,
                deadline: now.adding(milliseconds: action.timeoutMilliseconds))
            let inventory = inventory
            let performer = Performer(
                providers: [id: provider], inventory: { inventory }, secrets: secrets, transport: transport,
                sealer: sealer, clock: { SystemClock().now })
            return await performer.performInTurn(Errand(run: run, step: name, call: call, subject: subject)).outcome
        }
    }
}
