// SPDX-License-Identifier: Apache-2.0

package import CordonCore

/// What goes out to one receiver: one notice, or many of one topic told as one.
package struct Message: Sendable, Hashable {
    /// The same for the same first notice and receiver, for ever: who gets it twice can tell.
    package var id: String
    /// Those that are named, the oldest first.
    package var notices: [Notice]
    /// How many more there are.
    package var more: Int
    /// Where the person can answer, by notice's key.
    package var links: [String: String]
    /// Where the installation is found, when that is known.
    package var base: String?
    package var at: Instant

    package init(
        id: String, notices: [Notice], more: Int = 0, links: [String: String] = [:], base: String? = nil, at: Instant
    ) {
        self.id = id
        self.notices = notices
        self.more = more
        self.links = links
        self.base = base
        self.at = at
    }

    package var count: Int { notices.count + more }
    package var severity: Signal.Severity { notices.map(\.severity).max() ?? .low }

    package var title: String {
        guard let first = notices.first else { return "nothing" }
        if count == 1 { return Notice.line(first.headline, 150) }
        return Notice.line("\(count) × \(first.kind.words): \(first.playbook)", 150)
    }

    /// One line each, and how many more there are.
    package var lines: [String] {
        notices.map(line) + (more > 0 ? ["and \(more) more: cordon run list --phase asked"] : [])
    }

    func line(_ notice: Notice) -> String {
        var parts = [notice.kind.words]
        if !notice.subject.isEmpty { parts.append(notice.subject) }
        var text = parts.joined(separator: ", ") + ": " + notice.text
        if !notice.to.isEmpty { text += "; asked: " + notice.to.joined(separator: ", ") }
        if let deadline = notice.deadline, notice.kind.asks { text += "; until " + deadline.description }
        if let run = notice.run { text += "; cordon run show \(run)" }
        return Notice.line(text, 900)
    }
}

extension Notice {
    package var headline: String {
        "\(kind.words): \(playbook)" + (subject.isEmpty ? "" : " for \(subject)")
    }
}

extension Notice.Kind {
    package var words: String {
        switch self {
        case .proposal: "a run is proposed"
        case .approval: "an approval is asked"
        case .task: "a question is asked"
        case .doubt: "nobody knows whether a call took effect"
        case .conflict: "what would be undone was changed since"
        case .stopped: "a step can't go on"
        case .undecided: "nothing certain to act on"
        case .holdEnded: "a hold's time is up"
        case .reminder: "reminder"
        case .escalation: "escalated"
        case .objectiveMissed: "not contained in time"
        case .sourceClosed: "its source says that it is over"
        case .surge: "a surge of alerts"
        case .breaker: "a breaker is open"
        case .halt: "automation is halted"
        case .denied: "nothing may be done about an alarm"
        case .runFailed: "a run failed"
        case .runRestored: "a run was undone"
        case .acknowledged: "answered by some"
        case .settled: "settled"
        case .receiverUnreached: "a receiver is not told"
        case .trial: "a trial"
        }
    }
}
