// SPDX-License-Identifier: Apache-2.0

import CordonCore
package import CordonLanguage

extension Message {
    /// What Slack's incoming webhooks take: https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks
    /// and, for the text, https://docs.slack.dev/messaging/formatting-message-text (escape &, <, > and nothing else).
    package var chat: Value {
        var blocks: [Value] = [
            ["type": "header", "text": ["type": "plain_text", "text": .string(title), "emoji": false]]
        ]
        for notice in notices {
            // Escaped it is five times as long at worst, and a section takes 3,000.
            var text = Message.escaped(Notice.line(line(notice), 480))
            if let link = links[notice.key] { text += "\n<\(Message.escaped(link))|Look at it and answer>" }
            blocks.append(["type": "section", "text": ["type": "mrkdwn", "text": .string(text), "verbatim": true]])
        }
        if more > 0, let last = lines.last {
            blocks.append(["type": "section", "text": ["type": "plain_text", "text": .string(last), "emoji": false]])
        }
        return ["text": .string(Message.escaped(title)), "blocks": .array(blocks)]
    }

    /// What was written by strangers must neither mention anybody nor make a link.
    static func escaped(_ text: String) -> String {
        var out = ""
        for character in text {
            switch character {
            case "&": out += "&amp;"
            case "<": out += "&lt;"
            case ">": out += "&gt;"
            default: out.append(character)
            }
        }
        return out
    }

    /// An event of PagerDuty's Events API v2: https://developer.pagerduty.com/docs/send-alert-event
    package func page(routingKey: String) -> Value {
        let kind = notices.first?.kind ?? .settled
        var event: [String: Value] = [
            "routing_key": .string(routingKey), "dedup_key": .string(id), "client": "Cordon",
            "event_action": kind == .settled ? "resolve" : kind == .acknowledged ? "acknowledge" : "trigger",
        ]
        if let base { event["client_url"] = .string(base) }
        guard !kind.isFollowUp else { return .object(event) }
        let details: [String: Value] = [
            "lines": .array(lines.map(Value.string)), "count": .int(Int64(count)),
            "runs": .array(notices.compactMap { $0.run.map { .string($0.text) } }),
        ]
        event["payload"] = [
            "summary": .string(title), "source": .string(base ?? "cordon"), "severity": .string(severity.pagerWord),
            "timestamp": .string((notices.first?.at ?? at).description),
            "component": .string(notices.first?.playbook ?? ""), "group": .string(notices.first?.owner ?? ""),
            "class": .string(kind.rawValue), "custom_details": .object(details),
        ]
        let links = notices.compactMap { notice in self.links[notice.key].map { (notice, $0) } }
        if !links.isEmpty {
            event["links"] = .array(
                links.map { ["href": .string($0.1), "text": .string("Answer: " + $0.0.headline)] })
        }
        return .object(event)
    }
}

extension Signal.Severity {
    /// PagerDuty's four.
    fileprivate var pagerWord: String {
        switch self {
        case .low: "info"
        case .medium: "warning"
        case .high: "error"
        case .critical: "critical"
        }
    }
}
