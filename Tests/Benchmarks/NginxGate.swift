// SPDX-License-Identifier: Apache-2.0

import BenchKit
import CordonLanguage
import Foundation
import TestKit

/// A real nginx under the settings that `cordon session gate` prints, before an upstream of its own: what enforcement
/// costs whoever stands behind it.
final class NginxGate: Sendable {
    static let program = "/usr/sbin/nginx"
    static var isInstalled: Bool { FileManager.default.isExecutableFile(atPath: program) }

    let port: UInt16
    private let process: ProgramUnderTest

    init(before server: ServerProcess, _ cordon: String, in installation: Installation) async throws {
        let scratch = installation.scratch
        let (port, upstream) = (try NginxGate.freePort(), try NginxGate.freePort())
        self.port = port
        let folder = scratch.path("gate")
        try FileManager.default.createDirectory(atPath: folder + "/tmp", withIntermediateDirectories: true)
        let token = try scratch.write(try await server.grant("enforcement_point"), to: "gate-token")
        try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: token)
        // The server took a port of the system's choice; nginx is to know which.
        let named = try scratch.write("listen: { port: \(server.port) }\nstate: state\n", to: "gate.yaml")
        let gate = try ProgramUnderTest(
            cordon,
            [
                "session", "gate", "--config", named, "--listen", "127.0.0.1:\(port)", "--upstream",
                "http://127.0.0.1:\(upstream)", "--token-file", token, "--cache", folder + "/verdicts",
            ], folder: scratch.path, capturedIn: scratch, as: "settings")
        guard try await gate.waitForExit(timeoutMilliseconds: 60_000) == .exited(0) else {
            throw BenchFailure(description: "session gate: \(gate.error)")
        }
        let settings = NginxGate.settings(folder, upstream, gate.output)
        try settings.write(toFile: folder + "/nginx.conf", atomically: true, encoding: .utf8)
        process = try ProgramUnderTest(
            NginxGate.program, ["-c", folder + "/nginx.conf", "-e", folder + "/error.log"], folder: folder,
            capturedIn: scratch, as: "nginx")
        for _ in 0..<500 {
            if (try? HTTPConnection.get("/", port: port)) != nil { return }
            try await pause(milliseconds: 20)
        }
        throw BenchFailure(description: "nginx does not listen: \(process.error)")
    }

    func stop() { process.kill() }

    private static func settings(_ folder: String, _ upstream: UInt16, _ gate: String) -> String {
        """
        daemon off; master_process off;
        pid \(folder)/nginx.pid; error_log \(folder)/error.log warn; events { worker_connections 1024; }
        http {
            access_log off; keepalive_requests 1000000;
            client_body_temp_path \(folder)/tmp; proxy_temp_path \(folder)/tmp; fastcgi_temp_path \(folder)/tmp;
            uwsgi_temp_path \(folder)/tmp; scgi_temp_path \(folder)/tmp;
            server { listen 127.0.0.1:\(upstream); location / { return 200 "protected"; } }
            \(gate)
        }

        """
    }

    /// A port that was free a moment ago.
    private static func freePort() throws -> UInt16 {
        let probe = try LoopbackServer { _ in .respond(204) }
        defer { probe.stop() }
        return UInt16(probe.port)
    }
}
