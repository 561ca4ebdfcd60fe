// SPDX-License-Identifier: Apache-2.0

import CordonCore
import CordonEngine
import CordonLanguage
import CordonStore
import Hummingbird
import Logging

/// What the routes are answered from.
struct API: Sendable {
    let engine: Engine
    let access: Access
    let version: String
    /// Proves to the commands of this machine that this server is the one that the state folder names.
    let proofKey: ProofKey?
    let bodies: BodyReader
    let custody: StreamWriter
    /// `nil`: nobody is asked for certificates.
    var tls: TLSDesk?
    let logger: Logger
    let date = DateText()
    let reads = ReadLedger()

    var store: any Store { engine.store }

    // MARK: The node itself

    /// The process lives. Says nothing of what it stands on.
    @Sendable func health(_ inquiry: Inquiry) async throws -> Response {
        var body: [String: Value] = ["status": "ok"]
        if let proofKey, let nonce = inquiry.request.headers[ProofKey.header] {
            body["proof"] = proofKey.proof(of: nonce).map(Value.string) ?? .null
        }
        return .json(.object(body))
    }

    /// Alerts would be stored and decided now: the store answers and playbooks are loaded.
    @Sendable func ready(_ inquiry: Inquiry) async throws -> Response {
        let library = engine.library
        guard !library.playbooks.isEmpty else {
            return .json(["status": "not_ready", "reason": "no playbook is loaded"], status: .serviceUnavailable)
        }
        do throws(StoreError) {
            var query = AlertQuery()
            query.limit = 1
            _ = try await store.alerts(query)
            if let shortage = try await store.shortage() {
                return .json(
                    ["status": "not_ready", "reason": .string(shortage), "lacks": "disk"], status: .serviceUnavailable)
            }
        } catch {
            logger.error("not ready", metadata: ["error": "\(error)"])
            return .json(["status": "not_ready", "reason": "the store does not answer"], status: .serviceUnavailable)
        }
        return .json([
            "status": "ready", "playbooks": .int(Int64(library.playbooks.count)),
            "workflows": .int(Int64(library.workflows.count)),
        ])
    }

    /// Prometheus text exposition format, version 0.0.4.
    @Sendable func metrics(_ inquiry: Inquiry) async throws -> Response {
        let text =
            engine.counts.prometheus + gauges(try await store.vitals(), unreadable: engine.unreadableRuns)
            + gauge(try await engine.sessionStates())
        return Response(
            status: .ok, headers: [.contentType: "text/plain; version=0.0.4; charset=utf-8"],
            body: ResponseBody(byteBuffer: ByteBuffer(string: text)))
    }

    private func gauge(_ sessions: [AgentSession.State: Int]) -> String {
        let rows = AgentSession.State.allCases.filter { $0 != .closed }.map {
            "cordon_sessions{state=\"\($0.rawValue)\"} \(sessions[$0] ?? 0)\n"
        }
        return "# HELP cordon_sessions Live agent sessions by state.\n# TYPE cordon_sessions gauge\n" + rows.joined()
    }

    private func gauges(_ vitals: Vitals, unreadable: Int) -> String {
        var out = ""
        func row(_ name: String, _ kind: String, _ help: String, _ value: Int) {
            out += "# HELP \(name) \(help)\n# TYPE \(name) \(kind)\n\(name) \(value)\n"
        }
        row("cordon_alerts", "gauge", "Alerts in the store.", vitals.alerts)
        row("cordon_runs", "gauge", "Runs in the store.", vitals.runs)
        row("cordon_runs_live", "gauge", "Runs that have not ended.", vitals.liveRuns)
        row("cordon_runs_without_wake", "gauge", "Live runs that nothing will wake; must be 0.", vitals.runsWithoutWake)
        row(
            "cordon_runs_unreadable", "gauge", "Live runs whose records are broken; nobody moves them.", unreadable)
        row("cordon_history_entries", "gauge", "Entries of the history over all streams.", vitals.entries)
        row("cordon_notifications_waiting", "gauge", "Notices that nobody was told yet.", vitals.noticesWaiting)
        row("cordon_store_bytes", "gauge", "Bytes of the store on disk.", vitals.bytesOnDisk)
        row("cordon_store_commits_total", "counter", "Transactions committed since the start.", vitals.commits)
        row("cordon_store_operations_total", "counter", "Operations in them.", vitals.operations)
        return out
    }

    @Sendable func versionText(_ inquiry: Inquiry) async throws -> Response {
        .json(["name": "cordon", "version": .string(version), "api": "v1"])
    }

    @Sendable func whoAmI(_ inquiry: Inquiry) async throws -> Response {
        let caller = try inquiry.knownCaller()
        let permissions = Permission.allCases.filter(caller.role.may).map { Value.string($0.rawValue) }
        return .json([
            "id": .string(caller.id), "name": .string(caller.name), "role": .string(caller.role.rawValue),
            "permissions": .array(permissions),
        ])
    }
}
