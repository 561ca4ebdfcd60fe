// SPDX-License-Identifier: Apache-2.0

package import CordonConnectors
package import CordonCore
import Synchronization

/// What the engine counts, in the words of its metrics.
package struct Counts: Sendable, Hashable {
    package var alertsStored = 0
    package var alertsRepeated = 0
    package var alertsRejected: [Rejected: Int] = [:]
    package var alertsUnavailable = 0
    package var alertsPutOff = 0
    package var alertsUnderKnownID = 0
    package var alertsQuarantined = 0
    package var polls = 0
    package var pollsFailed = 0
    package var decisions: [Decision.Verdict: Int] = [:]
    /// What enforcement points were told of sessions.
    package var verdicts: [SessionVerdict.Answer: Int] = [:]
    package var sessionsOpened = 0
    package var sessionsClosed = 0
    package var boundariesExceeded = 0
    /// What a playbook in shadow would have done and nobody looked up: too many were waiting.
    package var shadowLooksLeftOut = 0
    package var shadowLooksLost = 0
    package var objectivesMet = 0
    package var objectivesMissed = 0
    /// By the place of their bound.
    var containments: [Int: Int] = [:]
    var containmentMilliseconds: Int64 = 0
    package var runsOpened = 0
    package var runsEnded = 0
    package var runsAsked = 0
    package var callsIntended = 0
    package var callsRedelivered = 0
    package var callsSentTwice = 0
    package var outcomes: [Outcome.Kind: Int] = [:]
    package var commitConflicts = 0
    package var messagesSent = 0
    package var eventsDelivered = 0
    package var eventsGivenUp = 0
    package var eventTriesFailed = 0
    package var noticesDelivered = 0
    package var noticesMoot = 0
    package var noticesFailed = 0
    package var noticeTriesFailed = 0

    package struct Rejected: Sendable, Hashable {
        /// `nil` for all those that are not configured.
        package var source: String?
        package var reason: Rejection

        package init(source: String?, reason: Rejection) {
            self.source = source
            self.reason = reason
        }
    }

    /// How many were refused of a source, by reason.
    func rejected(of source: String) -> [String: Int] {
        Dictionary(
            uniqueKeysWithValues: alertsRejected.filter { $0.key.source == source }.map {
                ($0.key.reason.rawValue, $0.value)
            })
    }

    private var rejectedRows: [(label: String, value: Int)] {
        var rows = alertsRejected
        // There from the start, so that their growth shows.
        rows[Rejected(source: nil, reason: .sourceUnknown), default: 0] += 0
        return rows.map { row in
            ("{reason=\"\(row.key.reason.rawValue)\",source=\"\(row.key.source ?? "")\"}", row.value)
        }.sorted { $0.label < $1.label }
    }

    /// Prometheus text exposition format, version 0.0.4.
    package var prometheus: String {
        var out = ""
        func counter(_ name: String, _ help: String, _ rows: [(label: String, value: Int)]) {
            out += "# HELP \(name) \(help)\n# TYPE \(name) counter\n"
            for row in rows { out += "\(name)\(row.label) \(row.value)\n" }
        }
        counter("cordon_alerts_stored_total", "Alerts stored and answered with 202.", [("", alertsStored)])
        counter("cordon_alerts_repeated_total", "Deliveries that were known already.", [("", alertsRepeated)])
        counter(
            "cordon_alerts_rejected_total",
            "Deliveries refused before anything was stored; without a source: of none that is configured.",
            rejectedRows)
        counter("cordon_alerts_put_off_total", "Deliveries answered with 429.", [("", alertsPutOff)])
        counter(
            "cordon_alerts_under_known_id_total", "Deliveries whose id came before with another body.",
            [("", alertsUnderKnownID)])
        counter("cordon_alerts_unavailable_total", "Deliveries answered with 503.", [("", alertsUnavailable)])
        counter("cordon_alerts_quarantined_total", "Alerts of unknown shape, kept.", [("", alertsQuarantined)])
        counter("cordon_polls_total", "Times that a source was asked for what it has.", [("", polls)])
        counter("cordon_polls_failed_total", "Polls that brought no answer that could be read.", [("", pollsFailed)])
        counter(
            "cordon_decisions_total", "Decisions by verdict.",
            Decision.Verdict.allCases.map { ("{verdict=\"\($0.rawValue)\"}", decisions[$0] ?? 0) })
        counter(
            "cordon_verdicts_total", "Verdicts on agent sessions that were asked for.",
            SessionVerdict.Answer.allCases.map { ("{verdict=\"\($0.rawValue)\"}", verdicts[$0] ?? 0) })
        counter("cordon_sessions_opened_total", "Agent sessions opened.", [("", sessionsOpened)])
        counter(
            "cordon_sessions_closed_total", "Agent sessions closed; what they delegated to ends with them.",
            [("", sessionsClosed)])
        counter(
            "cordon_session_boundaries_exceeded_total", "Boundaries of sessions that were passed.",
            [("", boundariesExceeded)])
        counter(
            "cordon_shadow_looks_left_out_total", "Signals in shadow that were not looked up: too many were waiting.",
            [("", shadowLooksLeftOut)])
        counter(
            "cordon_shadow_looks_lost_total", "Signals in shadow whose look an ended process lost.",
            [("", shadowLooksLost)])
        counter(
            "cordon_objectives_total", "Containments of playbooks that have an objective.",
            [("{result=\"met\"}", objectivesMet), ("{result=\"missed\"}", objectivesMissed)])
        out += containmentText
        counter("cordon_runs_opened_total", "Runs opened.", [("", runsOpened)])
        counter("cordon_runs_ended_total", "Runs ended.", [("", runsEnded)])
        counter("cordon_runs_asked_total", "Times a run came to wait for a person.", [("", runsAsked)])
        counter("cordon_calls_intended_total", "Intents stored.", [("", callsIntended)])
        counter("cordon_calls_redelivered_total", "Intents sent again.", [("", callsRedelivered)])
        counter(
            "cordon_calls_sent_twice_total", "Requests that the transport repeated by itself.", [("", callsSentTwice)])
        counter(
            "cordon_outcomes_total", "Outcomes by kind.",
            Outcome.Kind.allCases.map { ("{kind=\"\($0.rawValue)\"}", outcomes[$0] ?? 0) })
        counter(
            "cordon_notifications_total", "Notices to people by what became of them.",
            [
                ("{state=\"delivered\"}", noticesDelivered), ("{state=\"moot\"}", noticesMoot),
                ("{state=\"failed\"}", noticesFailed),
            ])
        counter(
            "cordon_notification_messages_total", "Messages sent, each with one notice or many.", [("", messagesSent)])
        counter(
            "cordon_events_total", "Security events about sessions, by what became of them at their receivers.",
            [("{state=\"delivered\"}", eventsDelivered), ("{state=\"given_up\"}", eventsGivenUp)])
        counter("cordon_event_tries_failed_total", "Tries to push an event that failed.", [("", eventTriesFailed)])
        counter(
            "cordon_notification_tries_failed_total", "Messages that no receiver took at that try.",
            [("", noticeTriesFailed)])
        counter("cordon_commit_conflicts_total", "Commits that another writer was before.", [("", commitConflicts)])
        return out
    }
}

extension Counts {
    mutating func count(_ events: [SessionEvent]) {
        for event in events {
            switch event {
            case .sessionOpened: sessionsOpened += 1
            case .sessionClosed: sessionsClosed += 1
            case .boundaryExceeded: boundariesExceeded += 1
            case .sessionUsed, .sessionSkewed, .sessionIsolated, .sessionIsolationEnded, .sessionLimited,
                .sessionExtended, .sessionApproved, .sessionReleased:
                break
            }
        }
    }

    /// Counts what a stored transition tells.
    mutating func count(_ events: [Event]) {
        for event in events {
            switch event {
            case .runOpened: runsOpened += 1
            case .runEnded: runsEnded += 1
            case .runAsked: runsAsked += 1
            case .callIntended: callsIntended += 1
            case .callRedelivered: callsRedelivered += 1
            case .callReturned(_, _, let outcome):
                outcomes[outcome.kind, default: 0] += 1
                if outcome.wasSentTwice { callsSentTwice += 1 }
            case .questionAsked: runsAsked += 1
            case .runResumed, .runMigrated, .runPaused, .runConcluded, .rollbackRequested, .rollbackFinished,
                .signalJoined, .signalClosed,
                .stepStarted, .stepOpened, .stepSkipped, .stepFinished, .stepFailed, .stepStopped, .stepHalted,
                .waitScheduled, .rungFinished, .questionReminded, .questionEscalated, .answerGiven, .questionClosed,
                .holdStarted, .holdChanged, .exposureFound, .exposureEnded, .proofAwaited, .proofTaken,
                .callResolved, .retryScheduled, .secretLost, .stepReopened:
                break
            }
        }
    }
}
