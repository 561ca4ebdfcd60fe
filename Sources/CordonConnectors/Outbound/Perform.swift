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
    package var playbook: String
    /// When its step's time is up: it may stand in line until then.
    package var latest: Instant?

    package init(
        run: RunID, step: String, call: Call, subject: Subject?, severity: Signal.Severity = .medium,
        playbook: String = "", latest: Instant? = nil
    ) {
        self.playbook = playbook
        self.latest = latest
        self.severity = severity
        self.run = run
        self.step = step
        self.call = call
        self.subject = subject
    }

    /// `run_…/step#n`: its name while it waits in line.
    package var name: String { "\(run)/\(step)#\(call.number)" }

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
    let secrets: SecretReader
    let transport: any Transport
    /// For connections that are reached by mail; `nil`: none is.
    let mail: MailTransport?
    let tokens: TokenDesk
    private let sealer: CallSealer
    private let lanes: Lanes
    private let issued = IssuedDesk()
    let clock: @Sendable () -> Instant

    package init(
        providers: [String: Provider], inventory: @escaping @Sendable () -> Inventory, secrets: SecretReader,
        transport: any Transport, mail: MailTransport? = nil, sealer: CallSealer, lanes: Lanes = Lanes(),
        tokens: TokenDesk = TokenDesk(), clock: @escaping @Sendable () -> Instant
    ) {
        self.lanes = lanes
        self.tokens = tokens
        self.clock = clock
        self.providers = providers
        self.inventory = inventory
        self.secrets = secrets
        self.transport = transport
        self.mail = mail
        self.sealer = sealer
    }

    /// Puts the call in its provider's line. What `turn` is given goes to `perform`, also when it says no.
    ///
    /// - Parameter isPatient: it waits while the provider is left alone, instead of being told so.
    package func queue(_ errand: Errand, isPatient: Bool = true, _ turn: @escaping Lanes.Turn) {
        let now = clock()
        // What must not be sent twice does not stand in line through an outage: a crash would put it in doubt.
        let end = isPatient && errand.call.redeliveryClass.mayBeRedelivered ? errand.latest : now
        lanes.enter(
            errand.call.provider, name: errand.name, rank: errand.severity.rank, until: end, at: now, turn)
    }

    /// Waits in the line and makes the call: for the few that somebody stands before, not for those of runs.
    package func performInTurn(_ errand: Errand, isSealedHere: Bool = false) async -> ReadAnswer {
        let verdict = await withCheckedContinuation { turn in
            queue(errand, isPatient: false) { turn.resume(returning: $0) }
        }
        return await perform(errand, verdict, isSealedHere: isSealedHere)
    }

    /// Makes the call when its lane said `go`, and reports to the lane whatever becomes of it; otherwise says why not.
    ///
    /// - Parameters:
    ///   - isSealedHere: this process sealed the call: its settings are fixed, so it is the same request still.
    ///   - obstacle: why it must not leave, looked at last when its first byte would: it may have stood in line for long.
    package func perform(
        _ errand: Errand, _ verdict: Lane.Verdict, isSealedHere: Bool = false,
        unless obstacle: @Sendable () -> String? = { nil }
    ) async -> ReadAnswer {
        if case .withheld(let reason, let milliseconds) = verdict {
            return ReadAnswer(outcome: Outcome.withheld(reason, milliseconds: milliseconds))
        }
        if let reason = obstacle() {
            lanes.settle(errand.call.provider, .nothing, at: clock())
            return ReadAnswer(outcome: Outcome.withheld(reason))
        }
        switch prepare(errand, isSealedHere: isSealedHere) {
        case .failure(let box):
            lanes.settle(errand.call.provider, .nothing, at: clock())
            return ReadAnswer(outcome: box.lack)
        case .success(let ready):
            return keepIssued(await send(ready, errand, unless: obstacle), errand)
        }
    }

    /// What was issued stays in memory, and the history is told its handle and its fingerprint.
    private func keepIssued(_ answer: ReadAnswer, _ errand: Errand) -> ReadAnswer {
        guard let secret = answer.issued else { return answer }
        var answer = answer
        let handle = Value.handle(ofCall: errand.draft.id)
        secret.note(in: secrets.known)
        issued.keep(secret, as: handle, at: clock())
        var told = answer.outcome.result.objectValue ?? [:]
        told["secret"] = .string(handle)
        told["fingerprint"] = .string(sealer.fingerprint(secret))
        answer.outcome.result = .object(told)
        answer.issued = nil
        return answer
    }

    /// A request that may leave, and what its answer is read by.
    private struct Ready {
        var built: BuiltRequest
        var provider: Provider
        var exchange: ProviderShape.Exchange
        var held: Held
    }

    /// What was read of secrets and files for one call.
    struct Held {
        var values: [String: Value] = [:]
        /// What is shown when the connection is made.
        var identity: ClientIdentity?
        /// The only authorities to trust.
        var authorityPEM: [UInt8]?
        var mark = ""
    }

    private func prepare(_ errand: Errand, isSealedHere: Bool) -> Result<Ready, TokenDesk.Box> {
        let call = errand.call
        guard let provider = providers[call.provider], let action = provider.shape.action(call.capability),
            let exchange = action.exchange(for: call.purpose)
        else { return .failure(unsent("\(call.provider) no longer offers \(call.capability)")) }
        // The intent says what would be sent. If settings changed since, a person decides, not the change.
        guard isSealedHere || sealer.seal(errand.draft) == .success(call.seal) else {
            return .failure(
                unsent("the request is no longer the one that was intended; its provider's settings changed"))
        }
        var held: Held
        do { held = try reveal(provider, exchange, errand.subject) } catch {
            // Somewhere else has it, and may answer again: nothing is guessed, and nothing is given up.
            return .failure(unsent(error.reason, error.code == .secretUnavailable ? .later : .refused))
        }
        var beside = Provider.Beside(mark: sealer.mark(errand.draft))
        held.mark = beside.mark
        if exchange.request.needsIssued {
            guard let handle = call.arguments.secretHandle, let secret = issued.secret(handle, at: clock()) else {
                var box = unsent("the secret that it carries is in memory no more, and is stored nowhere")
                box.lack.lacksSecret = true
                return .failure(box)
            }
            beside.issued = secret.variable
            if exchange.request.isAsIssued { held.signInAs(secret, provider) }
        }
        return provider.build(
            call.capability, call.purpose, call.arguments, secrets: held.values,
            idempotencyKey: call.seal.idempotencyKey, beside: beside,
            for: .sending(clock(), id: call.seal.idempotencyKey)
        ).mapError { unsent($0.reason) }.map { Ready(built: $0, provider: provider, exchange: exchange, held: held) }
    }

    private func unsent(_ reason: String, _ kind: Outcome.Kind = .refused) -> TokenDesk.Box {
        TokenDesk.Box(lack: Outcome(kind, reason: "not sent: \(reason)"))
    }

    /// Sends it; the call's time begins when its lane lets it go, so that a long line ends no call and makes no outcome
    /// unknown. The pages of a listing are asked for in one turn of
    /// the lane, within the time of the one call.
    private func send(
        _ ready: Ready, _ errand: Errand, unless obstacle: @Sendable () -> String?
    ) async -> ReadAnswer {
        let call = errand.call
        let (built, provider, exchange, held) = (ready.built, ready.provider, ready.exchange, ready.held)
        let until = until(errand, provider)
        var request = built
        if exchange.request.isMerged {
            switch await merge(built, call, until, provider, held, unless: obstacle) {
            case .success(let whole): request = whole
            case .failure(let box):
                let isFailure = box.lack.kind == .later && !box.lack.wasWithheld
                lanes.settle(call.provider, isFailure ? .failed : .nothing, at: clock())
                return ReadAnswer(outcome: box.lack)
            }
        }
        var listing = Listing()
        while true {
            guard let delivery = await deliver(request, call, until, provider, held, unless: obstacle) else {
                lanes.settle(call.provider, .nothing, at: clock())
                return listing.pages == 0 ? Performer.late : Performer.unfinished(listing)
            }
            switch delivery {
            case .failure(let box):
                // A token endpoint that can't be reached says of its provider what a call would have said.
                let isFailure = box.lack.kind == .later && !box.lack.wasWithheld
                lanes.settle(call.provider, isFailure ? .failed : .nothing, at: clock())
                return ReadAnswer(outcome: box.lack)
            case .success(let delivery):
                let page = Page(at: request.address, first: built.address, earlier: listing)
                if let (next, taken) = page.goesOn(delivery, exchange, arguments: call.arguments, mark: held.mark) {
                    request.address = next
                    listing = taken
                    continue
                }
                let now = clock()
                lanes.settle(call.provider, Lane.Report(delivery, provider.shape.rates, at: now), at: now)
                return read(
                    delivery, exchange, call.redeliveryClass, arguments: call.arguments, mark: held.mark,
                    rates: provider.shape.rates, at: now, page: page, standIn: sealer.standIn)
            }
        }
    }

    /// `nil` when its time was up. A token that the provider no longer takes is renewed once: a call that was refused
    /// for who asks did nothing.
    private func deliver(
        _ built: BuiltRequest, _ call: Call, _ until: Instant, _ provider: Provider, _ held: Held,
        unless obstacle: @Sendable () -> String?
    ) async -> Result<Delivery, TokenDesk.Box>? {
        let isFresh = !call.redeliveryClass.mayBeRedelivered || call.redeliveryClass == .keyed
        var isRenewed = false
        while true {
            let signed: Signed
            switch await sign(built, provider, held, until: until) {
            case .failure(let box): return .failure(box)
            case .success(let request): signed = request
            }
            let timeout = min(until.since(clock()), Limits.callTimeoutMillisecondsMax)
            guard timeout > 0 else { return nil }
            // Who asks may have had to be found out first, which takes time as well.
            if let reason = obstacle() { return .failure(TokenDesk.Box(lack: .withheld(reason))) }
            if signed.request.method == ProviderShape.Mail.method {
                return .success(await post(signed.request, call, provider, held, timeout))
            }
            let delivery = await transport.send(outbound(signed.request, provider, held, timeout, isFresh: isFresh))
            guard let token = signed.token, !isRenewed, !delivery.wasSentTwice,
                case .answered(let response) = delivery.fate, response.status == 401
            else { return .success(delivery) }
            tokens.forget(token, of: provider.connection.id)
            isRenewed = true
        }
    }

    /// What stands at the request's address, with the request's members set. Nothing of it is kept.
    private func merge(
        _ built: BuiltRequest, _ call: Call, _ until: Instant, _ provider: Provider, _ held: Held,
        unless obstacle: @Sendable () -> String?
    ) async -> Result<BuiltRequest, TokenDesk.Box> {
        var look = built
        (look.method, look.body) = ("GET", nil)
        for name in ["content-type", "idempotency-key"] { look.headers[name] = nil }
        guard let delivered = await deliver(look, call, until, provider, held, unless: obstacle) else {
            return .failure(TokenDesk.Box(lack: Performer.late.outcome))
        }
        let delivery: Delivery
        switch delivered {
        case .failure(let box): return .failure(box)
        case .success(let found): delivery = found
        }
        guard case .answered(let response) = delivery.fate else {
            return .failure(unsent("what stands there could not be read", .later))
        }
        guard response.status == 200, case .object(let standing)? = try? JSON.parse(response.body),
            case .object(let wanted)? = built.body.flatMap({ try? JSON.parse($0) }),
            // What lacks the members to be set is something else, such as a proxy's page.
            wanted.keys.allSatisfy({ standing[$0] != nil })
        else {
            let isBusy = response.status == 429 || response.status >= 500
            return .failure(
                unsent("what stands there could not be read (HTTP \(response.status))", isBusy ? .later : .refused))
        }
        var whole = built
        whole.body = Value.object(standing.merging(wanted) { _, own in own }).jsonBytes
        return .success(whole)
    }

    /// When the call ends at the latest: its provider's time from now on, within that of its step.
    private func until(_ errand: Errand, _ provider: Provider) -> Instant {
        let call = errand.call
        let action = provider.shape.action(call.capability)
        let own = action?.timeoutMilliseconds ?? Limits.callTimeoutMillisecondsDefault
        let span = call.purpose == .control ? min(own, Limits.controlMillisecondsMax) : own
        var end = clock().adding(milliseconds: span)
        // Sent again, it is the same call only while its key is remembered, however long it stood in line.
        if call.delivery > 1, call.redeliveryClass == .keyed {
            let window = action?.keyWindowMilliseconds ?? Limits.keyWindowMillisecondsDefault
            end = min(end, call.intendedAt.adding(milliseconds: window))
        }
        return errand.latest.map { min(end, $0) } ?? end
    }

    private static func unfinished(_ listing: Listing) -> ReadAnswer {
        let pages = listing.pages == 1 ? "1 page" : "\(listing.pages) pages"
        return ReadAnswer(
            outcome: Outcome(.later, reason: "\(Outcome.unfinishedReason) after \(pages), so nothing of it counts"))
    }

    private static let late = ReadAnswer(
        outcome: Outcome(.later, reason: Outcome.lateReason, wasWithheld: true))

    /// The secrets that this request names, and no others: what is not read can't leak.
    private func reveal(
        _ provider: Provider, _ exchange: ProviderShape.Exchange, _ subject: Subject?
    ) throws(ConnectorError) -> Held {
        let shape = provider.shape
        let pair = shape.certificate
        let shown = [pair?.certificate, pair?.key].compactMap(\.self)
        let named = exchange.secrets.union(provider.authentication.secrets).union(shown)
        var values: [String: Value] = [:]
        // Those of the ways to sign in that are not taken here stay where they are.
        let mayHave = Set(shape.optionalSecrets).subtracting(shape.ways.flatMap(\.secrets))
        for (name, reference) in provider.connection.secrets where named.contains(name) || mayHave.contains(name) {
            values[name] = .string(String(decoding: try secrets.read(reference).reveal(), as: UTF8.self))
        }
        let identity = subject.flatMap { inventory()[$0.id] }
        for name in shape.subjectSecrets where named.contains(name) {
            guard let reference = identity?.secrets[name] else {
                throw ConnectorError(
                    .secretMissing, "the inventory has no secret '\(name)' for \(subject?.id ?? "the subject")")
            }
            values[name] = .string(String(decoding: try secrets.read(reference).reveal(), as: UTF8.self))
        }
        var held = Held(values: values)
        if let pair, let certificate = values[pair.certificate]?.stringValue, let key = values[pair.key]?.stringValue {
            held.identity = ClientIdentity(certificatePEM: Array(certificate.utf8), keyPEM: Secret(Array(key.utf8)))
        }
        if let authority = provider.connection.authority {
            held.authorityPEM = try secrets.read(authority, isPublic: true).reveal()
        }
        return held
    }
}

extension Performer.Held {
    /// Whoever holds the new credential asks: its parts stand in the place of the connection's own secrets.
    fileprivate mutating func signInAs(_ secret: IssuedSecret, _ provider: Provider) {
        let own = provider.authentication.secrets
        for name in own.union(provider.shape.optionalSecrets) { values[name] = nil }
        for name in own {
            if let part = secret[name] { values[name] = .string(part) }
        }
    }
}

extension Outcome {
    static func withheld(_ reason: String, milliseconds: Int64? = nil) -> Outcome {
        Outcome(.later, reason: "not sent: \(reason)", retryAfterMilliseconds: milliseconds, wasWithheld: true)
    }

    /// Of a listing that was begun and took longer than its call may.
    static var unfinishedReason: String { "the listing's time was up" }
    /// Of a call that waited so long that it was not sent.
    static var lateReason: String { "not sent: its time was up before it began" }
}
