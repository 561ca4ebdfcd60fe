// SPDX-License-Identifier: Apache-2.0

import CordonCore
import CordonEngine
package import CordonLanguage
package import CordonStore
import Hummingbird

extension API {
    /// What people were told, are to be told, or could not be told.
    @Sendable func notifications(_ inquiry: Inquiry) async throws -> Response {
        let asked = try inquiry.query("state", "receiver", "run", "limit")
        var query = NoticeQuery()
        query.state = try asked.oneOf("state", NoticeRecord.State.allCases.map(\.rawValue))
            .flatMap(NoticeRecord.State.init)
        query.endpoint = try asked.text("receiver")
        query.run = try asked.id("run")
        query.limit = try asked.limit()
        return .json(["notifications": .array(try await store.notices(query).map(NoticeView.row))])
    }

    /// Sends a message to a channel at once, and says what became of it.
    @Sendable func tryChannel(_ inquiry: Inquiry) async throws -> Response {
        _ = try inquiry.query()
        let caller = try inquiry.knownCaller()
        let channel = try await bodies.read(inquiry.request, upTo: ServerLimits.requestBytesMax) { body in
            try requiredText("channel", try bodyFields(body, knows: ["channel"]), bytesMax: 128)
        }
        switch await engine.tryChannel(channel, by: caller.by) {
        case .taken(let receivers):
            return .json(["channel": .string(channel), "sent": true, "receivers": .int(Int64(receivers))])
        case .failed(let reason): return .json(["channel": .string(channel), "sent": false, "reason": .string(reason)])
        case .noSuchChannel(let known):
            let names = known.isEmpty ? "connections.yaml has no notifications" : known.joined(separator: ", ")
            throw Problem(.notFound, "there is no channel \(channel.forMessage); known: \(names)")
        }
    }
}

/// A notice for one receiver, as the API and the command line show it.
package enum NoticeView {
    package static func row(_ record: NoticeRecord) -> Value {
        let notice = (try? JSON.parse(record.body)) ?? .null
        return [
            "key": .string(record.key), "receiver": .string(record.endpoint), "state": .string(record.state.rawValue),
            "kind": notice["kind"] ?? .null, "playbook": notice["playbook"] ?? .null,
            "run": notice["run"] ?? .null, "step": notice["step"] ?? .null, "text": notice["text"] ?? .null,
            "severity": notice["severity"] ?? .null, "made_at": .string(record.madeAt.description),
            "due_at": record.state == .waiting ? .string(record.dueAt.description) : .null,
            "settled_at": record.settledAt.map { .string($0.description) } ?? .null,
            "attempts": .int(Int64(record.attempts)), "message": record.message.map(Value.string) ?? .null,
            "problem": record.problem.map(Value.string) ?? .null,
        ]
    }
}
