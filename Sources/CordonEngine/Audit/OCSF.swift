// SPDX-License-Identifier: Apache-2.0

import CordonCore
import CordonLanguage

/// The history in the words of the Open Cybersecurity Schema Framework 1.8.0: a signal as Detection Finding (2004), what
/// became of an act or an undo as Remediation Activity (7001) with its D3FEND countermeasure.
enum OCSF {
    private static let version = "1.8.0"

    static func lines(_ line: HistoryLine) -> [Value] {
        let body = line.body
        return switch line.kind {
        case "signalNormalized": [finding(body, line)]
        case "callIntended": activity(body, line).map { [$0] } ?? []
        case "callReturned": [outcome(body, line)].compactMap { $0 }
        default: []
        }
    }

    private static func finding(_ signal: Value, _ line: HistoryLine) -> Value {
        let id = signal["id"] ?? .null
        let kind = signal["kind"]?.stringValue ?? ""
        return event(2, 4, 1, line, severity: signal["severity"]?.stringValue).merging([
            "finding_info": [
                "uid": id, "title": .string(kind), "types": [.string(kind)],
                "created_time": .int(line.at.milliseconds),
            ], "is_alert": true, "status_id": 1,
        ])
    }

    /// An intent: in progress, its outcome follows under the same `command_uid`.
    private static func activity(_ body: Value, _ line: HistoryLine) -> Value? {
        guard let call = body["call"], let purpose = call["purpose"]?.stringValue.flatMap(Call.Purpose.init(rawValue:)),
            purpose.isChange
        else { return nil }
        let capability = call["capability"]?.stringValue ?? ""
        let measure = Countermeasure.of(capability, isUndo: purpose == .undo)
        return event(7, 1, measure.activity, line, severity: nil).merging([
            "command_uid": .string(command(body, line, call["n"])), "status_id": 99, "status": "Intended",
            "countermeasures": measure.technique.map { [$0] } ?? [],
            "remediation": ["desc": .string("\(capability) at \(call["provider"]?.stringValue ?? "")")],
        ])
    }

    private static func outcome(_ body: Value, _ line: HistoryLine) -> Value? {
        guard let kind = body.at("outcome", "kind")?.stringValue.flatMap(Outcome.Kind.init(rawValue:)) else {
            return nil
        }
        let status: Int64 =
            switch kind {
            case .done, .already: 1
            case .refused: body.at("outcome", "status") == 404 ? 3 : 2
            case .later: 6
            case .unknown: 0
            }
        return event(7, 1, 99, line, severity: nil).merging([
            "command_uid": .string(command(body, line, body["n"])), "status_id": .int(status),
            "status_detail": body.at("outcome", "reason") ?? .string(kind.rawValue),
        ])
    }

    private static func command(_ body: Value, _ line: HistoryLine, _ number: Value?) -> String {
        "\(line.stream)/\(body["step"]?.stringValue ?? "")#\(number?.intValue ?? 0)"
    }

    private static func event(
        _ category: Int64, _ item: Int64, _ activity: Int64, _ line: HistoryLine, severity: String?
    ) -> Value {
        let uid = category * 1000 + item
        let levels: [String: Int64] = ["info": 1, "low": 2, "medium": 3, "high": 4, "critical": 5]
        return [
            "category_uid": .int(category), "class_uid": .int(uid), "activity_id": .int(activity),
            "type_uid": .int(uid * 100 + activity), "time": .int(line.at.milliseconds),
            "severity_id": .int(severity.flatMap { levels[$0] } ?? 1),
            "metadata": [
                "version": .string(version), "product": ["name": "Cordon", "vendor_name": "Cordon"],
                "uid": .string("\(line.stream)@\(line.number)"),
            ],
        ]
    }
}

/// What a capability is in D3FEND 1.2.0, and the tactic that Remediation Activity names.
private struct Countermeasure {
    var activity: Int64
    var technique: Value?

    private init(_ activity: Int64, _ uid: String, _ name: String) {
        self.activity = activity
        technique = ["version": "1.2.0", "d3f_technique": ["uid": .string(uid), "name": .string(name)]]
    }

    private init(activity: Int64) { self.activity = activity }

    static func of(_ capability: String, isUndo: Bool) -> Countermeasure {
        if isUndo { return Countermeasure(3, "D3-RUAA", "Restore User Account Access") }
        switch capability {
        case "tokens.revoke", "grants.revoke", "credential.disable", "credential.delete":
            return Countermeasure(2, "D3-CR", "Credential Revocation")
        case "sessions.revoke", "session.end": return Countermeasure(2, "D3-ST", "Session Termination")
        case "account.suspend": return Countermeasure(2, "D3-AL", "Account Locking")
        case "scopes.reduce", "policy.deny_write", "session.limit":
            return Countermeasure(1, "D3-UAP", "User Account Permissions")
        case "session.isolate": return Countermeasure(1, "D3-EI", "Execution Isolation")
        case "workload.pause": return Countermeasure(2, "D3-PS", "Process Suspension")
        case "factor.challenge": return Countermeasure(4, "D3-MFA", "Multi-factor Authentication")
        case "credential.issue", "secret.deliver": return Countermeasure(4, "D3-CRO", "Credential Rotation")
        case "account.restore", "scopes.restore", "policy.allow_write", "credential.enable", "session.release",
            "workload.resume":
            return Countermeasure(3, "D3-RUAA", "Restore User Account Access")
        default: return Countermeasure(activity: 99)
        }
    }
}

extension Value {
    fileprivate func merging(_ more: [String: Value]) -> Value {
        .object((objectValue ?? [:]).merging(more) { _, new in new })
    }
}
