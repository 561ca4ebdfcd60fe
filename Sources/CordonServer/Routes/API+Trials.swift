// SPDX-License-Identifier: Apache-2.0

import CordonCore
import CordonEngine
import CordonLanguage
import CordonStore
import Hummingbird

// What people say of alarms and of playbooks.

extension API {
    @Sendable func labelRun(_ inquiry: Inquiry) async throws -> Response {
        let id: RunID = try inquiry.id(of: "run")
        return try await label(try await record(id).alert, inquiry)
    }

    @Sendable func labelAlert(_ inquiry: Inquiry) async throws -> Response {
        let id: AlertID = try inquiry.id(of: "alert")
        var query = AlertQuery()
        query.id = id
        query.limit = 1
        guard try await !store.alerts(query).isEmpty else { throw Problem.notFound("alert", id.text) }
        return try await label(id, inquiry)
    }

    private func label(_ alert: AlertID, _ inquiry: Inquiry) async throws -> Response {
        let (fields, reason, caller) = try await words(inquiry, ["label"])
        guard let label = try Label(rawValue: requiredText("label", fields, bytesMax: 64)) else {
            throw Problem(.badBody, "'label' is one of \(Label.allCases.map(\.rawValue).joined(separator: ", "))")
        }
        guard try await engine.label(alert, label, by: caller.by, reason: reason) else {
            throw Problem(.conflict, "\(alert) is labeled \(label.rawValue) already")
        }
        return .json(["alert": .string(alert.text), "label": .string(label.rawValue), "by": .string(caller.by)])
    }

    @Sendable func closeBreaker(_ inquiry: Inquiry) async throws -> Response {
        let (fields, reason, caller) = try await words(inquiry, ["playbook"])
        let playbook = try requiredText("playbook", fields, bytesMax: 256)
        guard try await engine.closeBreaker(playbook, by: caller.by, reason: reason) else {
            throw Problem(.conflict, "the breaker of a playbook '\(playbook)' is not open; see 'cordon guard list'")
        }
        return .json(["playbook": .string(playbook), "breaker": "closed", "by": .string(caller.by)])
    }

    @Sendable func setMode(_ inquiry: Inquiry) async throws -> Response {
        let (fields, reason, caller) = try await words(inquiry, ["mode", "force"])
        guard let mode = try Playbook.Mode(rawValue: requiredText("mode", fields, bytesMax: 64)) else {
            throw Problem(
                .badBody, "'mode' is one of \(Playbook.Mode.allCases.map(\.rawValue).joined(separator: ", "))")
        }
        let name = inquiry.parameters.get("name") ?? ""
        guard fields["force"] == nil || fields["force"]?.boolValue != nil else {
            throw Problem(.badBody, "'force' must be true or false; nothing was changed")
        }
        let isForced = fields["force"] == true
        switch try await engine.setMode(name, mode, isForced: isForced, by: caller.by, reason: reason) {
        case .done: return .json(["playbook": .string(name), "mode": .string(mode.rawValue), "by": .string(caller.by)])
        case .noSuchPlaybook: throw Problem.notFound("playbook", name)
        case .noLadder:
            throw Problem(
                .conflict, "guards.yaml has no 'ladder', so a playbook goes as far as the 'mode' of its file says")
        case .lacking(let lacks):
            throw Problem(
                .conflict,
                "\(name) may not go as far as \(mode.rawValue) yet: \(lacks.joined(separator: "; ")); "
                    + "with 'force' it may all the same, and the history says who wanted it")
        }
    }

    @Sendable func trackRecord(_ inquiry: Inquiry) async throws -> Response {
        let asked = try inquiry.query("days")
        let days = try asked.number("days", 1...366) ?? 30
        let name = inquiry.parameters.get("name") ?? ""
        let library = engine.library
        guard let playbook = library.playbooks.first(where: { $0.name == name }) else {
            throw Problem.notFound("playbook", name)
        }
        let since = engine.clock.now.adding(milliseconds: -Int64(days) * 86_400_000)
        let record = try await engine.trackRecord(
            playbook.pin, running: library.workflows[playbook.workflow]?.pin, since: since)
        return .json(TrackRecordView.make(record, playbook, library, engine.standing))
    }

    /// The body of what a person orders, with the reason that it must have.
    private func words(
        _ inquiry: Inquiry, _ more: [String]
    ) async throws -> (fields: [String: Value], reason: String, caller: Access.Caller) {
        _ = try inquiry.query()
        let caller = try inquiry.knownCaller()
        let (fields, reason) = try await bodies.read(inquiry.request, upTo: ServerLimits.requestBytesMax) { body in
            let fields = try bodyFields(body, knows: ["reason"] + more)
            return (fields, try requiredText("reason", fields, bytesMax: ServerLimits.reasonBytesMax))
        }
        return (fields, reason, caller)
    }
}
