// SPDX-License-Identifier: Apache-2.0

import BenchKit

/// Sends alerts at a steady rate, whatever the server does: an answer that comes late delays no other alert, so a
/// stall is seen by everything that fell into it.
struct OpenLoop: Sendable {
    struct Shot: Sendable {
        var credential: Int
        /// When it was to be sent, when it was, and when its answer was read whole.
        var due: Int64
        var sent: Int64
        var answered: Int64
        var status: Int

        /// From the moment it was due, so that waiting for a free lane counts as the waiting that it is.
        var latencyMilliseconds: Double { Monotonic.milliseconds(answered - due) }
        var latenessMilliseconds: Double { Monotonic.milliseconds(sent - due) }
    }

    var port: UInt16
    var ratePerSecond: Double

    /// Each lane is a thread with a kept connection and has 100 ms for an exchange before its next alert is due.
    private var lanes: Int { max(1, min(64, Int(ratePerSecond / 10))) }

    func send(_ credentials: Range<Int>) async throws -> [Shot] {
        let requests = credentials.map(Installation.alert)
        let lanes = self.lanes
        let beginning = Monotonic.nanoseconds + 50_000_000
        return try await withThrowingTaskGroup(of: [Shot].self) { group in
            for lane in 0..<lanes {
                let turns = Array(stride(from: lane, to: requests.count, by: lanes))
                group.addTask {
                    try await onThread {
                        try drive(turns.map { (credentials.lowerBound + $0, $0, requests[$0]) }, from: beginning)
                    }
                }
            }
            var shots: [Shot] = []
            for try await more in group { shots += more }
            return shots
        }
    }

    private func drive(
        _ turns: [(credential: Int, turn: Int, request: [UInt8])], from beginning: Int64
    ) throws -> [Shot] {
        let connection = try HTTPConnection(port: port)
        return try turns.map { turn in
            let due = beginning + Int64(Double(turn.turn) / ratePerSecond * 1_000_000_000)
            Monotonic.wait(until: due)
            let sent = Monotonic.nanoseconds
            let status = try connection.exchange(turn.request).status
            return Shot(
                credential: turn.credential, due: due, sent: sent, answered: Monotonic.nanoseconds, status: status)
        }
    }
}
