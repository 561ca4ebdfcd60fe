// SPDX-License-Identifier: Apache-2.0

package import CordonCore
import CordonLanguage

/// A call to be made for a run, with whom it is about.
package struct Errand: Sendable, Hashable {
    package var run: RunID
    package var step: String
    package var call: Call
    package var subject: Subject?
    package var severity: Signal.Severity

    package init(run: RunID, step: String, call: Call, subject: Subject?, severity: Signal.Severity = .medium) {
        self.severity = severity
        self.run = run
        self.step = step
        self.call = call
        self.subject = subject
    }

    var draft: CallDraft {
        CallDraft(
            run: run, step: step, number: call.number, purpose: call.purpose, capability: call.capability,
            provider: call.provider, arguments: call.arguments)
    }
}

/// Makes calls: builds the request that was sealed, with its secrets put in, sends it, and reads what became of it.
///
/// The caller has stored the call's intent before; this is the only place where the world is changed.
package struct Performer: Sendable {
    private let providers: [String: Provider]
    private let inventory: @Sendable () -> Inventory
    private let secrets: SecretReader
    private let transport: any Transport
    private let sealer: CallSealer
    private let lanes: Lanes
    private let clock: @Sendable () -> Instant

    package init(
        providers: [String: Provider], inventory: @escaping @Sendable () -> Inventory, secrets: SecretReader,
        transport: any Transport, sealer: CallSealer, lanes: Lanes = Lanes(),
        clock: @escaping @Sendable () -> Instant
    ) {
        self.lanes = lanes
        self.clock = clock
        self.providers = providers
        self.inventory = inventory
        self.secrets = secrets
        self.transport = transport
        self.sealer = sealer
    }

    /// `isSealedHere` says that this process sealed the call: its settings are fixed, so it is the same request still.
    package func perform(_ errand: Errand, isSealedHere: Bool = false) async -> ReadAnswer {
        let call = errand.call
        guard call.deadline > clock() else { return Performer.late }
        guard let provider = providers[call.provider], let action = provider.shape.actions[call.capability],
            let exchange = action.exchange(for: call.purpose)
        else { return refusal(.refused, "not sent: \(call.provider) no longer offers \(call.capability)") }
        // The intent says what would be sent. If settings changed since, a person decides, not the change.
        guard isSealedHere || sealer.seal(errand.draft) == .success(call.seal) else {
            return refusal(
                .refused,
                "not sent: the request is no longer the one that was intended; its provider's settings changed")
        }
        let values: [String: Value]
        do { values = try reveal(provider, errand.subject) } catch {
            return refusal(.refused, "not sent: \(error.reason)")
        }
        switch provider.build(
            call.capability, call.purpose, call.arguments, secrets: values, idempotencyKey: call.seal.idempotencyKey)
        {
        case .failure(let refused): return refusal(.refused, "not sent: \(refused.reason)")
        case .success(let built):
            return await send(built, errand, provider, exchange)
        }
    }

    /// Sends it when its provider's lane lets it go; the call's time runs while it waits.
    private func send(
        _ built: BuiltRequest, _ errand: Errand, _ provider: Provider, _ exchange: ProviderShape.Exchange
    ) async -> ReadAnswer {
        let call = errand.call
        let verdict = await lanes.enter(call.provider, rank: errand.severity.rank, at: clock())
        if case .withheld(let reason, let milliseconds) = verdict {
            return ReadAnswer(
                outcome: Outcome(
                    .later, reason: "not sent: \(reason)", retryAfterMilliseconds: milliseconds, wasWithheld: true))
        }
        let timeout = min(call.deadline.since(clock()), Limits.callTimeoutMillisecondsMax)
        guard timeout > 0 else {
            lanes.settle(call.provider, .nothing, at: clock())
            return Performer.late
        }
        let delivery = await transport.send(
            OutboundRequest(
                method: built.method, url: built.url, headers: built.headers.map { ($0.key, $0.value) },
                body: built.body, timeoutMilliseconds: timeout, responseBytesMax: Limits.responseBytesMax,
                needsFreshConnection: !call.redeliveryClass.mayBeRedelivered || call.redeliveryClass == .keyed,
                egress: provider.connection.egress))
        lanes.settle(call.provider, Lane.Report(delivery), at: clock())
        return read(delivery, exchange, call.redeliveryClass)
    }

    private static let late = ReadAnswer(outcome: Outcome(.later, reason: "not sent: its time was up before it began"))

    private func refusal(_ kind: Outcome.Kind, _ reason: String) -> ReadAnswer {
        ReadAnswer(outcome: Outcome(kind, reason: reason))
    }

    private func reveal(_ provider: Provider, _ subject: Subject?) throws(ConnectorError) -> [String: Value] {
        var values: [String: Value] = [:]
        for (name, reference) in provider.connection.secrets {
            values[name] = .string(String(decoding: try secrets.read(reference).reveal(), as: UTF8.self))
        }
        let identity = subject.flatMap { inventory()[$0.id] }
        for name in provider.shape.subjectSecrets {
            guard let reference = identity?.secrets[name] else {
                throw ConnectorError(
                    .secretMissing, "the inventory has no secret '\(name)' for \(subject?.id ?? "the subject")")
            }
            values[name] = .string(String(decoding: try secrets.read(reference).reveal(), as: UTF8.self))
        }
        return values
    }
}
