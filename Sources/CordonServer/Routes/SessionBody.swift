// SPDX-License-Identifier: Apache-2.0

import CordonCore
import CordonLanguage

// What bodies about agent sessions say, read strictly: nothing is taken for what it might have meant.

extension AgentSession.Opening {
    static let fields = [
        "id", "agent", "owner", "approver", "issuer", "scope", "resources", "approved", "when_exceeded",
    ]

    init(_ fields: [String: Value], parent: String?) throws(Problem) {
        let id = try requiredText("id", fields, bytesMax: Limits.sessionIDBytesMax)
        guard AgentSession.Opening.isID(id) else {
            throw Problem(.badBody, "'id' is letters, digits, '-', '_' and '.', and does not begin with a dot")
        }
        let whenExceeded: AgentSession.WhenExceeded = try choice("when_exceeded", fields) ?? .allow
        self.init(
            id: id, agent: try requiredText("agent", fields, bytesMax: 200),
            owner: try requiredText("owner", fields, bytesMax: 200), approver: try optionalText("approver", fields),
            issuer: try optionalText("issuer", fields), parent: parent, scope: try names("scope", fields),
            resources: try names("resources", fields),
            approved: try AgentSession.Approval(try object("approved", fields)), whenExceeded: whenExceeded)
        let bytes = value.jsonBytes.count
        guard bytes <= Limits.sessionBytesMax else {
            throw Problem(
                .badBody,
                "the session's opening has \(bytes) bytes, the limit is \(Limits.sessionBytesMax) (sessionBytesMax)")
        }
    }
}

extension AgentSession.Approval {
    init(_ fields: [String: Value]) throws(Problem) {
        try refuseStrangers(fields, "approved", ["duration_s", "bytes", "calls"])
        guard let seconds = try count("duration_s", fields), (1...Limits.sessionSecondsMax).contains(seconds) else {
            throw Problem(
                .badBody, "'approved.duration_s' is a number of seconds from 1 to \(Limits.sessionSecondsMax)")
        }
        self.init(durationSeconds: seconds, bytes: try count("bytes", fields), calls: try count("calls", fields))
    }
}

extension AgentSession.Extension {
    /// A duration such as `30m`, or a map with one or more of `duration_s`, `bytes` and `calls`.
    init(_ value: Value?) throws(Problem) {
        let way = "'by' is a duration such as \"30m\", or a map with one or more of duration_s, bytes and calls"
        switch value {
        case .string(let text):
            guard let milliseconds = YAMLDuration.milliseconds(text), milliseconds >= 1000 else {
                throw Problem(.badBody, way)
            }
            self.init(durationSeconds: milliseconds / 1000)
        case .object(let fields) where !fields.isEmpty:
            try refuseStrangers(fields, "by", ["duration_s", "bytes", "calls"])
            self.init(
                durationSeconds: try count("duration_s", fields) ?? 0, bytes: try count("bytes", fields) ?? 0,
                calls: try count("calls", fields) ?? 0)
        default: throw Problem(.badBody, way)
        }
    }
}

extension AgentSession.Usage {
    init(_ fields: [String: Value]) throws(Problem) {
        try refuseStrangers(fields, "used", ["bytes", "calls"])
        self.init(bytes: try count("bytes", fields) ?? 0, calls: try count("calls", fields) ?? 0)
    }
}

func object(_ name: String, _ fields: [String: Value]) throws(Problem) -> [String: Value] {
    guard let members = fields[name]?.objectValue else { throw Problem(.badBody, "'\(name)' must be a map") }
    return members
}

func choice<Choice: RawRepresentable<String> & CaseIterable>(
    _ name: String, _ fields: [String: Value]
) throws(Problem) -> Choice? {
    guard let value = fields[name], value != .null else { return nil }
    guard let choice = value.stringValue.flatMap(Choice.init(rawValue:)) else {
        let all = Choice.allCases.map(\.rawValue).joined(separator: ", ")
        throw Problem(.badBody, "'\(name)' must be one of \(all)")
    }
    return choice
}

func optionalText(_ name: String, _ fields: [String: Value], bytesMax: Int = 200) throws(Problem) -> String? {
    guard let value = fields[name], value != .null else { return nil }
    return try requiredText(name, fields, bytesMax: bytesMax)
}

func refuseStrangers(_ fields: [String: Value], _ place: String, _ known: [String]) throws(Problem) {
    guard let stranger = fields.keys.sorted().first(where: { !known.contains($0) }) else { return }
    throw Problem(
        .badBody, "'\(place)' has no member \(stranger.forMessage); it takes \(known.joined(separator: ", "))")
}

/// A whole number from 0; `null` is none.
func count(_ name: String, _ fields: [String: Value]) throws(Problem) -> Int64? {
    guard let value = fields[name], value != .null else { return nil }
    guard let number = value.intValue, number >= 0 else {
        throw Problem(.badBody, "'\(name)' must be a whole number from 0")
    }
    return number
}

private func names(_ name: String, _ fields: [String: Value]) throws(Problem) -> [String] {
    guard let value = fields[name], value != .null else { return [] }
    guard let items = value.arrayValue else { throw Problem(.badBody, "'\(name)' must be a list of names") }
    var names: [String] = []
    for item in items { names.append(try requiredText(name, [name: item], bytesMax: 200)) }
    guard Set(names).count == names.count else { throw Problem(.badBody, "'\(name)' names something twice") }
    return names
}
