// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import CordonConnectors
import CordonCore
import CordonEngine
import CordonLanguage
import CordonServer
import CordonStore
import Foundation
import Logging

struct DemoCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "demo",
        abstract: "Show the whole way on this machine alone: an alert comes in, a token dies, the history stays.",
        discussion: """
            Starts Cordon on a scratch folder and, in the same process, a small practice identity provider. Nothing \
            outside this machine is called.

            EXAMPLES
              cordon demo
              cordon demo --folder /tmp/my-demo
              cordon demo --scenario wave            one wrong feed accuses 300 accounts, and all of it goes back
            """)

    @Option(name: .long, help: "Where the scratch installation goes; it must not exist yet.")
    var folder: String?

    enum Scenario: String, ExpressibleByArgument, CaseIterable { case token, wave }

    @Option(name: .long, help: "token: one leaked token dies. wave: a false alarm about many accounts is undone.")
    var scenario: Scenario = .token

    func run() async throws {
        let path =
            folder.map { absolute($0, in: FileManager.default.currentDirectoryPath) }
            ?? FileManager.default.temporaryDirectory.path + "/cordon-demo-" + randomHex(4)
        guard !FileManager.default.fileExists(atPath: path) else {
            throw CommandFailure(.failed, "\(path) exists already; choose another --folder")
        }
        switch scenario {
        case .token: try await Demonstration(folder: path).run()
        case .wave: try await DemoWave(folder: path).run()
        }
    }
}

/// One pass through the nine nouns, told as it happens.
private struct Demonstration {
    let folder: String
    private let clock = SystemClock()
    private let beganAt = SystemClock().now

    init(folder: String) { self.folder = folder }

    func run() async throws {
        let client = PracticeProvider.Client(id: "cordon-demo", secret: randomHex(16))
        let provider = PracticeProvider(
            clients: [client], logger: Logger(label: "practice") { _ in SwiftLogNoOpLogHandler() })
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask { try await provider.run() }
            let practice = DemoPractice(client: client, url: "http://127.0.0.1:\(try await provider.boundPort())")
            try await show(practice)
            tasks.cancelAll()
        }
    }

    private func show(_ practice: DemoPractice) async throws {
        let web = DemoWeb(transport: try CurlTransport())
        say(
            "practice",
            "an identity provider for practice listens on \(practice.url) (this process, no real identities)")
        let token = try await web.token(practice)
        try lay(practice, token)
        say("practice", "it issued a token; using it answers \(try await web.use(token, practice))")

        let settings = try await Settings.read(file: folder + "/cordon.yaml", flags: [:])
        var logger = Logger.cordon(settings)
        logger.logLevel = .error
        let composition = try Composition(settings, logger: logger)
        try await FirstToken.make(settings.state, composition.access)
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask {
                try await composition.run { port in
                    try await tell(port, web, practice, token, composition)
                    // The way a person stops it, so that the demo ends as a server does.
                    kill(ProcessInfo.processInfo.processIdentifier, SIGTERM)
                }
            }
            try await tasks.waitForAll()
        }
        close(settings)
    }

    private func tell(
        _ port: Int, _ web: DemoWeb, _ practice: DemoPractice, _ token: String, _ composition: Composition
    ) async throws {
        say("cordon", "serves on http://127.0.0.1:\(port), state in \(folder)/state")
        let alert = try await web.postAlert(port: port, secret: hookSecret)
        say("alert", "\(alert)  a signed «secret scanning alert» was posted, stored, and answered with 202")
        let end = clock.now.adding(milliseconds: 10_000)
        let ended = EndedRun(alert: alert)
        while clock.now < end {
            if let run = try await ended.find(composition.store) {
                return try await tellNouns(alert, run, web, practice, token, composition)
            }
            await clock.sleep(until: clock.now.adding(milliseconds: 20))
        }
        throw CommandFailure(.failed, "the run did not end within 10 s; see 'cordon run list -c \(folder)/cordon.yaml'")
    }

    private func tellNouns(
        _ alert: AlertID, _ id: RunID, _ web: DemoWeb, _ practice: DemoPractice, _ token: String,
        _ composition: Composition
    ) async throws {
        let store = composition.store
        for signal in try await store.signals(of: alert) {
            say("signal", "\(signal.id)  \(signal.kind)", at: signal.receivedAt)
        }
        for line in try await store.history(alert.text, from: 1, limit: 100) where line.entry.kind == "decisionMade" {
            let decision = try JSON.parse(line.entry.bytes)["body"] ?? .null
            let all = decision["matches"]?.arrayValue?.first?["reasons"]?.arrayValue ?? []
            // A guard that holds nothing back is no reason for what is done.
            let told = all.filter { reason in
                reason["verdict"] != "enforce"
                    || ["trigger", "subject", "mode"].contains(reason["guard"]?.stringValue ?? "")
            }
            let reasons = told.compactMap { $0["because"]?.stringValue }
            say(
                "decision",
                "\(decision["id"]?.stringValue ?? "")  \(decision["verdict"]?.stringValue ?? ""): \(reasons.joined(separator: "; "))",
                at: line.entry.at)
        }
        let lines = try await store.history(id.text, from: 1, limit: 1000)
        for line in lines { tell(try line.entry.event(), id, line.entry.at) }
        say(
            "history", "\(lines.count) lines of \(id), each a leaf of the log, the last is \(id)@\(lines.count)",
            at: lines.last?.entry.at)
        say("practice", "using the token now answers \(try await web.use(token, practice))")
        guard try await web.use(token, practice).hasPrefix("401") else {
            throw CommandFailure(.failed, "the token still works; this demo failed")
        }
    }

    private func tell(_ event: Event, _ run: RunID, _ at: Instant) {
        switch event {
        case .runOpened(let opening):
            say("run", "\(run)  \(opening.workflow.name) for \(opening.subject?.key ?? "nobody")", at: at)
        case .stepStarted(let step, _): say("step", "\(run)/\(step)", at: at)
        case .callIntended(let step, let call):
            say(
                "call",
                "\(run)/\(step)#\(call.number)  \(call.purpose.rawValue): \(call.capability), intent stored before a byte leaves",
                at: at)
        case .callReturned(let step, let number, let outcome):
            say(
                "outcome",
                "\(run)/\(step)#\(number)  \(outcome.kind.rawValue), HTTP \(outcome.status ?? 0), \(outcome.result.json)",
                at: at)
            for item in outcome.evidence { say("evidence", "\(item.digest)  \(item.about)", at: at) }
        case .stepFinished(let step, let isVerified, _):
            if isVerified { say("step", "\(run)/\(step)  the effect was seen at the provider", at: at) }
        case .proofTaken(let step, let proof): say("proof", "\(run)/\(step)  \(proof.text)", at: at)
        case .runEnded(let ending, _): say("run", "\(run)  \(ending.rawValue)", at: at)
        case .runAsked(let ask): say("run", "\(run)  waits for a person: \(ask.reason)", at: at)
        case .runResumed, .runMigrated, .runPaused, .runConcluded, .rollbackRequested, .rollbackFinished, .signalJoined,
            .signalClosed,
            .stepOpened,
            .stepSkipped, .stepFailed, .stepStopped, .stepHalted, .waitScheduled, .rungFinished, .questionAsked,
            .questionReminded, .questionEscalated, .answerGiven, .questionClosed, .holdStarted, .holdChanged,
            .exposureFound, .exposureEnded, .proofAwaited, .secretLost, .stepReopened,
            .callRedelivered, .callResolved, .retryScheduled:
            say("run", "\(run)  \(event.kind)", at: at)
        }
    }

    private func say(_ noun: String, _ text: String, at: Instant? = nil) {
        let milliseconds = (at ?? clock.now).since(beganAt)
        let time = String(repeating: " ", count: max(0, 6 - String(milliseconds).count)) + "\(milliseconds) ms"
        Output.line("\(time)  \(noun.padding(toLength: 9, withPad: " ", startingAt: 0)) \(printable(text))")
    }

    private func close(_ settings: Settings) {
        Output.line(
            """

            The history lies in \(settings.statePath)/cordon.db, the evidence in \(settings.state.evidencePath).
            Next:
              cordon run list -c \(folder)/cordon.yaml
              cordon doctor -c \(folder)/cordon.yaml
              cordon serve -c \(folder)/cordon.yaml
            """)
    }

    private let hookSecret = randomHex(16)

    /// Lays the scratch installation.
    private func lay(_ practice: DemoPractice, _ token: String) throws {
        let state = StateFolder(folder + "/state")
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        try state.make()
        let files = [
            "cordon.yaml": "listen: { port: 0 }\nstate: state\n",
            "connections.yaml": """
            sources:
              - { id: github, connector: github, secrets: [{ file: state/hook }] }
            providers:
              - id: practice
                connector: oauth2
                settings:
                  introspection_endpoint: "\(practice.url)/introspect"
                  revocation_endpoint: "\(practice.url)/revoke"
                  client_id: "\(practice.client.id)"
                secrets: { client_secret: { file: state/client } }
                egress: { plain_http: true, loopback: true }

            """,
            "identities.yaml": """
            identities:
              - id: billing-ci-token
                kind: credential
                provider: practice
                owner: team/billing
                matches: { issuer: github, repository: example/billing, secret_type: example_api_token }
                secrets: { token: { file: state/leaked } }

            """,
        ]
        for (name, text) in files { try state.writePrivate(Array(text.utf8), to: folder + "/" + name) }
        for (name, text) in ["hook": hookSecret, "client": practice.client.secret, "leaked": token] {
            try state.writePrivate(Array(text.utf8), to: state.path + "/" + name)
        }
    }
}
