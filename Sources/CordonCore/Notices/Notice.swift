// SPDX-License-Identifier: Apache-2.0

package import CordonLanguage

/// Something that people are told: what a run asks of them, or what happened that they must know.
///
/// It is stored in the commit of what it tells, under a key that this gives it: told twice, it is one notice.
package struct Notice: Sendable, Hashable {
    package enum Kind: String, Sendable, Hashable, CaseIterable {
        case proposal, approval, task
        /// Nobody knows whether a call took effect.
        case doubt
        /// What would be undone is no longer what the run wrote.
        case conflict
        /// A step can't go on by itself.
        case stopped
        /// There is nothing certain to act on.
        case undecided
        case holdEnded = "hold_ended"
        case reminder, escalation
        case objectiveMissed = "objective_missed"
        /// A source took back what a run is about, which waits for a person.
        case sourceClosed = "source_closed"
        case surge, breaker, halt
        /// A guard let nothing be done about an alarm.
        case denied
        case runFailed = "run_failed"
        case runRestored = "run_restored"
        /// Some of those who are asked have answered.
        case acknowledged
        /// Nobody is asked any more.
        case settled
        /// Somebody who is to be told of sessions by security events is not.
        case receiverUnreached = "receiver_unreached"
        /// Somebody tries a channel.
        case trial

        /// What tells of something said before, to systems that keep incidents.
        package var isFollowUp: Bool { self == .acknowledged || self == .settled }

        /// It asks for something, and is moot once nobody asks any more.
        package var asks: Bool {
            switch self {
            case .proposal, .approval, .task, .doubt, .conflict, .stopped, .undecided, .holdEnded, .reminder,
                .escalation:
                true
            case .objectiveMissed, .sourceClosed, .surge, .breaker, .halt, .denied, .runFailed, .runRestored,
                .acknowledged, .settled, .receiverUnreached, .trial:
                false
            }
        }

        /// What many of at a time are told as one.
        package var gathering: String {
            switch self {
            case .proposal, .approval, .task, .doubt, .conflict, .stopped, .undecided, .holdEnded: "asks"
            case .reminder, .escalation: "reminders"
            case .objectiveMissed: "objectives"
            case .sourceClosed: "closings"
            case .surge, .breaker, .halt, .denied, .receiverUnreached, .trial: "guards"
            case .runFailed, .runRestored: "ends"
            case .acknowledged, .settled: "follow-ups"
            }
        }
    }

    package var kind: Kind
    package var run: RunID?
    package var step: String?
    package var playbook: String
    package var owner: String
    package var subject: String
    package var severity: Signal.Severity
    /// The groups or names that are asked; empty where nobody in particular is.
    package var to: [String]
    package var text: String
    package var at: Instant
    /// The number of the history's line that caused it: what tells repeats of a kind apart.
    package var ordinal: Int
    package var deadline: Instant?
    /// The digest of what was shown, that an answer is bound to.
    package var shown: String?
    package var choices: [String]

    package init(
        _ kind: Kind, run: RunID? = nil, step: String? = nil, playbook: String, owner: String = "",
        subject: String = "", severity: Signal.Severity, to: [String] = [], text: String, at: Instant, ordinal: Int,
        deadline: Instant? = nil, shown: String? = nil, choices: [String] = []
    ) {
        self.kind = kind
        self.run = run
        self.step = step
        self.playbook = playbook
        self.owner = Notice.line(owner, Limits.noticeNameScalarsMax)
        self.subject = Notice.line(subject, Limits.noticeNameScalarsMax)
        self.severity = severity
        self.to = to
        self.text = Notice.line(text, Limits.noticeTextScalarsMax)
        self.at = at
        self.ordinal = ordinal
        self.deadline = deadline
        self.shown = shown
        self.choices = choices
    }

    /// The same for the same (run, step, kind, ordinal), for ever.
    package var key: String {
        // Of a guard that let nothing be done about two, both are told.
        [run?.text ?? playbook, step ?? (kind == .denied ? subject : "-"), kind.rawValue, String(ordinal)]
            .joined(separator: "/")
    }

    /// What is gathered when there is much of it.
    package var topic: String { "\(playbook)/\(kind.gathering)" }

    /// One visible line of a text that strangers may have written: no controls, no marks that turn the direction of
    /// writing, and an end.
    package static func line(_ text: String, _ scalarsMax: Int) -> String {
        var clean = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            guard clean.count < scalarsMax else {
                clean.removeLast()
                clean.append("…")
                break
            }
            switch scalar.properties.generalCategory {
            case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate, .unassigned, .privateUse:
                clean.append(" ")
            default: clean.append(scalar)
            }
        }
        return String(clean)
    }
}

extension Notice {
    package var value: Value {
        [
            "kind": .string(kind.rawValue), "run": run.map { .string($0.text) } ?? .null,
            "step": step.map(Value.string) ?? .null, "playbook": .string(playbook), "owner": .string(owner),
            "subject": .string(subject), "severity": .string(severity.rawValue),
            "to": .array(to.map(Value.string)), "text": .string(text), "at": Value(at),
            "ordinal": .int(Int64(ordinal)), "deadline": deadline.map(Value.init(_:)) ?? .null,
            "shown": shown.map(Value.string) ?? .null, "choices": .array(choices.map(Value.string)),
        ]
    }

    package init(_ value: Value) throws(UnreadableRecord) {
        let fields = try Fields(value, "notice")
        guard let kind = Kind(rawValue: try fields.string("kind")),
            let severity = Signal.Severity(rawValue: try fields.string("severity"))
        else { throw UnreadableRecord(place: "notice", reason: "of a kind that this version doesn't know") }
        self.init(
            kind, run: try fields.optionalString("run").flatMap(RunID.init), step: try fields.optionalString("step"),
            playbook: try fields.string("playbook"), owner: try fields.string("owner"),
            subject: try fields.string("subject"), severity: severity, to: try fields.strings("to"),
            text: try fields.string("text"), at: try fields.instant("at"), ordinal: try fields.int("ordinal"),
            deadline: try fields.optionalInstant("deadline"), shown: try fields.optionalString("shown"),
            choices: try fields.strings("choices"))
    }
}
