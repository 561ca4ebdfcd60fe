// SPDX-License-Identifier: Apache-2.0

package import CordonLanguage

// The stored form of a session and of its parts: JSON objects that later versions read too.

extension AgentSession.Opening {
    package var value: Value {
        record([
            "id": .string(id), "agent": .string(agent), "owner": .string(owner),
            "approver": approver.map(Value.string), "issuer": issuer.map(Value.string),
            "parent": parent.map(Value.string), "scope": .array(scope.map(Value.string)),
            "resources": .array(resources.map(Value.string)), "approved": approved.value,
            "when_exceeded": .string(whenExceeded.rawValue),
        ])
    }

    init(_ body: Fields) throws(UnreadableRecord) {
        self.init(
            id: try body.string("id"), agent: try body.string("agent"), owner: try body.string("owner"),
            approver: try body.optionalString("approver"), issuer: try body.optionalString("issuer"),
            parent: try body.optionalString("parent"), scope: try body.strings("scope"),
            resources: try body.strings("resources"), approved: try AgentSession.Approval(body.fields("approved")),
            whenExceeded: try body.oneOf("when_exceeded"))
    }
}

extension AgentSession.Approval {
    package var value: Value {
        record(["duration_s": .int(durationSeconds), "bytes": bytes.map(Value.int), "calls": calls.map(Value.int)])
    }

    init(_ body: Fields) throws(UnreadableRecord) {
        self.init(
            durationSeconds: Int64(try body.int("duration_s")), bytes: try body.optionalInt("bytes").map(Int64.init),
            calls: try body.optionalInt("calls").map(Int64.init))
    }
}

extension AgentSession.Usage {
    package var value: Value { ["bytes": .int(bytes), "calls": .int(calls)] }

    init(_ body: Fields) throws(UnreadableRecord) {
        self.init(bytes: Int64(try body.int("bytes")), calls: Int64(try body.int("calls")))
    }
}

extension AgentSession.Crossing {
    package var value: Value {
        ["boundary": .string(boundary.rawValue), "approved": .int(approved), "level": Value(level)]
    }

    init(_ body: Fields) throws(UnreadableRecord) {
        self.init(
            boundary: try body.oneOf("boundary"), approved: Int64(try body.int("approved")),
            level: try body.int("level"))
    }
}

extension AgentSession.Act {
    package var value: Value {
        record(["by": .string(by), "reason": .string(reason), "key": key.map(Value.string)])
    }

    init(_ body: Fields) throws(UnreadableRecord) {
        self.init(
            by: try body.string("by"), reason: try body.string("reason"), key: try body.optionalString("key"))
    }

    func mark(at now: Instant) -> AgentSession.Mark { AgentSession.Mark(by: by, reason: reason, at: now) }
}

extension AgentSession.Mark {
    package var value: Value { ["by": .string(by), "reason": .string(reason), "at": Value(at)] }

    init(_ body: Fields) throws(UnreadableRecord) {
        self.init(by: try body.string("by"), reason: try body.string("reason"), at: try body.instant("at"))
    }
}

extension AgentSession {
    /// The snapshot that the system runs on.
    package var value: Value {
        record([
            "opening": opening.value, "root": .string(root), "depth": Value(depth), "runtime": .string(runtime),
            "opened_at": Value(openedAt), "approved": approved.value, "used": used.value,
            "isolation": isolation?.value, "limit": .string(limit.rawValue), "limitation": limitation?.value,
            "raised": .array(raised.sorted { $0.order < $1.order }.map(\.value)),
            "extensions": .array(extensions.sorted().map(Value.string)), "saw_skew": .bool(sawSkew),
            "closing": closing?.value, "revision": Value(revision), "number": Value(number),
        ])
    }

    package init(_ value: Value) throws(UnreadableRecord) {
        let body = try Fields(value, "session")
        self.init(
            try Opening(body.fields("opening")), root: try body.string("root"), depth: try body.int("depth"),
            runtime: try body.string("runtime"), at: try body.instant("opened_at"))
        approved = try Approval(body.fields("approved"))
        used = try Usage(body.fields("used"))
        isolation = try AgentSession.mark(body, "isolation")
        limit = try body.oneOf("limit")
        limitation = try AgentSession.mark(body, "limitation")
        raised = Set(
            try body.list("raised") { (value, place) throws(UnreadableRecord) in
                try Crossing(Fields(value, place))
            })
        extensions = Set(try body.strings("extensions"))
        sawSkew = try body.bool("saw_skew")
        closing = try AgentSession.mark(body, "closing")
        revision = try body.int("revision")
        number = try body.int("number")
    }

    private static func mark(_ body: Fields, _ key: String) throws(UnreadableRecord) -> Mark? {
        guard let fields = try body.optionalFields(key) else { return nil }
        return try Mark(fields)
    }
}

extension AgentSession.Crossing {
    fileprivate var order: (String, Int64, Int) { (boundary.rawValue, approved, level) }
}
