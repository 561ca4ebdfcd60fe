// SPDX-License-Identifier: Apache-2.0

package import CordonConnectors
package import CordonCore
import CordonLanguage
import CordonStore
import Crypto
import Logging

/// Links by which a person answers what a run asks: each names the run, what was shown, who may answer by it and until
/// when, and is signed with the installation's own key. Whoever has the link is taken for that person.
package struct ApprovalLinks: Sendable {
    /// What a link says, once its signature has been found right.
    package struct Ticket: Sendable, Hashable {
        package var run: RunID
        /// `nil`: the run as a whole, which is proposed.
        package var step: String?
        /// The digest of what was shown.
        package var shown: String
        /// The receiver that it was sent to; who that is stands in the settings, and can be taken out there.
        package var endpoint: String
        package var until: Instant

        package init(run: RunID, step: String?, shown: String, endpoint: String, until: Instant) {
            self.run = run
            self.step = step
            self.shown = shown
            self.endpoint = endpoint
            self.until = until
        }
    }

    package enum Fault: Error, Sendable, Hashable {
        case altered, expired
    }

    /// `https://host` without a slash at its end.
    package let base: String
    private let key: SymmetricKey

    package init(base: String, key: Secret) {
        self.base = base
        self.key = SymmetricKey(data: key.reveal())
    }

    package static let path = "/approve"

    package func link(_ ticket: Ticket) -> String {
        let fields = ApprovalLinks.fields(ticket) + [("mac", mac(ticket))]
        let query = fields.map { "\($0.0)=\(percentEncoded($0.1))" }.joined(separator: "&")
        return "\(base)\(ApprovalLinks.path)?\(query)"
    }

    /// - Parameter field: the link's query by name.
    package func ticket(_ field: (String) -> String?, at now: Instant) throws(Fault) -> Ticket {
        guard let run = field("run").flatMap(RunID.init), let shown = field("shown"), let endpoint = field("to"),
            let until = field("until").flatMap(Int64.init), let mac = field("mac")
        else { throw .altered }
        let ticket = Ticket(
            run: run, step: field("step"), shown: shown, endpoint: endpoint, until: Instant(milliseconds: until))
        // Compared as codes, in a time that tells nothing.
        guard let bytes = bytes(hex: mac),
            HMAC<SHA256>.isValidAuthenticationCode(bytes, authenticating: ApprovalLinks.text(ticket), using: key)
        else { throw .altered }
        guard now < ticket.until else { throw .expired }
        return ticket
    }

    private static func fields(_ ticket: Ticket) -> [(String, String)] {
        [("run", ticket.run.text)] + (ticket.step.map { [("step", $0)] } ?? [])
            + [
                ("shown", ticket.shown), ("to", ticket.endpoint), ("until", String(ticket.until.milliseconds)),
            ]
    }

    /// Canonical, so that no two tickets share a text.
    private static func text(_ ticket: Ticket) -> [UInt8] {
        let value: Value = [
            "use": "approve", "run": .string(ticket.run.text), "step": ticket.step.map(Value.string) ?? .null,
            "shown": .string(ticket.shown), "to": .string(ticket.endpoint),
            "until": .int(ticket.until.milliseconds),
        ]
        return value.jsonBytes
    }

    private func mac(_ ticket: Ticket) -> String {
        HMAC<SHA256>.authenticationCode(for: ApprovalLinks.text(ticket), using: key).map { byte in
            let hex = String(byte, radix: 16)
            return hex.count == 1 ? "0" + hex : hex
        }.joined()
    }
}

private func bytes(hex: String) -> [UInt8]? {
    let digits = Array(hex.utf8)
    guard digits.count == 64 else { return nil }
    var bytes: [UInt8] = []
    for place in stride(from: 0, to: 64, by: 2) {
        guard let byte = UInt8(String(decoding: digits[place..<place + 2], as: UTF8.self), radix: 16) else {
            return nil
        }
        bytes.append(byte)
    }
    return bytes
}

extension Engine {
    /// The link by which this receiver's person answers, where they may.
    func link(_ notice: Notice, _ endpoint: Channel.Endpoint, at now: Instant) async -> String? {
        guard let links, let run = notice.run, let person = endpoint.person, let shown = await shown(notice),
            [.proposal, .approval, .task, .reminder, .escalation].contains(notice.kind),
            person.mayAnswer(notice)
        else { return nil }
        let latest = now.adding(milliseconds: Limits.linkMillisecondsMax)
        return links.link(
            ApprovalLinks.Ticket(
                run: run, step: notice.step, shown: shown, endpoint: endpoint.id,
                until: min(notice.deadline ?? latest, latest)))
    }
}

extension Engine {
    private func shown(_ notice: Notice) async -> String? {
        guard notice.kind == .proposal, let id = notice.run else { return notice.shown }
        do {
            guard let run = try await find(id)?.run() else { return nil }
            return planDigest(run, try await definition(of: run))
        } catch {
            // Told without a link: the command line still answers it.
            logger.error("a proposal can't be linked to", metadata: ["run": "\(id)", "error": "\(error)"])
            return nil
        }
    }
}

extension Channel.Person {
    /// As the access rules have it: a proposal is an approver's, and a question is for whom it names.
    fileprivate func mayAnswer(_ notice: Notice) -> Bool {
        notice.kind == .proposal
            ? groups.contains("approver") : notice.to.contains { $0 == name || groups.contains($0) }
    }
}
