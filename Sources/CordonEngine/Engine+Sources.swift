// SPDX-License-Identifier: Apache-2.0

package import CordonConnectors
import CordonCore
import CordonStore
import Logging

// What the engine knows of its sources besides taking in what they send.
extension Engine {
    /// The bound of a source's bodies, or `nil` for a source that is not configured.
    package func bodyBytesMax(source: String) -> Int? { shape(of: source)?.bodyBytesMax }

    /// The source, when there is one alone: it can be reached without its name.
    package var onlySource: String? { connections.sources.count == 1 ? connections.sources[0].id : nil }

    /// Sources whose deliveries show nothing of whose they are.
    package var unsignedSources: [String] {
        connections.sources.map(\.id).filter { shape(of: $0)?.authentication == SourceShape.Authentication.none }
    }

    /// Sources whose deliveries are theirs by the client certificate of the connection.
    package var certifiedSources: [String] { connections.sources.map(\.id).filter(needsClientCertificate) }

    package func needsClientCertificate(source: String) -> Bool {
        shape(of: source)?.authentication.needsClientCertificates == true
    }

    /// The source's answers are those of RFC 8935.
    package func answersAsSecurityEvents(source: String) -> Bool {
        shape(of: source)?.authentication.answersAsSecurityEvents == true
    }

    /// What a sender that asks before it sends is told; `nil` when this is no question of the source's kind.
    package func answer(_ question: HandshakeQuestion, source id: String) -> HandshakeAnswer? {
        guard let source = connections.source(id) else { return nil }
        return shape(of: id)?.handshake?.answer(question, settings: source.settings)
    }

    /// The connector's, with what the connection sets in place of it.
    func shape(of id: String) -> SourceShape? {
        guard let source = connections.source(id), var shape = connectors[source.connector]?.source else { return nil }
        if let own = source.authentication { shape.authenticate(by: own) }
        return shape
    }

    /// Verifies a delivery under all that may have signed it.
    func admit(
        _ delivery: InboundDelivery, _ source: Connections.Source, _ shape: SourceShape, at now: Instant
    ) async throws -> Alert {
        var random = SystemRandomNumberGenerator()
        let id = AlertID(at: now, random: (random.next(), UInt16.random(in: .min ... .max, using: &random)))
        let own = try source.secrets.map { (reference) throws(ConnectorError) in try secrets.read(reference) }
        func receive(_ keys: [Secret]) throws(Rejection) -> Alert {
            try shape.receive(
                delivery, source: source.id, secrets: keys, settings: source.settings, id: id, at: now)
        }
        if source.fetchesCertificate, let topic = source.settings["topic"],
            let url = TopicMessage.certificateURL(delivery.body, topic: topic)
        {
            // A certificate that is pinned needs nobody's answer.
            if !own.isEmpty, let alert = try? receive(own) { return alert }
            guard let certificate = await keyDesk.certificate(url, of: source.id, at: now) else {
                throw ConnectorError(.transport, "the certificate at \(url) could not be fetched, or not so soon")
            }
            let alert = try receive(own + [certificate])
            keyDesk.prove(url, of: source.id)
            return alert
        }
        guard let published = source.keys else { return try receive(own) }
        func keys(_ age: Int64) async throws(ConnectorError) -> (keys: [Secret], isLate: Bool) {
            let found = await keyDesk.keys(published, ageMillisecondsMax: age, at: now)
            guard let set = found.keys else {
                throw ConnectorError(.transport, "the keys at \(published.url) could not be fetched, or not so soon")
            }
            return (own + [set], found.isLate)
        }
        let known = try await keys(Limits.keySetMillisecondsMax)
        do throws(Rejection) {
            return try receive(known.keys)
        } catch {
            guard error.mayWantNewKey else { throw error }
            // Its issuer may have changed them: looked up again, though never more often than once in a while.
            let renewed = try await keys(Limits.keySetMillisecondsMin)
            do throws(Rejection) { return try receive(renewed.keys) } catch {
                // Whether it is the source's own is known when they have come: its sender comes again.
                guard error.mayWantNewKey, renewed.isLate else { throw error }
                throw ConnectorError(.transport, "the keys at \(published.url) are being looked up again")
            }
        }
    }

    /// Whether the source sends no faster than it may.
    func isInPace(_ source: Connections.Source, _ shape: SourceShape, at now: Instant) -> Bool {
        guard shape.resends else { return true }
        let rate = source.perSecondMax ?? Limits.alertsPerSecondMax
        let burst = max(1, rate * Limits.alertsBurstMax / Limits.alertsPerSecondMax)
        return pace.admits(source.id, rate: rate, burst: burst, at: now)
    }

    /// Confirms a subscription that was asked for in a message of the configured topic, signed and stored. Asking twice
    /// does no harm. `false`: it stays unread, and the sweep comes back to it.
    func confirm(_ alert: Alert) async -> Bool {
        guard shape(of: alert.source)?.authentication == .sns, let source = connections.source(alert.source),
            let topic = source.settings["topic"], let url = TopicMessage(alert.body)?.confirmation(of: topic)
        else { return true }
        guard clock.now.since(alert.receivedAt) < Limits.confirmationMillisecondsMax else {
            logger.error(
                "a subscription was not confirmed; ask Amazon SNS for a new confirmation",
                metadata: ["source": "\(source.id)", "topic": "\(topic)", "alert": "\(alert.id)"])
            return true
        }
        let request = OutboundRequest(
            method: "GET", url: url, timeoutMilliseconds: 8000, responseBytesMax: Limits.bodyBytesMax)
        switch await transport.send(request).fate {
        case .answered(let response) where response.status == 200:
            logger.info("a subscription was confirmed", metadata: ["source": "\(source.id)", "topic": "\(topic)"])
            return true
        case .answered(let response):
            logger.error(
                "a subscription could not be confirmed",
                metadata: ["source": "\(source.id)", "topic": "\(topic)", "status": "\(response.status)"])
        case .notSent(let fault), .mayHaveBeenSent(let fault):
            logger.error(
                "a subscription could not be confirmed",
                metadata: ["source": "\(source.id)", "topic": "\(topic)", "reason": "\(fault.reason)"])
        }
        return false
    }
}
