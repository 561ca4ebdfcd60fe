// SPDX-License-Identifier: Apache-2.0

import BenchKit
import CordonLanguage

/// How long a session that was isolated still gets through: from the answer that its isolation is stored to the answer
/// of its next request at the gate.
struct Enforcement: Sendable {
    struct Figures: Sendable {
        var refused: [Double] = []
        var childRefused: [Double] = []
        var restored: [Double] = []
        /// Answers that were not what they should have been.
        var wrong = 0
    }

    static let rounds = 100
    private let server: ServerProcess
    private let gate: NginxGate
    private let runtime, person: String

    init(_ server: ServerProcess, _ gate: NginxGate) async throws {
        self.server = server
        self.gate = gate
        runtime = try await server.grant("agent_runtime")
        person = try await server.grant("operator")
    }

    func measure() async throws -> Figures {
        var figures = Figures()
        for round in 0..<Enforcement.rounds {
            let (own, child) = ("e\(round)", "e\(round)-child")
            try await open("/api/v1/sessions", own)
            try await open("/api/v1/sessions/\(own)/delegate", child)
            if try await use(own) != 200 { figures.wrong += 1 }
            if try await use(child) != 200 { figures.wrong += 1 }
            try await isolate(own, true)
            let isolated = Monotonic.nanoseconds
            if try await use(own) != 403 { figures.wrong += 1 }
            figures.refused.append(Monotonic.milliseconds(Monotonic.nanoseconds - isolated))
            if try await use(child) != 403 { figures.wrong += 1 }
            figures.childRefused.append(Monotonic.milliseconds(Monotonic.nanoseconds - isolated))
            try await isolate(own, false)
            let released = Monotonic.nanoseconds
            if try await use(own) != 200 { figures.wrong += 1 }
            figures.restored.append(Monotonic.milliseconds(Monotonic.nanoseconds - released))
            if try await use(child) != 200 { figures.wrong += 1 }
        }
        return figures
    }

    private func open(_ path: String, _ id: String) async throws {
        let opening: Value = [
            "id": .string(id), "agent": "bench", "owner": "bench", "approved": ["duration_s": 86_400],
        ]
        let status = try await server.ask("POST", path, opening, token: runtime).status
        guard status == 201 else { throw BenchFailure(description: "session \(id) could not be opened: \(status)") }
    }

    private func isolate(_ id: String, _ isIsolated: Bool) async throws {
        let body: Value = ["isolated": .bool(isIsolated), "reason": "a benchmark"]
        let status = try await server.ask("PUT", "/api/v1/sessions/\(id)/isolation", body, token: person).status
        guard status == 200 else { throw BenchFailure(description: "session \(id) could not be isolated: \(status)") }
    }

    /// The status that the session's next request gets, on a connection of its own.
    private func use(_ id: String) async throws -> Int {
        let request = "GET /closed/orders HTTP/1.1\r\nhost: 127.0.0.1\r\nx-agent-session: \(id)\r\n\r\n"
        return try await onThread { [port = gate.port] in
            try HTTPConnection(port: port).exchange(Array(request.utf8)).status
        }
    }
}
