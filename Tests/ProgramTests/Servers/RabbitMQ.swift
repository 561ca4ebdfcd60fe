// SPDX-License-Identifier: Apache-2.0

import CordonLanguage
import Foundation
import TestKit

/// A private RabbitMQ (Debian package `rabbitmq-server`) with its management plugin on loopback, and a client of it that
/// holds a connection open.
final class RabbitMQ: Sendable {
    private static let program = "/usr/lib/rabbitmq/bin/rabbitmq-server"
    private static let names = "/usr/bin/epmd"
    static let python = "/usr/bin/python3"
    static var isInstalled: Bool {
        [program, names, python].allSatisfy { FileManager.default.isExecutableFile(atPath: $0) }
    }
    static let install = "RabbitMQ is not installed (apt-get install rabbitmq-server python3)"

    let base: String
    private let port: Int
    private let web: Web
    private let registry: ProgramUnderTest
    private let process: ProgramUnderTest
    private let scratch: ScratchFolder

    /// Started on ports that nobody else has: one that was free may be taken before it listens there.
    static func started() async throws -> RabbitMQ {
        for _ in 1...2 {
            do { return try await RabbitMQ() } catch is Web.NoAnswer { continue }
        }
        return try await RabbitMQ()
    }

    private init() async throws {
        let scratch = try ScratchFolder("cordon-rabbitmq-node")
        self.scratch = scratch
        web = try Web()
        let (amqp, http, distribution, epmd) = (try freePort(), try freePort(), try freePort(), try freePort())
        port = amqp
        base = "http://127.0.0.1:\(http)/api"
        for folder in ["rabbit/db", "rabbit/log"] {
            try FileManager.default.createDirectory(
                atPath: scratch.path(folder), withIntermediateDirectories: true)
        }
        try scratch.write("[rabbitmq_management].\n", to: "rabbit/plugins")
        try scratch.write(
            """
            listeners.tcp.1 = 127.0.0.1:\(amqp)
            management.tcp.port = \(http)
            management.tcp.ip = 127.0.0.1

            """, to: "rabbit/rabbitmq.conf")
        // The node would start one of its own that outlives it.
        registry = try ProgramUnderTest(
            Self.names, ["-port", "\(epmd)", "-address", "127.0.0.1"], capturedIn: scratch, as: "epmd")
        process = try ProgramUnderTest(
            Self.program, [],
            environment: [
                "HOME": scratch.path("rabbit"), "RABBITMQ_NODENAME": "ward\(http)@localhost",
                "RABBITMQ_DIST_PORT": "\(distribution)", "ERL_EPMD_ADDRESS": "127.0.0.1", "ERL_EPMD_PORT": "\(epmd)",
                "RABBITMQ_CONFIG_FILE": scratch.path("rabbit/rabbitmq"),
                "RABBITMQ_ENABLED_PLUGINS_FILE": scratch.path("rabbit/plugins"),
                "RABBITMQ_MNESIA_BASE": scratch.path("rabbit/db"), "RABBITMQ_LOG_BASE": scratch.path("rabbit/log"),
                "RABBITMQ_PID_FILE": scratch.path("rabbit/pid"),
                // It is the broker then, and not a shell that waits for one.
                "RUNNING_UNDER_SYSTEMD": "true",
            ], folder: scratch.path, capturedIn: scratch, as: "rabbitmq")
        let (web, base, process) = (web, base, process)
        do {
            try await eventually("RabbitMQ to listen") {
                if let end = process.end { throw Web.NoAnswer(reason: "it ended: \(end)") }
                do {
                    return try await web.ask("GET", base + "/overview", headers: Self.admin).status == 200
                } catch is Web.NoAnswer { return false }
            }
        } catch {
            stop()
            throw Web.NoAnswer(reason: "\(error); it said: \((process.output + process.error).suffix(2000))")
        }
    }

    func stop() {
        process.kill()
        registry.kill()
    }

    private static let admin: [(name: String, value: String)] = [
        ("content-type", "application/json"),
        ("authorization", "Basic " + Data("guest:guest".utf8).base64EncodedString()),
    ]

    @discardableResult
    func ask(_ method: String, _ path: String, _ body: Value? = nil) async throws -> Web.Answer {
        let answer = try await web.ask(method, base + path, headers: Self.admin, body: body?.json)
        guard answer.status < 500 else { throw Web.NoAnswer(reason: "\(answer.status) \(answer.text)") }
        return answer
    }

    /// A user who may do everything in the standard virtual host.
    func user(_ name: String, password: String) async throws {
        try await ask("PUT", "/users/\(name)", ["password": .string(password), "tags": ""])
        try await ask("PUT", "/permissions/%2F/\(name)", ["configure": ".*", "write": ".*", "read": ".*"])
    }

    /// How many connections at most; `nil`: as many as it likes.
    func limit(of name: String) async throws -> Int64? {
        let listed = try await ask("GET", "/user-limits/\(name)").json.arrayValue ?? []
        return listed.first?["value"]?["max-connections"]?.intValue
    }

    // MARK: What a client of it does

    /// Connects as a job would, and waits to be cut. Its lines: `connection open` or
    /// `connection refused`, then `connection cut` with what it was told.
    func connect(_ name: String, _ password: String, in scratch: ScratchFolder) throws -> ProgramUnderTest {
        try ProgramUnderTest(
            Self.python, ["-u", "-c", Self.client, "\(port)", name, password], capturedIn: scratch,
            as: "amqp-\(UUID().uuidString)")
    }

    /// Whether a new connection is let in.
    func lets(_ name: String, _ password: String, in scratch: ScratchFolder) async throws -> Bool {
        let client = try connect(name, password, in: scratch)
        defer { client.kill() }
        return try await client.waitForLine(containing: "connection ").hasPrefix("connection open")
    }

    /// AMQP 0-9-1 as far as a connection goes: https://www.rabbitmq.com/amqp-0-9-1-reference
    private static let client = """
        import socket, struct, sys
        port, name, password = int(sys.argv[1]), sys.argv[2].encode(), sys.argv[3].encode()
        line = socket.create_connection(('127.0.0.1', port), 60)
        def take(count):
            data = b''
            while len(data) < count:
                more = line.recv(count - len(data))
                if not more: raise EOFError
                data += more
            return data
        def frame():
            while True:
                kind, channel, size = struct.unpack('>BHI', take(7))
                body = take(size); take(1)
                if kind == 1: return struct.unpack('>HH', body[:4]), body[4:]
        def method(cls, number, body=b''):
            body = struct.pack('>HH', cls, number) + body
            line.sendall(struct.pack('>BHI', 1, 0, len(body)) + body + b'\\xce')
        try:
            line.sendall(b'AMQP\\0\\0\\x09\\x01'); frame()
            sasl = b'\\0' + name + b'\\0' + password
            method(10, 11, struct.pack('>I', 0) + b'\\x05PLAIN' + struct.pack('>I', len(sasl)) + sasl + b'\\x05en_US')
            what, body = frame()
            if what != (10, 30): print('connection refused', what); sys.exit()
            method(10, 31, struct.pack('>HIH', 2047, 131072, 0)); method(10, 40, b'\\x01/\\0\\0')
            what, body = frame()
            if what != (10, 41): print('connection refused', what, body[3:]); sys.exit()
            print('connection open'); line.settimeout(None)
            what, body = frame(); print('connection cut', what, body[3:])
        except (EOFError, OSError) as error: print('connection refused', error)
        """
}
