// SPDX-License-Identifier: Apache-2.0

import CordonConnectors
import CordonCore
import CordonLanguage

/// Brings messages to their receivers. A receiver that is told twice can tell by the message's id.
struct Courier: Sendable {
    enum Fate: Sendable, Hashable {
        case taken
        case later(String, waitMilliseconds: Int64? = nil)
        case refused(String)
    }

    let transport: any Transport
    let mail: MailTransport
    let secrets: SecretReader

    func send(_ message: Message, to endpoint: Channel.Endpoint) async -> Fate {
        let channel = endpoint.channel
        do {
            switch channel.means {
            case .webhook(let url):
                let address = String(decoding: try secrets.read(url).reveal(), as: UTF8.self)
                return await post(message.chat, to: address, message, channel, hiding: address)
            case .pager(let url, let routingKey):
                let key = String(decoding: try secrets.read(routingKey).reveal(), as: UTF8.self)
                return await post(message.page(routingKey: key), to: url, message, channel, hiding: key)
            case .mail(let server): return try await send(message, to: endpoint, server)
            }
        } catch {
            // A secret that can't be read now may be put right.
            return .later("\(error)")
        }
    }

    private func send(
        _ message: Message, to endpoint: Channel.Endpoint, _ server: Channel.Mail
    ) async throws(ConnectorError) -> Fate {
        guard let person = endpoint.person, let address = person.address else {
            return .refused("the channel names nobody to write to")
        }
        let password: Secret? =
            if let reference = server.password { try secrets.read(reference) } else { nil }
        let authority: [UInt8]? =
            if let reference = server.authority { try secrets.read(reference).reveal() } else { nil }
        let fate = await mail.send(
            OutboundMail(
                url: server.url, from: server.from, to: address,
                bytes: message.mail(from: server.from, to: address, name: person.name), user: server.user,
                password: password, allowsClear: server.allowsClear, authorityPEM: authority,
                timeoutMilliseconds: Limits.messageTimeoutMilliseconds, egress: endpoint.channel.egress))
        return switch fate {
        case .taken: .taken
        // A person who is told twice can tell by the message's id.
        case .later(let reason, _), .inDoubt(let reason): .later(reason)
        case .refused(let reason, _): .refused(reason)
        }
    }

    private func post(
        _ body: Value, to url: String, _ message: Message, _ channel: Channel, hiding secret: String
    ) async -> Fate {
        let delivery = await transport.send(
            OutboundRequest(
                method: "POST", url: url,
                headers: [("content-type", "application/json"), ("idempotency-key", message.id)],
                body: body.jsonBytes, timeoutMilliseconds: Limits.messageTimeoutMilliseconds,
                responseBytesMax: 65_536, needsFreshConnection: true, egress: channel.egress))
        switch delivery.fate {
        case .notSent(let fault), .mayHaveBeenSent(let fault): return .later("no answer: \(fault.reason)")
        case .answered(let response): return fate(of: response, hiding: secret)
        }
    }

    private func fate(of response: OutboundResponse, hiding secret: String) -> Fate {
        let said = secrets.known.quote(String(decoding: response.body, as: UTF8.self), 120, hiding: secret)
        let reason = "HTTP \(response.status)" + (said.isEmpty ? "" : ": \(said)")
        switch response.status {
        case 200..<300: return .taken
        // What it says of the message itself stays so; all else may be put right, or passes.
        case 400, 413, 422: return .refused(reason)
        default:
            let seconds = response.headers["retry-after"].flatMap(Int64.init).map { min(max($0, 0), 3600) }
            return .later(reason, waitMilliseconds: seconds.map { $0 * 1000 })
        }
    }
}
