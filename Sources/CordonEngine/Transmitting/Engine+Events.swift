// SPDX-License-Identifier: Apache-2.0

package import CordonConnectors
import CordonCore
package import CordonLanguage
package import CordonStore
import Logging
import Synchronization

// Receivers of shared signals are told what changed for sessions. A token's claims are stored in the commit of the
// change, its name with them: whatever crash comes, it goes out, and a repeat has the name that it had. What a receiver
// has taken stands in the stream `receiver:ID` of the history.

extension Engine {
    package var transmitter: Transmitter? { connections.transmitter }

    package static func receiverStream(_ id: String) -> String { NoticeRecord.programPrefix + id }

    /// What of a stream goes before what waits, and what is told of sessions.
    static let streamEventsDueAt = Instant(milliseconds: 0)
    /// The same for all of them, so that they go out in the order in which they were stored, whatever the clock did.
    static let sessionEventsDueAt = Instant(milliseconds: 1)

    /// The tokens that tell receivers what these events make of a session.
    func securityEvents(
        making session: AgentSession, by events: [SessionEvent], at now: Instant
    ) -> [NoticeRecord] {
        guard let transmitter, !transmitter.streams.isEmpty else { return [] }
        let told = sessionDesk.state.withLock { $0.book.securityEvents(making: session, by: events, at: now) }
        let cause = "\(session.stream)@\(session.number)"
        return transmitter.streams.flatMap { stream -> [NoticeRecord] in
            let wanted = told.filter { stream.kinds.contains($0.kind) }
            return wanted.enumerated().map { place, event -> NoticeRecord in
                // The time tells it from one that an installation before this one sent of a session of the same name.
                let name = Engine.tokenName("\(stream.id)/\(cause)/\(event.session)/\(now.milliseconds)")
                let claims = claims(
                    name, [event.kind.uri: event.claims], event.subject(issuer: transmitter.issuer), cause, stream,
                    at: now)
                var record = NoticeRecord(
                    key: name, endpoint: Engine.receiverStream(stream.id), run: nil, topic: event.session,
                    madeAt: now, dueAt: Engine.sessionEventsDueAt, body: claims.jsonBytes)
                if receiverDesk[stream.id].waiting + place >= Limits.eventsWaitingMax {
                    record = record.settled(.failed, at: now)
                    record.problem = "\(Limits.eventsWaitingMax) events wait already (eventsWaitingMax)"
                }
                return record
            }
        }
    }

    /// They are stored.
    func noteEvents(_ records: [NoticeRecord]) {
        for record in records {
            let id = String(record.endpoint.dropFirst(NoticeRecord.programPrefix.count))
            receiverDesk.change(id) { standing in
                if record.state == .waiting {
                    standing.waiting += 1
                } else {
                    standing.givenUp += 1
                    standing.leftOut += 1
                    standing.failingSince = standing.failingSince ?? record.madeAt
                    standing.problem = standing.problem ?? record.problem
                }
            }
        }
    }

    private static func tokenName(_ text: String) -> String {
        String(digestText(Array(text.utf8)).dropFirst("sha256:".count).prefix(32))
    }

    private func claims(
        _ name: String, _ events: [String: Value], _ subject: Value, _ cause: String, _ stream: EventStream,
        at now: Instant
    ) -> Value {
        [
            "iss": .string(transmitter?.issuer ?? ""), "aud": .string(stream.audience), "jti": .string(name),
            "iat": .int(now.milliseconds / 1000), "txn": .string(cause), "sub_id": subject, "events": .object(events),
        ]
    }

    // MARK: What a stream says of itself

    /// A line of the stream's own, with the token that tells its receiver, which goes before all that waits, and what
    /// people are told.
    func say(
        _ kind: String, _ body: Value, _ event: (uri: String, claims: Value)? = nil, to stream: EventStream,
        people: [NoticeRecord] = []
    ) async throws(StoreError) {
        let name = Engine.receiverStream(stream.id)
        while true {
            let now = clock.now
            let number = try await lastNumber(of: name) + 1
            var records: [NoticeRecord] = []
            if let event {
                let token = Engine.tokenName("\(name)@\(number)/\(now.milliseconds)")
                let subject: Value = ["format": "opaque", "id": .string(stream.id)]
                let claims = claims(
                    token, [event.uri: event.claims], subject, "\(name)@\(number)", stream, at: now)
                records.append(
                    NoticeRecord(
                        key: token, endpoint: name, run: nil, topic: "stream", madeAt: now,
                        dueAt: Engine.streamEventsDueAt, body: claims.jsonBytes))
            }
            do throws(StoreError) {
                try await store.note(chronicle.entry(name, number, now, kind, body), notices: records + people)
                noteEvents(records)
                return noticeDesk.note(people)
            } catch {
                // Somebody took the number: what there is now is read again.
                guard error.code == .conflict else { throw error }
            }
        }
    }

    private func lastNumber(of stream: String) async throws(StoreError) -> Int {
        var number = receiverNumbers.withLock { $0[stream] ?? 0 }
        while true {
            let page = try await store.history(stream, from: number + 1, limit: 500)
            number = page.last?.entry.number ?? number
            guard page.count == 500 else { break }
        }
        let found = number
        receiverNumbers.withLock { $0[stream] = found }
        return found
    }

    package enum VerificationAnswer: Sendable, Hashable { case queued, tooSoon, noSuchStream }

    /// Has a verification event (SSF 1.0 §8.1.4) go out.
    package func verifyStream(
        _ id: String, state: String?, by: String, isReceiver: Bool
    ) async throws(StoreError) -> VerificationAnswer {
        guard let stream = transmitter?[id] else { return .noSuchStream }
        let now = clock.now
        if isReceiver, let last = receiverDesk[id].verifiedAt,
            (0..<Limits.eventVerificationMillisecondsMin).contains(now.since(last))
        {
            return .tooSoon
        }
        receiverDesk.change(id) { $0.verifiedAt = now }
        let claims: Value = state.map { ["state": .string($0)] } ?? [:]
        try await say(
            "verificationAsked", ["by": .string(by)], (SecurityEventToken.verification, claims), to: stream)
        return .queued
    }

    /// Pauses a stream or lets it go on; what waits meanwhile is kept. `false`: there is no such stream.
    package func setStream(
        _ id: String, _ status: ReceiverStanding.Status, reason: String?, by: String, isReceiver: Bool
    ) async throws(StoreError) -> Bool {
        guard let stream = transmitter?[id] else { return false }
        guard receiverDesk[id].status != status else { return true }
        var body: [String: Value] = ["status": .string(status.rawValue), "by": .string(by)]
        var claims: [String: Value] = ["status": .string(status.rawValue)]
        if let reason {
            body["reason"] = .string(reason)
            claims["reason"] = .string(reason)
        }
        // Who asked for it need not be told (SSF 1.0 §8.1.5).
        try await say(
            "streamStatusChanged", .object(body),
            isReceiver ? nil : (SecurityEventToken.streamUpdated, .object(claims)), to: stream)
        receiverDesk.change(id) {
            $0.status = status
            $0.reason = reason
        }
        return true
    }

    /// How the streams stand, in the order of the file.
    package func receiverStandings() -> [Value] {
        (transmitter?.streams ?? []).map { stream -> Value in
            var row = receiverDesk[stream.id].value.objectValue ?? [:]
            row["id"] = .string(stream.id)
            row["audience"] = .string(stream.audience)
            row["events"] = .array(stream.kinds.map(\.rawValue).sorted().map(Value.string))
            if case .push(let url) = stream.means { row["push"] = .string(url) } else { row["poll"] = true }
            return .object(row)
        }
    }

    package func receiverStanding(_ id: String) -> ReceiverStanding { receiverDesk[id] }

    /// What an earlier process left: what waits, and how each stream was set.
    func recallReceivers() async throws(StoreError) {
        for stream in transmitter?.streams ?? [] {
            let name = Engine.receiverStream(stream.id)
            var query = NoticeQuery()
            query.endpoint = name
            query.dueBy = Engine.sessionEventsDueAt
            query.limit = Limits.eventsWaitingMax
            let waiting = try await store.notices(query).count
            // Receivers fetch the keys from this installation, which listens a moment after its engine begins.
            let first = clock.now.adding(milliseconds: Limits.eventRetryMillisecondsFirst)
            receiverDesk.change(stream.id) { standing in
                standing.waiting = waiting
                if waiting > 0 { standing.nextTryAt = first }
            }
            var number = 0
            while true {
                let page = try await store.history(name, from: number + 1, limit: 500)
                for line in page where line.entry.kind == "streamStatusChanged" {
                    let body = line.entry.body
                    receiverDesk.change(stream.id) {
                        $0.status = body["status"]?.stringValue.flatMap(ReceiverStanding.Status.init) ?? .enabled
                        $0.reason = body["reason"]?.stringValue
                    }
                }
                number = page.last?.entry.number ?? number
                guard page.count == 500 else { break }
            }
            let found = number
            receiverNumbers.withLock { $0[name] = found }
        }
    }
}

extension Entry {
    /// What the line says, or nothing where it can't be read.
    fileprivate var body: Value { (try? JSON.parse(bytes))?["body"] ?? .null }
}
