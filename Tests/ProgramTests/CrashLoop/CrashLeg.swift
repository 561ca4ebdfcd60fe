// SPDX-License-Identifier: Apache-2.0

import CordonLanguage
import CordonStore
import Foundation
import StoreKit
import TestKit

/// One installation over many rounds: alerts come in, the server is killed at a random moment and started again; at the
/// end everything is let end, with a person who says of each unknown outcome what the provider's books say.
final class CrashLeg {
    private static let roundsBetweenRests = 10
    private static let alertsPerRoundMax = 5

    let installation: Installation
    let provider: CountingProvider
    private var random: Seeded
    private var posted: [Account.Posted] = []
    private(set) var kills = 0
    private(set) var resolutions = 0
    private(set) var images = 0

    init(seed: UInt64, rounds: Int) throws {
        var random = Seeded(seed)
        provider = try CountingProvider(random.split())
        self.random = random
        installation = try CrashDefinitions.installation(
            provider: provider.server.url, identities: rounds * Self.alertsPerRoundMax + 1)
    }

    deinit { provider.server.stop() }

    func run(rounds: Int) async throws -> Account {
        for round in 1...rounds {
            try await runRound()
            if round.isMultiple(of: Self.roundsBetweenRests) { try await rest() }
        }
        provider.calmDown()
        return try await finish()
    }

    // MARK: A round

    /// When in a round the server is killed.
    private enum Moment: CaseIterable {
        /// Not even its port is open yet.
        case starting
        /// It goes on with what its predecessor left.
        case recovering
        case taking
        case calling
    }

    private func runRound() async throws {
        let moment = Moment.allCases.randomElement(using: &random) ?? .taking
        let pause = Int64.random(in: 0...80, using: &random)
        if moment == .starting { return try await killStarting(after: pause) }
        let serving = try await installation.serve()
        let requests = provider.count + Int.random(in: 1...20, using: &random)
        let deliveries = moment == .recovering ? [] : dueDeliveries()
        let answers: [Int: String] = try await withThrowingTaskGroup(of: (Int, String?).self) { group in
            for (place, body) in deliveries {
                let delivery = posted[place].delivery
                group.addTask { (place, try? await Self.post(body, delivery, to: serving)) }
            }
            if moment == .calling { await waitFor(requests) } else { try await Task.sleep(for: .milliseconds(pause)) }
            serving.program.kill()
            return try await group.reduce(into: [:]) { answers, post in
                if let alert = post.1 { answers[post.0] = alert }
            }
        }
        for (place, alert) in answers { posted[place].alert = alert }
        try await buried(serving.program)
        try await verify()
    }

    /// Whatever a crash leaves is sound, with open items at most.
    private func verify() async throws {
        let verified = try await installation.finish("audit", "verify")
        guard verified.end == .exited(0) else { throw Faults(faults: [verified.output + verified.error]) }
    }

    private func killStarting(after pause: Int64) async throws {
        let program = try ProgramUnderTest(
            Installation.program, ["serve"], folder: installation.scratch.path, capturedIn: installation.scratch,
            as: "serve")
        try await Task.sleep(for: .milliseconds(pause))
        program.kill()
        try await buried(program)
    }

    /// The process is gone, and so is all that it had sent.
    private func buried(_ program: ProgramUnderTest) async throws {
        guard try await program.waitForExit() == .killed(bySignal: SIGKILL) else {
            throw Web.NoAnswer(reason: "the server ended by itself:\n\(program.error.suffix(2_000))")
        }
        kills += 1
        try await provider.settle(installation.web)
    }

    /// Until the provider has seen so many requests, or for a moment: there may be nothing left to ask.
    private func waitFor(_ requests: Int) async {
        for _ in 0..<100 where provider.count < requests { try? await Task.sleep(for: .milliseconds(2)) }
    }

    /// New alerts, and those of which the source knows nothing yet: it sends them again. Now and then it repeats itself.
    private func dueDeliveries() -> [(place: Int, body: String)] {
        for _ in 0..<Int.random(in: 1...Self.alertsPerRoundMax, using: &random) {
            let number = posted.count + 1
            posted.append(
                Account.Posted(
                    delivery: "delivery-\(number)", alert: nil, subject: CrashDefinitions.subject(number),
                    opensRun: !number.isMultiple(of: 7)))
        }
        var places = posted.indices.filter { posted[$0].alert == nil }
        if let again = posted.indices.randomElement(using: &random), Bool.random(using: &random) {
            places.append(again)
        }
        return places.map { ($0, CrashDefinitions.alert($0 + 1, isStale: !posted[$0].opensRun)) }
    }

    /// The id of the alert as the source is told; nil when it is told nothing, or to come again.
    private static func post(_ body: String, _ delivery: String, to serving: Installation.Serving) async throws
        -> String?
    {
        let answer = try await serving.post(body, delivery: delivery)
        return answer.status == 202 ? answer.json["alert"]?.stringValue : nil
    }

    // MARK: Rest

    /// What a killed server left is a store already; then everything that can end ends.
    private func rest() async throws {
        let image = try CrashImage(stateFolder: installation.scratch.path + "/state")
        let faults = try await image.recovered().faults
        guard faults.isEmpty else { throw Faults(faults: faults) }
        images += 1
        let serving = try await installation.serve()
        try await settle(serving)
        serving.program.kill()
        try await buried(serving.program)
        try await verify()
    }

    private func finish() async throws -> Account {
        let serving = try await installation.serve()
        for place in posted.indices where posted[place].alert == nil {
            let body = CrashDefinitions.alert(place + 1, isStale: !posted[place].opensRun)
            posted[place].alert = try await Self.post(body, posted[place].delivery, to: serving)
            guard posted[place].alert != nil else {
                throw Web.NoAnswer(reason: "\(posted[place].delivery) was not taken by a server at rest")
            }
        }
        try await settle(serving)
        guard try await serving.stop() == .exited(0) else {
            throw Web.NoAnswer(reason: "the server did not end well:\n\(serving.program.error.suffix(2_000))")
        }
        return try await Account(of: installation, provider, posted)
    }

    /// Lets every run end, and every alert be read.
    private func settle(_ serving: Installation.Serving) async throws {
        let desk = Desk(serving: serving, token: try installation.firstToken, provider: provider)
        resolutions += try await desk.letAllEnd()
    }

    struct Faults: Error, CustomStringConvertible {
        var faults: [String]
        var description: String { faults.joined(separator: "\n") }
    }
}

/// A person at the API, who decides by looking at the provider's books.
struct Desk {
    let serving: Installation.Serving
    let token: String
    let provider: CountingProvider

    /// Lets every alert be read and every run end; how many unknown outcomes that resolved.
    @discardableResult
    func letAllEnd() async throws -> Int {
        var resolutions = 0
        try await eventually("every run to end", seconds: 60) {
            let live = try await list("runs?live=true&limit=200", "runs")
            for run in live where run["wake"] == "person" { resolutions += try await decide(run) }
            let unread = try await list("alerts?state=received&limit=1", "alerts")
            return live.isEmpty && unread.isEmpty
        }
        return resolutions
    }

    private func list(_ path: String, _ member: String) async throws -> [Value] {
        let answer = try await serving.get("/api/v1/" + path, token: token)
        guard answer.status == 200, let items = answer.json[member]?.arrayValue else {
            throw Web.NoAnswer(reason: "\(path) was answered with \(answer.status): \(answer.text)")
        }
        return items
    }

    /// Says what the run asks, one thing; how many unknown outcomes that resolved.
    private func decide(_ row: Value) async throws -> Int {
        let path = "/api/v1/runs/" + (row["id"]?.stringValue ?? "")
        let run = try await serving.get(path, token: token).json
        let steps = run["steps"]?.arrayValue ?? []
        if let step = steps.first(where: { $0["phase"] == "uncertain" }) {
            let acts = step["calls"]?.arrayValue?.filter { $0["purpose"] == "act" }
            guard let key = acts?.last?["idempotency_key"]?.stringValue else {
                throw Web.NoAnswer(reason: "an uncertain step without a call: \(step.json)")
            }
            let order: Value = [
                "step": step["id"] ?? .null, "took_effect": .bool(provider.tookEffect(key)),
                "reason": "the provider's books say so",
            ]
            try await say(path + "/resolve", order)
            return 1
        }
        try await say(path + "/resume", ["reason": "it may try again"])
        return 0
    }

    /// A run may have gone on meanwhile: then there is nothing to say any more.
    private func say(_ path: String, _ order: Value) async throws {
        let answer = try await serving.web.ask(
            "POST", serving.url + path,
            headers: [("authorization", "Bearer \(token)"), ("content-type", "application/json")], body: order.json)
        guard [200, 409].contains(answer.status) else {
            throw Web.NoAnswer(reason: "\(path) was answered with \(answer.status): \(answer.text)")
        }
    }
}
