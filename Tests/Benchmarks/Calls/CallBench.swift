// SPDX-License-Identifier: Apache-2.0

import AsyncHTTPClient
import BenchKit
import CordonConnectors
import Foundation
import Glibc
import NIOCore
import NIOHTTP1
import TestKit

/// Measures what goes out over libcurl and what comes in over webhooks, beside what else does the same: a C program
/// over the same libcurl, and async-http-client. By turns, in one run, medians of the rounds.
@main
struct CallBench {
    private let options: Options
    private var report = Report()

    static func main() async {
        do {
            var bench = CallBench(options: try Options(Array(CommandLine.arguments.dropFirst())))
            try await bench.measure()
            print(bench.options.isJSON ? bench.report.json : bench.report.table)
        } catch {
            FileHandle.standardError.write(Data("cordon-bench-calls: \(error)\n".utf8))
            exit(1)
        }
    }

    private init(options: Options) { self.options = options }

    private mutating func measure() async throws {
        let scratch = try ScratchFolder("cordon-bench-calls")
        report.noteMachine("before")
        report.note("cores", String(sysconf(Int32(_SC_NPROCESSORS_ONLN))))
        report.note("rounds", "\(options.rounds) of \(options.seconds) s each, medians; ratios round by round")
        let peer = try Peer(in: scratch)
        let server = try await peer.serve(in: scratch)
        defer { server.stop() }
        try await measureCalls(peer, server.port)
        let slow = try await peer.serve(in: scratch)
        defer { slow.stop() }
        try await measureWaiting(server.port, beside: slow.port, "another provider", target: 0.9)
        try await measureWaiting(server.port, beside: server.port, "the same provider", target: nil)
        try await measureReceiving(scratch)
        try await measureSenders(peer, scratch)
        report.noteMachine("after")
    }

    // MARK: Calls

    /// Every client for a while, one after the other, so that each round has all of them on the same machine.
    private mutating func measureCalls(_ peer: Peer, _ port: UInt16) async throws {
        let url = "http://127.0.0.1:\(port)/call"
        let cordon = try CurlTransport()
        let other = HTTPClient(eventLoopGroupProvider: .singleton, configuration: CallBench.otherConfiguration)
        var rates: [(c: Double, cordon: Double, other: Double)] = []
        let inFlight = options.inFlight
        for round in 0...options.rounds {
            let c = try peer.load(url, inFlight: inFlight, seconds: options.seconds)
            let ours = try await rate { await CallBench.call(cordon, url) }
            let theirs = try await rate { await CallBench.call(other, url) }
            // The first round opens connections and fills caches.
            if round > 0 { rates.append((c, ours, theirs)) }
        }
        await cordon.close()
        try await other.shutdown()
        report.add("\(inFlight) in flight: a C program over libcurl", median(rates.map(\.c)), "calls/s")
        report.add("\(inFlight) in flight: Cordon's transport", median(rates.map(\.cordon)), "calls/s")
        report.add("\(inFlight) in flight: async-http-client", median(rates.map(\.other)), "calls/s")
        report.add("of the C program (at least 0.6)", median(rates.map { $0.cordon / $0.c }), "×", target: 0.6)
        report.add("of async-http-client (at least 1)", median(rates.map { $0.cordon / $0.other }), "×", target: 1)
    }

    private static var otherConfiguration: HTTPClient.Configuration {
        var configuration = HTTPClient.Configuration()
        configuration.connectionPool.concurrentHTTP1ConnectionsPerHostSoftLimit = 128
        return configuration
    }

    private static func call(_ transport: CurlTransport, _ url: String) async -> Bool {
        let request = OutboundRequest(
            method: "POST", url: url,
            headers: [("authorization", "Bearer of-the-benchmark"), ("content-type", "application/json")],
            body: Array(#"{"active":false}"#.utf8), timeoutMilliseconds: 30_000, responseBytesMax: 1 << 20,
            egress: EgressPolicy(allowsPlainHTTP: true, allowsLoopback: true))
        guard case .answered(let response) = await transport.send(request).fate else { return false }
        return response.status == 204
    }

    private static func call(_ client: HTTPClient, _ url: String) async -> Bool {
        var request = HTTPClientRequest(url: url)
        request.method = .POST
        request.headers.add(name: "authorization", value: "Bearer of-the-benchmark")
        request.headers.add(name: "content-type", value: "application/json")
        request.body = .bytes(ByteBuffer(string: #"{"active":false}"#))
        guard let response = try? await client.execute(request, timeout: .seconds(30)) else { return false }
        return response.status.code == 204
    }

    /// So many callers, each with its next call once the last is answered: calls a second.
    private func rate(_ call: @escaping @Sendable () async -> Bool) async throws -> Double {
        let began = Monotonic.nanoseconds
        let end = began + Int64(options.seconds * 1e9)
        let (done, failed) = await withTaskGroup(of: (Int, Int).self) { group in
            for _ in 0..<options.inFlight {
                group.addTask {
                    var (done, failed) = (0, 0)
                    while Monotonic.nanoseconds < end {
                        if await call() { done += 1 } else { failed += 1 }
                    }
                    return (done, failed)
                }
            }
            return await group.reduce(into: (0, 0)) { sum, one in sum = (sum.0 + one.0, sum.1 + one.1) }
        }
        guard failed == 0 else { throw BenchFailure(description: "\(failed) of \(done + failed) calls failed") }
        return Double(done) / (Double(Monotonic.nanoseconds - began) / 1e9)
    }

    // MARK: Beside many that wait

    /// The same calls over one transport, with and without thousands of transfers beside them that get no answer.
    private mutating func measureWaiting(
        _ port: UInt16, beside slow: UInt16, _ place: String, target: Double?
    ) async throws {
        let waiting = options.waiting
        var limits = CurlTransport.Limits()
        limits.inFlightMax = waiting + options.inFlight
        limits.pooledConnectionsMax = waiting + options.inFlight
        let transport = try CurlTransport(limits: limits)
        let url = "http://127.0.0.1:\(port)/call"
        let idle = "http://127.0.0.1:\(slow)/wait"
        var ratios: [Double] = []
        var rates: [Double] = []
        for round in 0...options.rounds {
            let alone = try await rate { await CallBench.call(transport, url) }
            let crowd = Task {
                await withTaskGroup(of: Void.self) { group in
                    for _ in 0..<waiting { group.addTask { _ = await CallBench.call(transport, idle) } }
                }
            }
            while CallBench.openSockets < waiting { try await pause(milliseconds: 20) }
            let beside = try await rate { await CallBench.call(transport, url) }
            crowd.cancel()
            await crowd.value
            if round > 0 {
                rates.append(beside)
                ratios.append(beside / alone)
            }
        }
        await transport.close()
        report.add("beside \(waiting) that wait at \(place): Cordon's transport", median(rates), "calls/s")
        report.add("with them, of without them", median(ratios), "×", target: target)
    }

    private static var openSockets: Int {
        (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd"))?.count ?? 0
    }

    // MARK: Alerts

    private mutating func measureReceiving(_ scratch: ScratchFolder) async throws {
        var rates: [Double] = []
        var processor: [Double] = []
        for round in 0...options.rounds {
            let intake = try Intake(folder: scratch.path("engine-\(round)"))
            let alerts = (0..<options.alerts).map { Webhook.delivery($0) }
            let before = CallBench.processorMilliseconds
            let perSecond = try await intake.receive(alerts, senders: options.senders)
            if round > 0 {
                rates.append(perSecond)
                processor.append((CallBench.processorMilliseconds - before) / Double(alerts.count))
            }
        }
        report.add(
            "signature checked and stored by the engine (at least 5000)", median(rates), "alerts/s", target: 5000)
        report.add("the same: processor time each, with what of it was read meanwhile", median(processor), "ms")
    }

    private mutating func measureSenders(_ peer: Peer, _ scratch: ScratchFolder) async throws {
        guard FileManager.default.isExecutableFile(atPath: options.cordon) else {
            return report.note("alerts over HTTP", "not measured: no program at \(options.cordon)")
        }
        var rates: [Double] = []
        for round in 0...options.rounds {
            let folder = try ScratchFolder("cordon-bench-hooks")
            let hooks = try await HookServer(options.cordon, in: folder)
            let file = try Webhook.requests(options.alerts, to: folder.path("requests"))
            let perSecond = try peer.post(
                port: hooks.port, senders: options.senders, file: file, alerts: options.alerts)
            try await hooks.stop()
            if round > 0 { rates.append(perSecond) }
        }
        let name = "the same over HTTP, \(options.senders) senders (at least 5000)"
        report.add(name, median(rates), "alerts/s", target: 5000)
    }

    private static var processorMilliseconds: Double {
        var time = timespec()
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
        return Double(time.tv_sec) * 1e3 + Double(time.tv_nsec) / 1e6
    }

    private func median(_ values: [Double]) -> Double { Distribution(values).median }
}

/// What the command line asks for.
struct Options: Sendable {
    var rounds = 5
    var seconds = 2.0
    var inFlight = 128
    var waiting = 4000
    var alerts = 20_000
    var senders = 128
    var cordon = ".build/release/cordon"
    var isJSON = false

    static let usage = """
        usage: cordon-bench-calls [--rounds N] [--seconds S] [--in-flight N] [--waiting N] [--alerts N] [--senders N]
               [--cordon PATH] [--json]
        """

    init(_ arguments: [String]) throws {
        var rest = arguments[...]
        while let word = rest.popFirst() {
            switch word {
            case "--json": isJSON = true
            case "--cordon":
                guard let path = rest.popFirst() else { throw BenchFailure(description: Options.usage) }
                cordon = path
            case "--rounds": rounds = try Options.number(rest.popFirst())
            case "--seconds": seconds = Double(try Options.number(rest.popFirst()))
            case "--in-flight": inFlight = try Options.number(rest.popFirst())
            case "--waiting": waiting = try Options.number(rest.popFirst())
            case "--alerts": alerts = try Options.number(rest.popFirst())
            case "--senders": senders = try Options.number(rest.popFirst())
            default: throw BenchFailure(description: Options.usage)
            }
        }
    }

    private static func number(_ text: String?) throws -> Int {
        guard let number = text.flatMap(Int.init), number > 0 else { throw BenchFailure(description: usage) }
        return number
    }
}
