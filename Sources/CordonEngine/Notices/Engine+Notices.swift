// SPDX-License-Identifier: Apache-2.0

import CordonConnectors
import CordonCore
import CordonLanguage
import CordonStore
import Logging

// What people are told is stored in the commit of what it tells, and told afterwards, as often as it takes and at least
// once. No run waits for it: one that can't be delivered is counted and shown.

extension Engine {
    var notifications: Notifications { connections.notifications }

    /// What a transition gives people to know, one row for each receiver.
    func notices(_ transition: Transition, after number: Int, at now: Instant) -> [NoticeRecord] {
        guard !notifications.routes.isEmpty else { return [] }
        let told = Notice.told(by: transition, after: number, at: now) {
            let playbook = library.playbooks.first { $0.name == transition.run.playbook.name }
            return Notice.Background(
                owner: playbook?.owner ?? "",
                objective: playbook?.containedBy.flatMap { step in
                    playbook?.containedWithinMilliseconds.map {
                        Notice.Objective(step: step, withinMilliseconds: $0)
                    }
                })
        }
        return told.flatMap { records($0, at: now) }
    }

    /// Guards that stopped more than one run, and those that let nothing be done about one: told once in each quarter of
    /// an hour.
    func notices(_ decisions: [(Signal, Decision)], _ library: Library, at now: Instant) -> [NoticeRecord] {
        guard !notifications.routes.isEmpty else { return [] }
        let slot = Int(now.milliseconds / Limits.waveMilliseconds)
        var told: [Notice] = []
        for (signal, decision) in decisions {
            for match in decision.matches {
                let owner = library.playbooks.first { $0.name == match.playbook.name }?.owner ?? ""
                if match.verdict == .deny, let reason = match.reasons.first(where: { $0.verdict == .deny }) {
                    var subject = ""
                    if case .resolved(let found) = match.resolution { subject = found.key }
                    told.append(
                        Notice(
                            .denied, playbook: match.playbook.name, owner: owner, subject: subject,
                            severity: max(signal.severity, .high),
                            text: "\(reason.guardName): \(reason.because); look at \(signal.alert)", at: now,
                            ordinal: slot))
                }
                // A guard that agrees has left its numbers too.
                for reason in match.reasons where reason.verdict != .enforce {
                    guard let kind = Notice.Kind(guardName: reason.guardName) else { continue }
                    told.append(
                        Notice(
                            kind, playbook: match.playbook.name, owner: owner, severity: max(signal.severity, .high),
                            text: reason.because, at: now, ordinal: slot))
                }
            }
        }
        return told.flatMap { records($0, at: now) }
    }

    func notice(ofHalt scope: Halts.Scope, isSet: Bool, by: String, reason: String, _ number: Int) -> [NoticeRecord] {
        let now = clock.now
        let word = isSet ? "is halted" : "goes on"
        let notice = Notice(
            .halt, playbook: "halts", severity: .high, text: "\(scope.text) \(word), by \(by): \(reason)", at: now,
            ordinal: number)
        return records(notice, at: now)
    }

    /// A notice for everybody whom a route names.
    func notices(_ notice: Notice, at now: Instant) -> [NoticeRecord] {
        notifications.routes.isEmpty ? [] : records(notice, at: now)
    }

    private func records(_ notice: Notice, at now: Instant) -> [NoticeRecord] {
        let body = notice.value.jsonBytes
        return notifications.endpoints(for: notice).map { endpoint in
            let gather = notice.kind.isFollowUp ? 0 : endpoint.channel.gatherMilliseconds
            let due = notice.kind == .objectiveMissed ? notice.deadline : nil
            return NoticeRecord(
                key: notice.key, endpoint: endpoint.id, run: notice.run, topic: notice.topic, madeAt: now,
                dueAt: due ?? now.adding(milliseconds: gather), body: body)
        }
    }

    package enum TrialAnswer: Sendable, Hashable {
        case taken(receivers: Int)
        case failed(String)
        case noSuchChannel(known: [String])
    }

    /// A message to a channel at once, whatever the routes.
    package func tryChannel(_ id: String, by: String) async -> TrialAnswer {
        let endpoints = notifications.endpoints.filter { $0.channel.id == id }
        guard !endpoints.isEmpty else { return .noSuchChannel(known: notifications.channels.map(\.id)) }
        let now = clock.now
        let notice = Notice(
            .trial, playbook: "notifications", severity: .low, text: "\(by) tries the channel '\(id)'", at: now,
            ordinal: Int(now.milliseconds))
        for endpoint in endpoints {
            let message = Message(
                id: Message.name("\(endpoint.id)/\(notice.key)"), notices: [notice], base: links?.base, at: now)
            switch await courier.send(message, to: endpoint) {
            case .taken: continue
            case .later(let reason, _), .refused(let reason): return .failed("\(endpoint.id): \(reason)")
            }
        }
        return .taken(receivers: endpoints.count)
    }
}

extension Notice.Kind {
    fileprivate init?(guardName: String) {
        switch guardName {
        case "surge": self = .surge
        case "breaker": self = .breaker
        default: return nil
        }
    }
}
