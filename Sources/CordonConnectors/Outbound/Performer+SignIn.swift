// SPDX-License-Identifier: Apache-2.0

import CordonCore
import CordonLanguage

extension Performer {
    /// A request with who asks put in, and the token that says so, where one does.
    struct Signed {
        var request: BuiltRequest
        var token: TokenDesk.Token?
    }

    /// Puts in what only the moment of sending gives: a token, fetched if need be, or a signature.
    func sign(
        _ built: BuiltRequest, _ provider: Provider, _ held: Held, until deadline: Instant
    ) async -> Result<Signed, TokenDesk.Box> {
        let values = held.values
        if built.isAnonymous { return .success(Signed(request: built)) }
        switch provider.authentication {
        case .none, .basic, .header: return .success(Signed(request: built))
        case .assertion(let token): return asserting(token, in: built, provider, values)
        // Without its handle the request is anonymous.
        case .signed where built.headers["authorization"] == nil: return .success(Signed(request: built))
        case .token(let signIn) where built.headers[signIn.header] == nil: return .success(Signed(request: built))
        case .signed(let signing):
            guard let accessKey = values[signing.accessKey]?.stringValue,
                let secretKey = values[signing.secretKey]?.stringValue,
                let region = signing.regions[built.to].flatMap({ provider.connection.settings[$0] }),
                let service = signing.services[built.to]
            else { return .failure(lack(.refused, "a key or its region is missing")) }
            let signer = SigV4(
                accessKey: accessKey, secretKey: secretKey,
                sessionToken: signing.sessionToken.flatMap { values[$0]?.stringValue }, region: region,
                service: service)
            var request = built
            request.headers = signer.sign(built, at: clock())
            return .success(Signed(request: request))
        case .token(let signIn):
            let found = await tokens.token(of: provider.connection.id, at: clock()) {
                await fetch(signIn, provider, held, until: deadline)
            }
            return found.map { token in
                var request = built
                request.headers[signIn.header] = signIn.value(String(decoding: token.value.reveal(), as: UTF8.self))
                return Signed(request: request, token: token)
            }
        }
    }

    /// RFC 7523 §2.2: two more fields of the form. Each has a number of its own, as those who take it once alone want.
    private func asserting(
        _ token: ProviderShape.WebToken, in built: BuiltRequest, _ provider: Provider, _ values: [String: Value]
    ) -> Result<Signed, TokenDesk.Box> {
        var request = built
        do {
            let code = try provider.jwt(
                token, provider.variables(.object([:]), secrets: values), .sending(clock(), id: randomName()))
            let fields = ["client_assertion_type=" + percentEncoded(assertionType), "client_assertion=" + code]
            let form = request.body.map { String(decoding: $0, as: UTF8.self) } ?? ""
            request.body = Array(([form] + fields).filter { !$0.isEmpty }.joined(separator: "&").utf8)
            request.headers["content-type"] = "application/x-www-form-urlencoded"
        } catch { return .failure(lack(.refused, error.reason)) }
        return .success(Signed(request: request))
    }

    private func fetch(
        _ signIn: ProviderShape.SignIn, _ provider: Provider, _ held: Held, until deadline: Instant
    ) async -> Result<(value: Secret, staleAt: Instant), TokenDesk.Box> {
        var built: BuiltRequest
        do {
            built = try provider.build(
                signIn.exchange, .object([:]), held.values, for: .sending(clock(), id: randomName()))
            if let client = signIn.client {
                built.headers["authorization"] = try provider.basic(client.user, client.password, held.values)
            }
        } catch { return .failure(lack(.refused, "a token could not be asked for: \(error.reason)")) }
        let timeout = min(deadline.since(clock()), Limits.callTimeoutMillisecondsMax)
        guard timeout > 0 else { return .failure(lack(.later, "its time was up before it had a token")) }
        let delivery = await transport.send(outbound(built, provider, held, timeout, isFresh: false))
        switch delivery.fate {
        case .notSent(let fault), .mayHaveBeenSent(let fault):
            return .failure(lack(.later, "no token was given: \(fault.reason)"))
        case .answered(let response): return take(response, signIn)
        }
    }

    /// A token out of an answer. Why there is none is told in closed words: a token endpoint's own may quote secrets.
    private func take(
        _ response: OutboundResponse, _ signIn: ProviderShape.SignIn
    ) -> Result<(value: Secret, staleAt: Instant), TokenDesk.Box> {
        let answer = Answer(response, signIn.exchange.format, with: .object([:]))
        let (kind, _) = answer.meaning(signIn.exchange.answers, .convergent)
        switch kind {
        case .done, .already: break
        case .refused: return .failure(lack(.refused, "the provider gave no token (HTTP \(response.status))"))
        case .later, .unknown: return .failure(lack(.later, "the provider gave no token (HTTP \(response.status))"))
        }
        guard case .success(.string(let token)) = signIn.token.render(answer.variables), !token.isEmpty else {
            return .failure(lack(.refused, "the answer to the sign-in holds no token where its connector looks"))
        }
        secrets.known.note(passing: token)
        return .success((Secret(Array(token.utf8)), staleAt(signIn.expires, answer)))
    }

    /// A tenth of its life before its end, so that a call that takes a while doesn't carry a dead one.
    private func staleAt(_ expires: Arguments?, _ answer: Answer) -> Instant {
        let now = clock()
        var life = Limits.tokenMillisecondsDefault
        switch expires?.render(answer.variables) {
        case .success(.int(let seconds)):
            life = seconds > 0 ? min(seconds, Limits.tokenMillisecondsMax / 1000) * 1000 : 0
        case .success(.string(let text)):
            if let seconds = Int64(text) {
                life = max(0, min(seconds, Limits.tokenMillisecondsMax / 1000)) * 1000
            } else if let end = Instant(rfc3339: text) {
                life = max(0, end.since(now))
            }
        case .success, .failure, nil: break
        }
        let bounded = min(life, Limits.tokenMillisecondsMax)
        return now.adding(milliseconds: bounded - min(bounded / 10, Limits.tokenMarginMillisecondsMax))
    }

    private func lack(_ kind: Outcome.Kind, _ reason: String) -> TokenDesk.Box {
        TokenDesk.Box(lack: Outcome(kind, reason: "not sent: \(reason)"))
    }

    func outbound(
        _ built: BuiltRequest, _ provider: Provider, _ held: Held, _ timeout: Int64, isFresh: Bool
    ) -> OutboundRequest {
        var egress = provider.connection.egress
        egress.authorityPEM = held.authorityPEM ?? egress.authorityPEM
        return OutboundRequest(
            method: built.method, url: built.url, headers: built.headers.map { ($0.key, $0.value) },
            body: built.body, timeoutMilliseconds: timeout, responseBytesMax: Limits.responseBytesMax,
            needsFreshConnection: isFresh, egress: egress, identity: held.identity)
    }
}

private let assertionType = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

/// The number of a token that nobody has to know again.
private func randomName() -> String {
    hexText((0..<16).map { _ in UInt8.random(in: 0...255) })
}
