// SPDX-License-Identifier: Apache-2.0

import CordonCore
import CordonLanguage

extension Provider {
    /// What a mail says and to whom, in the form that is sealed. When it is sent, it is written as RFC 5322 has it.
    func build(
        _ mail: ProviderShape.Mail, to setting: String, _ url: String, _ variables: [String: Value]
    ) throws(Refusal) -> BuiltRequest {
        guard let from = connection.settings[mail.from], let recipient = connection.settings[mail.recipient] else {
            throw Refusal(.unbuildable, "\(connection.id) says not whom a mail is from and to")
        }
        var headers = ["from": from, "to": recipient]
        headers["user"] = mail.user.flatMap { connection.settings[$0] }
        let body: Value = [
            "title": .string(try text(mail.title, variables)), "text": .string(try text(mail.text, variables)),
        ]
        return BuiltRequest(
            to: setting, method: ProviderShape.Mail.method, url: url, headers: headers, body: body.jsonBytes)
    }

    private func text(_ template: Template, _ variables: [String: Value]) throws(Refusal) -> String {
        guard case .success(let value) = template.render(variables), let text = value.stringValue, !text.isEmpty else {
            throw Refusal(.unbuildable, "what the mail says could not be computed, or is empty; nothing was sent")
        }
        return text
    }
}

extension Performer {
    /// Hands a mail to its server. What the server did not take can be sent again; where nobody knows, it may be a second
    /// mail, though under the same Message-ID.
    func post(
        _ built: BuiltRequest, _ call: Call, _ provider: Provider, _ held: Held, _ timeout: Int64
    ) async -> Delivery {
        let began = clock()
        func made(_ fate: Delivery.Fate) -> Delivery {
            Delivery(fate: fate, durationMilliseconds: clock().since(began))
        }
        func unsent(_ kind: Fault.Kind, _ reason: String) -> Delivery {
            made(.notSent(Fault(kind: kind, number: 0, reason: reason)))
        }
        let act = provider.shape.action(call.capability)?.act
        let password = act?.request.mail?.password.flatMap { held.values[$0]?.stringValue }
        guard let mail, let letter = Letter(built, call) else {
            return unsent(.badRequest, "there is nothing to send a mail with")
        }
        let egress = provider.connection.egress
        let fate = await mail.send(
            OutboundMail(
                url: built.url, from: letter.from, to: letter.address, bytes: letter.bytes, user: built.headers["user"],
                password: password.map { Secret(Array($0.utf8)) },
                // A password never goes in the clear.
                allowsClear: egress.allowsPlainHTTP && password == nil, authorityPEM: held.authorityPEM,
                timeoutMilliseconds: timeout, egress: egress))
        switch fate {
        case .taken: return made(Self.answered(250))
        case .refused(let reason, let reply):
            return Self.told(reply, act).map(made) ?? unsent(.badRequest, reason)
        case .later(let reason, let reply): return Self.told(reply, act).map(made) ?? unsent(.other, reason)
        case .inDoubt(let reason): return made(.mayHaveBeenSent(Fault(kind: .other, number: 0, reason: reason)))
        }
    }

    /// A number of which the connector says what it means is its server's answer; of any other the reason tells.
    private static func told(_ reply: Int?, _ act: ProviderShape.Exchange?) -> Delivery.Fate? {
        guard let reply, let answers = act?.answers, answers.later.union(answers.refused).contains(reply) else {
            return nil
        }
        return answered(reply)
    }

    private static func answered(_ reply: Int) -> Delivery.Fate {
        .answered(OutboundResponse(status: reply, headers: [:], body: []))
    }
}

extension Letter {
    /// What was sealed, in the form in which it is sent; the same for the same call.
    fileprivate init?(_ built: BuiltRequest, _ call: Call) {
        guard let said = try? JSON.parse(built.body ?? []), let from = built.headers["from"],
            let address = built.headers["to"]
        else { return nil }
        self.init(
            id: call.seal.idempotencyKey, at: call.intendedAt, from: from, address: address,
            title: said["title"]?.stringValue ?? "", text: said["text"]?.stringValue ?? "")
    }
}
