// SPDX-License-Identifier: Apache-2.0

import BenchKit
import CordonLanguage

/// Asks for verdicts on agent sessions at a steady rate, as enforcement points do: each lane is a kept connection.
struct VerdictLoop: Sendable {
    static let sessions = 200
    private static let lanes = 8

    private let port: UInt16
    private let token: String

    /// Opens the sessions, and takes a token of each role that it needs.
    init(_ server: ServerProcess) async throws {
        port = server.port
        let runtime = try await server.grant("agent_runtime")
        token = try await server.grant("enforcement_point")
        for number in 0..<VerdictLoop.sessions {
            let opening: Value = [
                "id": .string("s\(number)"), "agent": "bench", "owner": "bench",
                "approved": ["duration_s": 86_400, "bytes": 1_000_000_000],
            ]
            let status = try await server.ask("POST", "/api/v1/sessions", opening, token: runtime).status
            guard status == 201 || status == 409 || status == 200 else {
                throw BenchFailure(description: "a session could not be opened: \(status)")
            }
        }
    }

    /// Milliseconds from the moment at which each was due to its whole answer.
    ///
    /// - Parameter gate: where nginx asks for a verdict on each request; `nil` to ask Cordon itself.
    func ask(perSecond rate: Double, seconds: Double, at gate: NginxGate? = nil) async throws -> [Double] {
        let count = Int(rate * seconds)
        let beginning = Monotonic.nanoseconds + 50_000_000
        return try await withThrowingTaskGroup(of: [Double].self) { group in
            for lane in 0..<VerdictLoop.lanes {
                group.addTask { try await onThread { try drive(lane, count, rate, gate?.port, from: beginning) } }
            }
            var all: [Double] = []
            for try await more in group { all += more }
            return all
        }
    }

    private func drive(
        _ lane: Int, _ count: Int, _ rate: Double, _ gate: UInt16?, from beginning: Int64
    ) throws -> [Double] {
        let connection = try HTTPConnection(port: gate ?? port)
        return try stride(from: lane, to: count, by: VerdictLoop.lanes).map { turn in
            let due = beginning + Int64(Double(turn) / rate * 1_000_000_000)
            Monotonic.wait(until: due)
            let session = turn % VerdictLoop.sessions
            let answer = try connection.exchange(gate == nil ? request(session) : use(session))
            guard answer.status == (gate == nil ? 204 : 200) else {
                throw BenchFailure(description: "a verdict was \(answer.status)")
            }
            return Monotonic.milliseconds(Monotonic.nanoseconds - due)
        }
    }

    /// What an agent asks of whoever stands behind the gate.
    private func use(_ session: Int) -> [UInt8] {
        Array("GET /closed/orders HTTP/1.1\r\nhost: 127.0.0.1\r\nx-agent-session: s\(session)\r\n\r\n".utf8)
    }

    /// What nginx asks for each request that it gates.
    private func request(_ session: Int) -> [UInt8] {
        Array(
            """
            GET /enforce/nginx HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer \(token)\r\n\
            x-cordon-session: s\(session)\r\nx-original-method: GET\r\n\r\n
            """.utf8)
    }
}

extension ServerProcess {
    /// A token of that role.
    func grant(_ role: String) async throws -> String {
        let answer = try await ask(
            "POST", "/api/v1/tokens", ["role": .string(role), "name": .string("bench \(role)")], token: nil)
        guard let token = try JSON.parse(answer.body)["token"]?.stringValue else {
            throw BenchFailure(description: "no token of the role \(role) was granted: \(answer.status)")
        }
        return token
    }

    /// - Parameter token: `nil` for the administrator's own.
    func ask(
        _ method: String, _ path: String, _ body: Value, token: String?
    ) async throws -> (status: Int, body: [UInt8]) {
        let bytes = body.jsonBytes
        let head =
            "\(method) \(path) HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer \(token ?? self.token)\r\n"
            + "content-type: application/json\r\ncontent-length: \(bytes.count)\r\n\r\n"
        return try await onThread { [port] in try HTTPConnection(port: port).exchange(Array(head.utf8) + bytes) }
    }
}
