// SPDX-License-Identifier: Apache-2.0

import CordonLanguage
import Foundation
import StoreKit
import TestKit
import Testing

/// System calls on the store's two files that fail, each at one point after the other of a run with a step of every
/// effect class. Then the server starts without faults, and all that was counted is laid beside all that is stored.
///
/// `CORDON_CRASH_STEP` is the distance in writes of the points that are tried; 1 tries every one.
@Suite(.serialized)
struct FailingCallTests {
    enum Fault: String, CaseIterable, CustomTestStringConvertible, Sendable {
        case syncFails, writeFails, diskIsFull, killedAtSync, killedAtWrite

        var testDescription: String { rawValue }

        var call: String {
            switch self {
            case .syncFails, .killedAtSync: "fdatasync"
            case .writeFails, .diskIsFull, .killedAtWrite: "pwrite64"
            }
        }

        func injection(at number: Int) -> String {
            switch self {
            case .syncFails, .writeFails: "\(call):error=EIO:when=\(number)"
            // Twice: who tries again meets it again.
            case .diskIsFull: "\(call):error=ENOSPC:when=\(number)..\(number + 1)"
            case .killedAtSync, .killedAtWrite: "\(call):signal=KILL:when=\(number)"
            }
        }

        /// The store can't be believed any more: the process ends itself.
        var endsProcess: Bool { self == .syncFails || self == .writeFails }

        /// How far the points lie apart: a commit is one sync and many writes.
        var step: Int { call == "fdatasync" ? max(1, FailingCallTests.step / 8) : FailingCallTests.step }
    }

    private static let step = ProcessInfo.processInfo.environment["CORDON_CRASH_STEP"].flatMap { Int($0) } ?? 40

    @Test(arguments: Fault.allCases)
    func `a system call of the store that fails breaks no promise`(_ fault: Fault) async throws {
        guard FileManager.default.isExecutableFile(atPath: "/usr/bin/strace") else {
            return try skip("strace is not installed (apt-get install strace)")
        }
        var points = 0
        var refusals = 0
        for number in stride(from: 1, through: 2_000, by: fault.step) {
            let trial = try await FaultTrial(fault, at: number)
            try await trial.run()
            guard trial.wasHit else { break }
            points += 1
            refusals += trial.refusals
        }
        // Which write stores the delivery depends on how much a start writes: looked for more finely where none met it.
        if fault == .diskIsFull {
            for number in stride(from: 1 + fault.step / 8, through: 2_000, by: fault.step / 8) where refusals == 0 {
                let trial = try await FaultTrial(fault, at: number)
                try await trial.run()
                guard trial.wasHit else { break }
                refusals += trial.refusals
            }
        }
        print("\(fault) at \(points) points of \(fault.call), \(refusals) deliveries answered with 503")
        #expect(points >= 3, "only \(points) points were reached")
        if fault == .diskIsFull { #expect(refusals > 0, "no delivery met the full disk") }
    }

    @Test func `what a process does after its failed sync is found in its trace`() {
        let failed = "7 fdatasync(9</s/cordon.db-wal>) = -1 EIO (Input/output error) (INJECTED)"
        let write = "7 pwrite64(9</s/cordon.db-wal>, \"\"..., 24, 32) = 24"
        let copy = "8 pwrite64(6</s/cordon.db>, \"\"..., 4096, 0) = 4096"
        #expect(FaultTrial.writesAfterFault([write, failed, copy]) == [])
        #expect(FaultTrial.writesAfterFault([write, failed, copy, write]) == [write])
        #expect(FaultTrial.writesAfterFault([write, copy]) == [])
    }
}

/// One installation, one fault, one alert.
final class FaultTrial {
    private let fault: FailingCallTests.Fault
    private let number: Int
    private let provider: CountingProvider
    private let installation: Installation
    private var posted: [Account.Posted] = []
    private(set) var wasHit = false
    /// Deliveries that were answered with 503.
    private(set) var refusals = 0

    init(_ fault: FailingCallTests.Fault, at number: Int) async throws {
        self.fault = fault
        self.number = number
        provider = try CountingProvider(Seeded(1))
        provider.calmDown()
        installation = try CrashDefinitions.installation(provider: provider.server.url, identities: 2)
        // The store is made before, so that what counts is the run and not the schema.
        _ = try await installation.serve().stop()
    }

    deinit { provider.server.stop() }

    func run() async throws {
        if let serving = try? await installation.serve(wrapper: wrapper) {
            // Without its tracer it would outlive the test.
            defer { if serving.program.end == nil { try? installation.terminateServer() } }
            try await meet(serving)
        }
        let trace = try self.trace
        wasHit = trace.contains { $0.contains("(INJECTED)") } || trace.contains { $0.contains("killed by SIGKILL") }
        if fault.endsProcess {
            #expect(Self.writesAfterFault(trace) == [], "\(fault) at \(number): it went on")
        }
        try await recover()
    }

    /// The alert comes in under the fault; its source comes again as long as it is told to.
    private func meet(_ serving: Installation.Serving) async throws {
        try await deliver(1, to: serving)
        // An alert that could not be read waits for the next sweep, and may meet the fault there once more.
        try await eventually("\(fault) at \(number): the run to end or the process to die", seconds: 60) {
            if serving.program.end != nil { return true }
            return try await hasEnded(serving)
        }
        // A fault of the copying thread is met by the next who stores something.
        let wasHit = try trace.contains { $0.contains("(INJECTED)") }
        if fault.endsProcess, wasHit, serving.program.end == nil { try await deliver(2, to: serving) }
        if fault.endsProcess, wasHit {
            let end = try await serving.program.waitForExit()
            guard case .exited(let code) = end, code != 0 else {
                Issue.record("\(fault) at \(number): the process should have ended itself, it \(end)")
                return
            }
        } else if serving.program.end == nil {
            try installation.terminateServer()
            try await serving.program.waitForExit()
        }
    }

    private func deliver(_ number: Int, to serving: Installation.Serving) async throws {
        if posted.count < number {
            posted.append(
                Account.Posted(
                    delivery: "delivery-\(number)", alert: nil, subject: CrashDefinitions.subject(number),
                    opensRun: true))
        }
        let body = CrashDefinitions.alert(number, isStale: false)
        try await eventually("the alert to be taken or the process to die") {
            if serving.program.end != nil { return true }
            guard let answer = try? await serving.post(body, delivery: "delivery-\(number)") else { return false }
            if answer.status == 503 {
                refusals += 1
                #expect(answer.headers["retry-after"] != nil, "a source is told when to come again")
            } else {
                #expect(answer.status == 202, "\(fault) at \(self.number)")
            }
            if answer.status == 202 { posted[number - 1].alert = answer.json["alert"]?.stringValue }
            return answer.status == 202
        }
    }

    private func hasEnded(_ serving: Installation.Serving) async throws -> Bool {
        let answer = try? await serving.get("/api/v1/runs?phase=ended", token: try installation.firstToken)
        return answer?.json["runs"]?.arrayValue?.isEmpty == false
    }

    /// Starts without faults, lets everything end, and checks.
    private func recover() async throws {
        try await provider.settle(installation.web)
        let serving = try await installation.serve()
        for place in 1...max(1, posted.count) { try await deliver(place, to: serving) }
        let desk = Desk(serving: serving, token: try installation.firstToken, provider: provider)
        try await desk.letAllEnd()
        #expect(try await serving.stop() == .exited(0))
        let faults = try await Account(of: installation, provider, posted).faults
        #expect(faults.isEmpty, "\(fault) at \(number): \(faults.prefix(5).joined(separator: "\n"))")
    }

    // MARK: The trace

    private var tracePath: String { installation.scratch.path("trace") }
    private var trace: [String] {
        get throws { try installation.scratch.read("trace").split(separator: "\n").map(String.init) }
    }

    private var wrapper: [String] {
        let database = installation.scratch.path("state/cordon.db")
        return [
            "/usr/bin/strace", "-f", "-qq", "-y", "-s", "0", "-o", tracePath, "-e", "trace=pwrite64,fdatasync",
            "-e", "inject=\(fault.injection(at: number))", "-P", database, "-P", database + "-wal",
        ]
    }

    /// Lines that write to the log after the first injected fault.
    static func writesAfterFault(_ trace: [String]) -> [String] {
        guard let fault = trace.firstIndex(where: { $0.contains("(INJECTED)") }) else { return [] }
        return trace[(fault + 1)...].filter { $0.contains("pwrite64(") && $0.contains("cordon.db-wal>") }
    }
}
