// SPDX-License-Identifier: Apache-2.0

import CordonConnectors
import CordonCore
import CordonLanguage
import CordonStore
import Logging

// RFC 8935: each event is posted to its receiver, one after the other, so that of each session they come in order.

extension Engine {
    private static var pushingMilliseconds: Int64 { 50 }

    /// What became of one event that was sent.
    private enum PushFate {
        case taken
        /// The receiver says of this event that it is wrong.
        case wrong(String)
        /// `isCertain`: the receiver says that it takes nothing of us as we are.
        case later(String, waitMilliseconds: Int64?, isCertain: Bool)
    }

    /// Brings one receiver what waits for it, for as long as the engine runs.
    func keepPushing(_ stream: EventStream) async {
        guard case .push(let url) = stream.means else { return }
        while !Task.isCancelled, !isDraining {
            let now = clock.now
            let standing = receiverDesk[stream.id]
            if standing.waiting > 0, standing.nextTryAt <= now {
                do throws(StoreError) { try await pushWaiting(stream, url, standing.status, at: now) } catch {
                    if error.code == .unavailable { return fail(error) }
                    logger.error(
                        "events can't be read or settled",
                        metadata: ["receiver": "\(stream.id)", "error": "\(error)"])
                    receiverDesk.change(stream.id) {
                        $0.nextTryAt = now.adding(milliseconds: Limits.eventRetryMillisecondsFirst)
                    }
                }
            }
            await clock.sleep(until: now.adding(milliseconds: Engine.pushingMilliseconds))
        }
    }

    /// Those that may go now, in their order.
    func waitingEvents(
        _ stream: EventStream, _ status: ReceiverStanding.Status, limit: Int
    ) async throws(StoreError) -> [NoticeRecord] {
        var query = NoticeQuery()
        query.endpoint = Engine.receiverStream(stream.id)
        query.dueBy = status == .enabled ? Engine.sessionEventsDueAt : Engine.streamEventsDueAt
        query.limit = limit
        return try await store.notices(query)
    }

    private func pushWaiting(
        _ stream: EventStream, _ url: String, _ status: ReceiverStanding.Status, at now: Instant
    ) async throws(StoreError) {
        let waiting = try await waitingEvents(stream, status, limit: Limits.eventsPerTurnMax)
        guard !waiting.isEmpty else {
            // None but of a stream that is paused; those are counted when it goes on.
            return receiverDesk.change(stream.id) {
                $0.nextTryAt = now.adding(milliseconds: Limits.eventRetryMillisecondsFirst)
            }
        }
        var settled: [NoticeRecord] = []
        var failure: PushFate?
        for record in waiting {
            if let old = record.tooOld(at: now) {
                settled.append(old)
                continue
            }
            let fate = await push(record, to: url, stream)
            if case .taken = fate {
                settled.append(record.settled(.delivered, at: clock.now))
                continue
            }
            if case .wrong(let reason) = fate, let given = record.wrong(reason, at: clock.now) {
                settled.append(given)
            }
            failure = fate
            break
        }
        try await settleEvents(settled, of: stream)
        try await note(failure, stream)
    }

    private func note(_ failure: PushFate?, _ stream: EventStream) async throws(StoreError) {
        let now = clock.now
        try await tellOfLeftOut(stream)
        switch failure {
        case nil, .taken: try await tellOfSuccess(stream)
        case .wrong(let reason):
            receiverDesk.change(stream.id) { $0.failed(reason, waitMilliseconds: nil, at: now) }
            try await tellOfFailure(stream, at: now, isCertain: true)
        case .later(let reason, let wait, let isCertain):
            receiverDesk.change(stream.id) { $0.failed(reason, waitMilliseconds: wait, at: now) }
            count { $0.eventTriesFailed += 1 }
            logger.warning(
                "a receiver could not be told of sessions",
                metadata: ["receiver": "\(stream.id)", "reason": "\(reason)"])
            try await tellOfFailure(stream, at: now, isCertain: isCertain)
        }
    }

    private func push(_ record: NoticeRecord, to url: String, _ stream: EventStream) async -> PushFate {
        guard let eventKeys, let claims = try? JSON.parse(record.body) else { return .wrong("it can't be read here") }
        var headers: [(name: String, value: String)] = [
            ("content-type", SecurityEventToken.mediaType), ("accept", "application/json"),
        ]
        var hidden: String?
        if let token = stream.token {
            do throws(ConnectorError) {
                let text = String(decoding: try secrets.read(token).reveal(), as: UTF8.self)
                headers.append(("authorization", "Bearer \(text)"))
                hidden = text
            } catch {
                return .later(error.reason, waitMilliseconds: nil, isCertain: true)
            }
        }
        let delivery = await transport.send(
            OutboundRequest(
                method: "POST", url: url, headers: headers, body: eventKeys.sign(claims),
                timeoutMilliseconds: Limits.eventTimeoutMilliseconds, responseBytesMax: 65_536, egress: stream.egress))
        switch delivery.fate {
        case .notSent(let fault), .mayHaveBeenSent(let fault):
            // A repeat has the same name: it does no harm.
            return .later("no answer: \(fault.reason)", waitMilliseconds: nil, isCertain: false)
        case .answered(let response): return fate(of: response, hiding: hidden)
        }
    }

    /// RFC 8935 §2.2 to §2.4.
    private func fate(of response: OutboundResponse, hiding secret: String?) -> PushFate {
        switch response.status {
        case 200..<300: return .taken
        case 400:
            let body = try? JSON.parse(response.body)
            let known = secrets.known
            let error = known.quote(body?["err"]?.stringValue ?? "no error code", 60, hiding: secret)
            let said = known.quote(body?["description"]?.stringValue ?? "", 200, hiding: secret)
            let code = error.isEmpty ? "an error" : error
            let reason = "the receiver answers \(code)" + (said.isEmpty ? "" : ": \(said)")
            // What it says of our key, our name or our rights is so for all events; what it says of one, for that one.
            let isOfAll = [
                "invalid_key", "invalid_issuer", "invalid_audience", "authentication_failed", "access_denied",
            ]
            .contains(code)
            return isOfAll
                ? .later(reason + Engine.advice(code), waitMilliseconds: nil, isCertain: true) : .wrong(reason)
        case 401, 403:
            return .later(
                "HTTP \(response.status): the receiver doesn't know the stream's token; renew what 'token' names",
                waitMilliseconds: nil, isCertain: true)
        default:
            let seconds = response.headers["retry-after"].flatMap(Int64.init).map { min(max($0, 0), 3600) }
            return .later(
                "HTTP \(response.status)", waitMilliseconds: seconds.map { $0 * 1000 }, isCertain: false)
        }
    }

    private static func advice(_ code: String) -> String {
        switch code {
        case "invalid_key": "; let it read the keys anew at jwks_uri of /.well-known/ssf-configuration"
        case "invalid_issuer": "; let it expect the transmitter's 'issuer'"
        case "invalid_audience": "; write the audience that it expects into connections.yaml"
        case "access_denied": "; the receiver must let this transmitter in"
        default: "; let it read the keys anew, and look at who changes requests on their way"
        }
    }
}

extension NoticeRecord {
    /// Given up for its age; `nil`: it is tried.
    func tooOld(at now: Instant) -> NoticeRecord? {
        guard now.since(madeAt) >= Limits.eventMillisecondsMax else { return nil }
        var copy = settled(.failed, at: now)
        copy.problem = "it could not be brought to the receiver within \(Limits.eventMillisecondsMax / 86_400_000) days"
        return copy
    }

    /// A try more; and given up where that was the last, so that one wrong event does not keep back all others.
    fileprivate func wrong(_ reason: String, at now: Instant) -> NoticeRecord? {
        var copy = self
        copy.attempts += 1
        copy.problem = reason
        return copy.attempts >= Limits.eventTriesWhenWrongMax ? copy.settled(.failed, at: now) : copy
    }
}
