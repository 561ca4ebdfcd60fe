// SPDX-License-Identifier: Apache-2.0

import CordonCore
import CordonLanguage

/// The history in the words of the Open Cybersecurity Schema Framework 1.8.0: a signal as Detection Finding (2004), what
/// became of an act or an undo as Remediation Activity (7001) with its D3FEND countermeasure.
///
/// An outcome alone does not tell what was asked for, so the intents of calls that are not over are remembered: by their
/// streams, whose lines have to come in their order.
struct OCSF {
    /// What of an intent its outcomes say again.
    private enum Intent {
        case reading
        case change(Countermeasure)
    }

    private static let version = "1.8.0"
    private static let remediation: Int64 = 7001
    /// What is asked for without a change: no remediation, whatever comes of it.
    private static let readings = Set(Capability.all.filter { !$0.isWrite }.map(\.name))

    /// Pages of version 1 told each outcome, also of readings, and nothing of what had been intended.
    private let isFirst: Bool
    /// By stream, step and number.
    private var intents: [String: [String: Intent]] = [:]

    /// - Parameter views: the version of the pages.
    init(views: Int) { isFirst = views < 2 }

    /// How many calls are remembered.
    var pendingCount: Int { intents.values.reduce(0) { $0 + $1.count } }

    /// Appends a line of JSON for each event. There is one for most lines of a history, so they are written without a
    /// tree: members stand in the order of their names.
    mutating func write(_ line: HistoryLine, to bytes: inout [UInt8]) {
        let told: (inout JSONWriter) -> Void
        switch line.kind {
        case "signalNormalized": told = { Self.finding(line.told, line, &$0) }
        case "callIntended":
            guard let change = intend(line) else { return }
            told = { Self.activity(line.told, change, line, &$0) }
        case "callReturned":
            guard let ending = Ending(line), let intent = returned(ending, line) else { return }
            told = { Self.outcome(ending, intent, line, &$0) }
        case "callResolved" where !isFirst:
            guard let ending = Ending(resolved: line) else { return }
            let intent = forget(ending.call, line.stream)
            told = { Self.outcome(ending, .settled(intent), line, &$0) }
        case "runEnded", "rollbackFinished":
            intents[line.stream] = nil
            return
        default: return
        }
        // Taken out of the variable, so that the writer has them alone.
        var taken: [UInt8] = []
        swap(&taken, &bytes)
        var writer = JSONWriter(appendingTo: consume taken)
        told(&writer)
        bytes = writer.bytes
    }

    // MARK: What is remembered

    /// - Returns: what a change is; nothing of what only reads.
    private mutating func intend(_ line: HistoryLine) -> Countermeasure? {
        guard let call = line.told["call"],
            let purpose = call["purpose"]?.stringValue.flatMap(Call.Purpose.init(rawValue:))
        else { return nil }
        let capability = call["capability"]?.stringValue ?? ""
        if isFirst { return purpose.isChange ? Countermeasure.first(capability, isUndo: purpose == .undo) : nil }
        let key = Self.call(line.told, call["n"])
        guard purpose.isChange, !Self.readings.contains(capability) else {
            intents[line.stream, default: [:]][key] = .reading
            return nil
        }
        let measure = purpose == .undo ? Countermeasure.inverse(of: capability) : .of(capability)
        intents[line.stream, default: [:]][key] = .change(measure)
        return measure
    }

    /// What an outcome is the outcome of.
    private enum Matched {
        case first
        case known(Countermeasure)
        /// Its intent stands before the lines that are told: it may have been a reading's.
        case unknown

        /// Only of changes it has to be said what became of them.
        static func settled(_ intent: Intent?) -> Matched {
            guard case .change(let measure) = intent else { return .known(.other) }
            return .known(measure)
        }
    }

    /// - Returns: nothing for a reading.
    private mutating func returned(_ ending: Ending, _ line: HistoryLine) -> Matched? {
        guard !isFirst else { return .first }
        // What may be sent again, or has to be looked for, is not over.
        let intent = ending.isLast ? forget(ending.call, line.stream) : intents[line.stream]?[ending.call]
        return switch intent {
        case .reading: nil
        case .change(let measure): .known(measure)
        case nil: .unknown
        }
    }

    private mutating func forget(_ call: String, _ stream: String) -> Intent? {
        let intent = intents[stream]?.removeValue(forKey: call)
        if intents[stream]?.isEmpty == true { intents[stream] = nil }
        return intent
    }

    // MARK: Its lines

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
    private static func activity(
        _ body: JSONView, _ measure: Countermeasure, _ line: HistoryLine, _ writer: inout JSONWriter
    ) {
        let told = body["call"]
        begin(remediation, measure.activity, &writer)
        writer.field("command_uid", "\(line.stream)/\(call(body, told?["n"]))")
        writer.field("countermeasures", measure.list)
        metadata(line, &writer)
        writer.key("remediation")
        writer.beginObject()
        writer.field(
            "desc", "\(told?["capability"]?.stringValue ?? "") at \(told?["provider"]?.stringValue ?? "")")
        writer.endObject()
        writer.field("severity_id", 1)
        writer.field("status", "Intended")
        writer.field("status_id", 99)
        end(remediation, measure.activity, line, &writer)
    }

    /// What a line says became of a call.
    private struct Ending {
        var call: String
        var status: Int
        var detail: Value
        /// Nothing more comes of that call.
        var isLast: Bool

        init?(_ line: HistoryLine) {
            guard let outcome = line.told["outcome"],
                let kind = outcome["kind"]?.stringValue.flatMap(Outcome.Kind.init(rawValue:))
            else { return nil }
            status =
                switch kind {
                case .done, .already: 1
                case .refused: outcome["status"]?.intValue == 404 ? 3 : 2
                case .later: 6
                case .unknown: 0
                }
            detail = outcome["reason"]?.value ?? .string(kind.rawValue)
            isLast = kind != .later && kind != .unknown
            call = OCSF.call(line.told, line.told["n"])
        }

        /// Of a call whose outcome was not known, once somebody knew.
        init?(resolved line: HistoryLine) {
            guard let tookEffect = line.told["took_effect"]?.value.boolValue else { return nil }
            status = tookEffect ? 1 : 2
            detail = line.told["reason"]?.value ?? .null
            isLast = true
            call = OCSF.call(line.told, line.told["n"])
        }
    }

    private static func outcome(
        _ ending: Ending, _ intent: Matched, _ line: HistoryLine, _ writer: inout JSONWriter
    ) {
        let measure = if case .known(let measure) = intent { measure } else { Countermeasure.other }
        begin(remediation, measure.activity, &writer)
        writer.field("command_uid", "\(line.stream)/\(ending.call)")
        if case .known = intent { writer.field("countermeasures", measure.list) }
        metadata(line, &writer)
        writer.field("severity_id", 1)
        if case .unknown = intent {
            // It counts neither as a success nor as a failure: nobody can say here of what.
            writer.field("status", "Intent unknown")
            writer.field("status_detail", ending.detail)
            writer.field("status_id", 99)
        } else {
            writer.field("status_detail", ending.detail)
            writer.field("status_id", ending.status)
        }
        end(remediation, measure.activity, line, &writer)
    }

    /// A call within its run.
    private static func call(_ body: JSONView, _ number: JSONView?) -> String {
        "\(body["step"]?.stringValue ?? "")#\(number?.intValue ?? 0)"
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
