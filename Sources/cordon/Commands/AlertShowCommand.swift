// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import CordonCore
import CordonLanguage

struct AlertShow: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "Tell how an alert stands, line by line of its history.",
        discussion: """
            An alert is received when it is stored, and read when it is decided about. Whom it means, where the inventory \
            doesn't know, is asked of the providers first: an alert that stays received waits for one of them, and the \
            last line says for which and why. With --why the condition of a playbook, as the library's file has it now, is \
            worked out on what was read of the alert, part by part: also where it did not hold, of which nothing is kept.

            EXAMPLES
              cordon alert show alr_01KATB9Z2M8D4W6X1V3C5R7T9Y
              cordon alert show alr_01KATB9Z2M8D4W6X1V3C5R7T9Y --output json
              cordon alert show alr_01KATB9Z2M8D4W6X1V3C5R7T9Y --why secret-leaked
            """)

    @OptionGroup var common: CommonOptions
    @Argument(help: "The alert's id.") var id: String
    @Option(name: .long, help: "A playbook, by name: what each part of its 'when' makes of the alert.") var why: String?

    func run() async throws {
        guard let alert = AlertID(id) else {
            throw CommandFailure(.usage, "'\(id)' is no alert's id; it looks like alr_01KATB9Z2M8D4W6X1V3C5R7T9Y")
        }
        let settings = try await common.settings()
        if let why { return try await explain(why, alert, settings) }
        let client = try await Client.required(settings)
        Output.one(try await client.get("/alerts/\(alert)"), as: common.output, table: Self.told)
    }

    private func explain(_ name: String, _ alert: AlertID, _ settings: Settings) async throws {
        let library = try Shelf.load(settings, isStart: true).library
        guard let trigger = library.playbooks.first(where: { $0.name == name })?.trigger else {
            let near = nearest(to: name, among: library.playbooks.map(\.name)).map { "; did you mean '\($0)'?" } ?? ""
            throw CommandFailure(.notFound, "the library has no playbook '\(name)'\(near)")
        }
        let signals = try await Desk.open(settings).signals(of: alert).compactMap(Signal.init(_:))
        guard !signals.isEmpty else {
            throw CommandFailure(.notFound, "nothing was read of the alert \(alert) so far, or there is no such alert")
        }
        for signal in signals {
            guard signal.kind == trigger.signalKind else {
                Output.note("\(name) reacts to \(trigger.signalKind); the alert is of the kind \(signal.kind)")
                continue
            }
            guard let condition = trigger.condition else {
                Output.note("\(name) has no 'when': every \(signal.kind) triggers it")
                continue
            }
            let (result, parts) = condition.explain(["signal": signal.expressionValue])
            let explanation = Explanation(result: result, parts: parts)
            Output.one(explanation.value, as: common.output) { _ in explanation.table }
        }
    }

    private static func told(_ alert: Value) -> String {
        let entries = (alert["entries"]?.arrayValue ?? []).compactMap { $0["entry"] }
        let head =
            "\(alert["id"]?.stringValue ?? "")  \(alert["source"]?.stringValue ?? "")  "
            + (alert["state"]?.stringValue ?? "")
        return ([head] + entries.map(line)).joined(separator: "\n")
    }

    private static func line(_ entry: Value) -> String {
        let body = entry["body"] ?? .null
        let kind = entry["type"]?.stringValue ?? ""
        let provider = body["provider"]?.stringValue ?? ""
        let said: String
        switch kind {
        case "lookupIntended":
            said = "\(provider) is asked whom it means, try \(body["attempt"]?.intValue ?? 1)"
        case "lookupReturned":
            said = [provider + ": " + (body["outcome"]?.stringValue ?? ""), body["reason"]?.stringValue]
                .compactMap { $0 }.joined(separator: ", ")
        case "subjectResolved":
            said = (body["because"]?.stringValue ?? "") + " " + (body.at("subject", "subject", "id")?.stringValue ?? "")
        case "subjectUnresolved":
            let names = (body.at("subject", "candidates")?.arrayValue ?? []).compactMap(\.stringValue)
            said = body.at("subject", "reason")?.stringValue ?? "it could be " + names.joined(separator: ", ")
        case "signalNormalized": said = body["kind"]?.stringValue ?? ""
        case "decisionMade":
            let reasons = (body["matches"]?.arrayValue ?? []).flatMap { $0["reasons"]?.arrayValue ?? [] }
            let closed = reasons.first { $0["guard"] == "closed" }?["because"]?.stringValue
            said = [body["verdict"]?.stringValue, closed].compactMap { $0 }.joined(separator: ": ")
        case "alertRead" where body["closes"] != nil:
            let closes = (body["closes"]?.arrayValue ?? []).map {
                "\($0["about"]?.stringValue ?? "") as of \($0["as_of"]?.stringValue ?? "")"
            }
            said = ["closes \(closes.joined(separator: ", "))", body["reason"]?.stringValue].compactMap { $0 }
                .joined(separator: "; ")
        default: said = body["reason"]?.stringValue ?? ""
        }
        let words = "\(entry["at"]?.stringValue ?? "")  \(kind)  \(said)"
        return "  " + printable(words.last == " " ? String(words.dropLast(2)) : words)
    }
}
