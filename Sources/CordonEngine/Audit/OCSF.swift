// SPDX-License-Identifier: Apache-2.0

import CordonCore
import CordonLanguage

/// The history in the words of the Open Cybersecurity Schema Framework 1.8.0: a signal as Detection Finding (2004), what
/// became of an act or an undo as Remediation Activity (7001) with its D3FEND countermeasure.
enum OCSF {
    private static let version = "1.8.0"
    private static let remediation: Int64 = 7001

    /// Appends a line of JSON for each event. There is one for most lines of a history, so they are written without a
    /// tree: members stand in the order of their names.
    static func write(_ line: HistoryLine, to bytes: inout [UInt8]) {
        let write: (JSONView, HistoryLine, inout JSONWriter) -> Void
        switch line.kind {
        case "callIntended": write = activity
        case "callReturned": write = outcome
        case "signalNormalized": write = finding
        default: return
        }
        // Taken out of the variable, so that the writer has them alone.
        var taken: [UInt8] = []
        swap(&taken, &bytes)
        var writer = JSONWriter(appendingTo: consume taken)
        write(line.told, line, &writer)
        bytes = writer.bytes
    }

    private static func finding(_ signal: JSONView, _ line: HistoryLine, _ writer: inout JSONWriter) {
        let kind = signal["kind"]?.stringValue ?? ""
        let levels = ["info": 1, "low": 2, "medium": 3, "high": 4, "critical": 5]
        let uid: Int64 = 2004
        begin(uid, 1, &writer)
        writer.key("finding_info")
        writer.beginObject()
        writer.field("created_time", line.at.milliseconds)
        writer.field("title", kind)
        writer.field("types", [kind])
        writer.field("uid", signal["id"]?.value ?? .null)
        writer.endObject()
        writer.field("is_alert", true)
        metadata(line, &writer)
        writer.field("severity_id", signal["severity"]?.stringValue.flatMap { levels[$0] } ?? 1)
        writer.field("status_id", 1)
        end(uid, 1, line, &writer)
    }

    /// An intent: in progress, its outcome follows under the same `command_uid`.
    private static func activity(_ body: JSONView, _ line: HistoryLine, _ writer: inout JSONWriter) {
        guard let call = body["call"], let purpose = call["purpose"]?.stringValue.flatMap(Call.Purpose.init(rawValue:)),
            purpose.isChange
        else { return }
        let capability = call["capability"]?.stringValue ?? ""
        let measure = Countermeasure.of(capability, isUndo: purpose == .undo)
        begin(remediation, measure.activity, &writer)
        writer.field("command_uid", command(body, line, call["n"]))
        writer.field("countermeasures", Value.array(measure.technique.map { [$0] } ?? []))
        metadata(line, &writer)
        writer.key("remediation")
        writer.beginObject()
        writer.field("desc", "\(capability) at \(call["provider"]?.stringValue ?? "")")
        writer.endObject()
        writer.field("severity_id", 1)
        writer.field("status", "Intended")
        writer.field("status_id", 99)
        end(remediation, measure.activity, line, &writer)
    }

    private static func outcome(_ body: JSONView, _ line: HistoryLine, _ writer: inout JSONWriter) {
        guard let outcome = body["outcome"],
            let kind = outcome["kind"]?.stringValue.flatMap(Outcome.Kind.init(rawValue:))
        else { return }
        let status =
            switch kind {
            case .done, .already: 1
            case .refused: outcome["status"]?.intValue == 404 ? 3 : 2
            case .later: 6
            case .unknown: 0
            }
        begin(remediation, 99, &writer)
        writer.field("command_uid", command(body, line, body["n"]))
        metadata(line, &writer)
        writer.field("severity_id", 1)
        writer.field("status_detail", outcome["reason"]?.value ?? .string(kind.rawValue))
        writer.field("status_id", status)
        end(remediation, 99, line, &writer)
    }

    private static func command(_ body: JSONView, _ line: HistoryLine, _ number: JSONView?) -> String {
        "\(line.stream)/\(body["step"]?.stringValue ?? "")#\(number?.intValue ?? 0)"
    }

    // MARK: What all have

    private static func begin(_ uid: Int64, _ activity: Int64, _ writer: inout JSONWriter) {
        writer.beginObject()
        writer.field("activity_id", activity)
        writer.field("category_uid", uid / 1000)
        writer.field("class_uid", uid)
    }

    private static func metadata(_ line: HistoryLine, _ writer: inout JSONWriter) {
        writer.key("metadata")
        writer.beginObject()
        writer.key("product")
        writer.beginObject()
        writer.field("name", "Cordon")
        writer.field("vendor_name", "Cordon")
        writer.endObject()
        writer.field("uid", "\(line.stream)@\(line.number)")
        writer.field("version", version)
        writer.endObject()
    }

    private static func end(_ uid: Int64, _ activity: Int64, _ line: HistoryLine, _ writer: inout JSONWriter) {
        writer.field("time", line.at.milliseconds)
        writer.field("type_uid", uid * 100 + activity)
        writer.endObject()
        writer.endLine()
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
