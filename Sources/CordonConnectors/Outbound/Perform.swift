// SPDX-License-Identifier: Apache-2.0

package import CordonCore
import CordonLanguage

/// A call to be made for a run, with whom it is about.
package struct Errand: Sendable, Hashable {
    package var run: RunID
    package var step: String
    package var call: Call
    package var subject: Subject?

    package init(run: RunID, step: String, call: Call, subject: Subject?) {
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

    package init(
        providers: [String: Provider], inventory: @escaping @Sendable () -> Inventory, secrets: SecretReader,
        transport: any Transport, sealer: CallSealer
    ) {
        self.providers = providers
        self.inventory = inventory
        self.secrets = secrets
        self.transport = transport
        self.sealer = sealer
    }

    /// `isSealedHere` says that this process sealed the call: its settings are fixed, so it is the same request still.
    package func perform(_ errand: Errand, isSealedHere: Bool = false, now: Instant) async -> ReadAnswer {
        let call = errand.call
        let timeout = min(call.deadline.since(now), Limits.callTimeoutMillisecondsMax)
        guard timeout > 0 else { return refusal(.later, "not sent: its time was up before it began") }
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
            let request = OutboundRequest(
                method: built.method, url: built.url, headers: built.headers.map { ($0.key, $0.value) },
                body: built.body, timeoutMilliseconds: timeout, responseBytesMax: Limits.responseBytesMax,
                needsFreshConnection: !call.redeliveryClass.mayBeRedelivered || call.redeliveryClass == .keyed,
                egress: provider.connection.egress)
            return read(await transport.send(request), exchange, call.redeliveryClass)
        }
    }

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
