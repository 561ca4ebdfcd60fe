// SPDX-License-Identifier: Apache-2.0

import CordonConnectors
import CordonCore
import CordonLanguage
import CordonStore
import Synchronization
import Testing

@testable import CordonEngine

/// Two playbooks that contain one subject in the same way: neither takes the other's containment for the state before.
@Suite(.timeLimit(.minutes(20)))
struct EngineContainmentTests {
    private static let hours4: Int64 = 4 * 3600 * 1000

    @Test func `a run waits while another playbook's run holds what it would change, and leaves the state as it was`()
        async throws
    {
        let scene = try ContainmentScene(["reduce", "reduce"])
        let engine = scene.engine()
        try await scene.installation.whileRunning(engine) {
            try await scene.openAll(engine)
            try await scene.waitFor(["queue", "timer"])
            let waiting = try await scene.run(waking: "queue")
            #expect(waiting.gate?.reason.contains("has credential:deploy-token in hand") == true)
            #expect(scene.server.scopes == ["read"])
            // The first gives back; only then the second looks, contains, and gives back the same.
            scene.installation.clock.advance(milliseconds: Self.hours4)
            try await scene.waitFor([nil, "timer"])
            #expect(scene.server.scopes == ["read"])
            scene.installation.clock.advance(milliseconds: Self.hours4)
            try await scene.installation.waitUntilEnded(2)
        }
        #expect(scene.server.scopes == ["admin", "read"])
        for record in try await scene.installation.runs {
            #expect(try record.run().step("fence")?.before == ["scopes": ["admin", "read"]])
        }
    }

    @Test func `a run that is opened while a hold stands says what it waits for, and how to begin at once`()
        async throws
    {
        let scene = try ContainmentScene(["reduce", "reduce"])
        let engine = scene.engine()
        try await scene.installation.whileRunning(engine) {
            try await scene.openAll(engine)
            try await scene.waitFor(["queue", "timer"])
            let first = try await scene.run(waking: "queue")
            _ = await engine.control(first.id, .cancel(undo: false, by: "ann", reason: "a test"))
            try await scene.waitFor([nil, "timer"])
            await scene.installation.post(engine, delivery: "d-2")
            // One joins the run that holds, the other waits for its end.
            try await scene.waitFor([nil, "queue", "timer"])
            let waiting = try await scene.run(waking: "queue")
            #expect(waiting.gate?.reason.contains("holds scopes.reduce on credential:deploy-token") == true)
            #expect(waiting.gate?.reason.contains("cordon run resume") == true)
            let answer = await engine.control(
                waiting.id, .resume(step: nil, isForced: false, by: "ann", reason: "it can't wait"))
            if case .done = answer {} else { Issue.record("a person may let it begin: \(answer)") }
            try await scene.waitFor([nil, "timer", "timer"])
        }
    }

    @Test func `a line that waits for a hold moves on after a restart, not before the hold's end`() async throws {
        let scene = try ContainmentScene(["reduce", "reduce"])
        let first = scene.engine()
        try await scene.installation.whileRunning(first) {
            try await scene.openAll(first)
            try await scene.waitFor(["queue", "timer"])
        }
        let second = scene.engine()
        try await scene.installation.whileRunning(second) {
            try await scene.installation.waitUntilStarted()
            #expect(try await scene.wakes() == ["queue", "timer"])
            scene.installation.clock.advance(milliseconds: Self.hours4)
            try await scene.waitFor([nil, "timer"])
            scene.installation.clock.advance(milliseconds: Self.hours4)
            try await scene.installation.waitUntilEnded(2)
        }
        #expect(scene.server.scopes == ["admin", "read"])
    }

    @Test func `a start that could not end a hold is refused with its run, and goes on when the connector can again`()
        async throws
    {
        let scene = try ContainmentScene(["reduce"])
        let first = scene.engine()
        try await scene.installation.whileRunning(first) {
            try await scene.openAll(first)
            try await scene.waitFor(["timer"])
        }
        let run = try await scene.installation.run
        #expect(run.undoable == ["scopes.reduce"])
        let lacking = try ContainmentScene.connectorLacking("undo")
        let error = await #expect(throws: EngineError(.runsStranded, "")) {
            try await scene.engine(with: lacking).run()
        }
        let says = "\(run.id): 'auth' can no longer undo scopes.reduce, which step 'fence' did"
        #expect(error?.reason.contains(says) == true, "\(error?.reason ?? "")")
        let next = scene.engine()
        try await scene.installation.whileRunning(next) {
            try await scene.installation.waitUntilStarted()
            scene.installation.clock.advance(milliseconds: Self.hours4)
            try await scene.installation.waitUntilEnded()
        }
        #expect(scene.server.scopes == ["admin", "read"])
        // What is over needs no undo any more.
        let last = scene.engine(with: lacking)
        try await scene.installation.whileRunning(last) { try await scene.installation.waitUntilStarted() }
    }

    @Test func `a run that changes something else does not wait for the hold`() async throws {
        let scene = try ContainmentScene(["reduce", "suspend"])
        let engine = scene.engine()
        try await scene.installation.whileRunning(engine) {
            try await scene.openAll(engine)
            try await scene.waitFor(["timer", "timer"])
        }
        #expect(scene.server.scopes == ["read"])
        #expect(scene.server.isSuspended)
    }

    @Test func `a run that waits for a hold keeps none behind it waiting that does not`() async throws {
        let scene = try ContainmentScene(["reduce", "reduce", "suspend"])
        let engine = scene.engine()
        try await scene.installation.whileRunning(engine) {
            try await scene.openAll(engine)
            try await scene.waitFor(["queue", "timer", "timer"])
            #expect(try await scene.run(waking: "queue").playbook.name == "contain-2")
        }
        #expect(scene.server.isSuspended)
    }

    @Test func `a proposal that is agreed to waits for the hold like any other run`() async throws {
        let scene = try ContainmentScene(["reduce", "reduce"], proposing: [1])
        let engine = scene.engine()
        try await scene.installation.whileRunning(engine) {
            try await scene.openAll(engine)
            try await scene.waitFor(["person", "timer"])
            let proposed = try await scene.run(waking: "person")
            let agreed = RunInput.resume(step: nil, isForced: false, by: "ann", reason: "go")
            guard case .done = await engine.control(proposed.id, agreed) else {
                Issue.record("a person may agree")
                return
            }
            try await scene.waitFor(["queue", "timer"])
            #expect(try await scene.run(waking: "queue").gate?.reason.contains("holds scopes.reduce") == true)
            scene.installation.clock.advance(milliseconds: Self.hours4)
            try await scene.waitFor([nil, "timer"])
            scene.installation.clock.advance(milliseconds: Self.hours4)
            try await scene.installation.waitUntilEnded(2)
        }
        #expect(scene.server.scopes == ["admin", "read"])
    }
}

/// A provider with scopes and a switch, in memory.
final class ScopeServer: Sendable {
    private let state = Mutex((scopes: ["admin", "read"], isSuspended: false))

    var scopes: [String] { state.withLock { $0.scopes } }
    var isSuspended: Bool { state.withLock { $0.isSuspended } }

    func answer(_ request: OutboundRequest) -> Delivery {
        let body = request.body.flatMap { try? JSON.parse($0) } ?? .null
        return state.withLock { state in
            switch (request.method, request.url.split(separator: "/").last) {
            case ("PUT", "scopes"): state.scopes = (body["scopes"]?.arrayValue ?? []).compactMap(\.stringValue)
            case ("PUT", _): state.isSuspended = body["suspended"] == true
            case (_, "scopes"):
                return .answered(200, (["scopes": .array(state.scopes.map(Value.string))] as Value).json)
            default: return .answered(200, (["suspended": .bool(state.isSuspended)] as Value).json)
            }
            return .answered(204)
        }
    }
}

/// Playbooks on the same alert, each with a workflow of its own.
struct ContainmentScene {
    let installation: Installation
    let server = ScopeServer()
    private let count: Int

    /// - Parameter proposing: the places of those that a person lets begin.
    init(_ deeds: [String], proposing: Set<Int> = []) throws {
        count = deeds.count
        var playbooks: [Playbook] = []
        var workflows: [Workflow] = []
        var sources: [Library.Source] = []
        for (index, deed) in deeds.enumerated() {
            let name = "contain-\(index + 1)"
            let bytes = Array(ContainmentScene.workflow(name, deed).utf8)
            let digest = digestText(bytes)
            let workflow = try Workflow.load(bytes, file: "\(name).yaml", digest: digest).get()
            workflows.append(workflow)
            sources.append(Library.Source(kind: .workflow, name: name, digest: digest, bytes: bytes))
            let text = Array(ContainmentScene.playbook(name).utf8)
            playbooks.append(
                try Playbook.load(text, file: "\(name).yaml", digest: digestText(text), workflows: [workflow]).get())
            playbooks[index].mode = proposing.contains(index) ? .propose : .enforce
        }
        let connector = try Connector.load(
            Array(ContainmentScene.connector.utf8), file: "own.yaml", digest: "sha256:own"
        ).get()
        installation = try Installation(playbooks: playbooks, workflows: workflows, sources: sources, connector)
    }

    func engine(with connector: Connector? = nil) -> Engine {
        let server = server
        return installation.engine(
            ScriptedTransport(installation) { request, _ in server.answer(request) }, own: connector)
    }

    /// The same connector with a member of its capabilities left out.
    static func connectorLacking(_ member: String) throws -> Connector {
        var lines: [Substring] = []
        var isLeftOut = false
        for line in connector.split(separator: "\n", omittingEmptySubsequences: false) {
            let depth = line.prefix { $0 == " " }.count
            if depth <= 6 { isLeftOut = line.dropFirst(depth) == "\(member):" }
            if !isLeftOut { lines.append(line) }
        }
        return try Connector.load(
            Array(lines.joined(separator: "\n").utf8), file: "own.yaml", digest: "sha256:less"
        ).get()
    }

    func openAll(_ engine: Engine) async throws {
        try await installation.waitUntilStarted()
        await installation.post(engine)
        try await installation.wait { try await installation.runs.count == count }
    }

    func wakes() async throws -> [String?] {
        try await installation.runs.map(\.wake).sorted { $0 ?? "" < $1 ?? "" }
    }

    func waitFor(_ expected: [String?]) async throws {
        try await installation.wait { try await wakes() == expected }
    }

    func run(waking word: String) async throws -> Run {
        try #require(try await installation.runs.first { $0.wake == word }).run()
    }

    private static func playbook(_ name: String) -> String {
        """
        playbook: \(name)
        title: Contain it
        owner: team/appsec
        mode: shadow
        trigger:
          signal: secret.exposed
          subject: { kind: credential, from: signal.credential }
        run:
          workflow: \(name)
          with: { credential: "${subject}" }
        maps: { owasp_nhi: [NHI2] }

        """
    }

    private static func workflow(_ name: String, _ deed: String) -> String {
        let act =
            deed == "reduce"
            ? """
                do: scopes.reduce
                with: { subject: "${inputs.credential.id}", keep: [read] }
                verify: after.scopes == ["read"]
            """
            : """
                do: account.suspend
                with: { account: "${inputs.credential.id}" }
                verify: after.suspended
            """
        return """
            workflow: \(name)
            title: Contain it for a time
            inputs:
              credential: { type: credential }
            steps:
              - id: proof
                do: evidence.capture
                with: { of: "${inputs.credential.id}" }
              - id: fence
            \(act)
                hold: { for: 4h, then: undo }

            """
    }

    private static let connector = """
        connector: own
        title: Scopes and a switch
        vendor: https://provider.example/api
        provider:
          settings:
            api: { type: url }
          secrets: []
          subject_secrets: []
          authentication: { scheme: none }
          capabilities:
            evidence.capture:
              class: read
              request: { method: GET, to: api, path: "/${with.of}/scopes" }
              answers: { done: [200] }
              keep: [scopes]
            scopes.reduce:
              class: convergent
              request: { method: PUT, to: api, path: "/${with.subject}/scopes", json: { scopes: "${with.keep}" } }
              answers: { done: [204] }
              state:
                request: { method: GET, to: api, path: "/${with.subject}/scopes" }
                answers: { done: [200] }
                keep: [scopes]
              undo:
                request: { method: PUT, to: api, path: "/${with.subject}/scopes", json: "${with.before}" }
                answers: { done: [204] }
            account.suspend:
              class: convergent
              request: { method: PUT, to: api, path: "/${with.account}/switch", json: { suspended: true } }
              answers: { done: [204] }
              state:
                request: { method: GET, to: api, path: "/${with.account}/switch" }
                answers: { done: [200] }
                keep: [suspended]
              undo:
                request: { method: PUT, to: api, path: "/${with.account}/switch", json: "${with.before}" }
                answers: { done: [204] }

        """
}
