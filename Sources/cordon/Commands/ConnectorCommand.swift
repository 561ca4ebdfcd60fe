// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import CordonConnectors
import CordonCore
import CordonLanguage
import Foundation

struct ConnectorCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "connector", abstract: "Check a connector, and try it before it is relied on.",
        subcommands: [ConnectorCheck.self, ConnectorTest.self])

    /// A connector by its file, or by its name in the library.
    static func load(_ name: String, _ settings: Settings) throws -> Connector {
        if let bytes = BoundedFile.contents(name) {
            return try Connector.load(bytes, file: name, digest: digestText(bytes)).get()
        }
        var mistakes: [Diagnostic] = []
        let files = Shelf.files("workflows/connectors", settings, &mistakes)
        guard let file = files.first(where: { $0.path.hasSuffix("/\(name).yaml") }) else {
            throw CommandFailure(.notFound, "there is no file '\(name)', and no connector of that name in the library")
        }
        return try Connector.load(file.bytes, file: file.path, digest: digestText(file.bytes)).get()
    }
}

struct ConnectorCheck: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check", abstract: "Load connectors, say what they do, and what they leave open.",
        discussion: """
            Mistakes are told with their place; the command then ends with 10. Of a good connector every request is \
            told with what follows it, and then what its author may have left open: no mistakes, and nothing that keeps \
            it from being used.

            EXAMPLES
              cordon connector check workflows/connectors/keyring.yaml
              cordon connector check okta -o json
            """)

    @OptionGroup var common: CommonOptions
    @Argument(help: "Connector files, or names of connectors in the library.") var connectors: [String]

    func run() async throws {
        let settings = try await common.settings()
        let loaded = try connectors.map { try ConnectorCommand.load($0, settings) }
        switch common.output {
        case .table: for connector in loaded { tell(connector) }
        case .json, .jsonl: Output.many(loaded.map(\.summary), as: common.output, columns: [])
        }
    }

    private func tell(_ connector: Connector) {
        Output.line("\(connector.name): \(connector.title) (\(connector.vendor))")
        if let source = connector.source {
            let kinds = source.rules.compactMap(\.kind)
            Output.line("  hears: \(Set(kinds).sorted().joined(separator: ", ")), by \(source.rules.count) rules")
        }
        guard let provider = connector.provider else { return }
        for (name, action) in provider.actions.sorted(by: { $0.key < $1.key }) {
            Output.line("  \(name) (\(action.effectClass.rawValue)\(action.givesBack))")
            for (word, exchange) in action.exchanges {
                Output.line("    \(word): \(exchange.request.summary)\(exchange.repeats)")
            }
            if let suits = action.suits { Output.line("    for those of whom \(suits.source)") }
            if let probe = action.probe { Output.line("    in effect when \(probe.source)") }
            if let proof = action.proof {
                Output.line("    proved when \(proof.works.source) \(proof.expects.text)")
            }
            if let lag = action.lagMilliseconds {
                Output.line("    shows within \(YAMLDuration.text(milliseconds: lag))")
            }
            if let etag = action.state?.etag { Output.line("    compares: \(etag)") }
            if let secret = action.state?.secretMembers, !secret.isEmpty {
                Output.line("    cut before it is stored: \(secret.sorted().joined(separator: ", "))")
            }
            if let residual = action.residual {
                Output.line("    leaves: \(residual.of), for \(YAMLDuration.text(milliseconds: residual.milliseconds))")
            }
            for part in ProviderShape.Action.Part.allCases {
                if let reason = action.lacks[part] { Output.line("    no \(part.rawValue): \(reason)") }
            }
            for advice in action.leftOpen(as: name) { Output.line("    open: \(advice)") }
        }
    }
}

extension Connector {
    fileprivate var summary: Value {
        var members: [String: Value] = ["connector": .string(name), "title": .string(title), "vendor": .string(vendor)]
        if let source { members["signals"] = .array(Set(source.rules.compactMap(\.kind)).sorted().map(Value.string)) }
        if let provider {
            members["capabilities"] = .object(
                Dictionary(uniqueKeysWithValues: provider.actions.map { ($0.key, $0.value.summary(as: $0.key)) }))
        }
        return .object(members)
    }
}

extension ProviderShape.Action {
    /// Each request by what it is for.
    fileprivate var exchanges: [(word: String, exchange: ProviderShape.Exchange)] {
        [("asks", act), ("reads", state), ("proves", verify), ("undoes", undo)].compactMap { word, exchange in
            exchange.map { (word, $0) }
        }
    }

    fileprivate var givesBack: String {
        switch reversibility {
        case .none: effectClass.isWrite ? ", no undo" : ""
        case .full: ", undo gives all back"
        case .partial: ", undo gives back less"
        case .revivesCredentials: ", undo revives what the subject held"
        }
    }

    fileprivate func summary(as name: String) -> Value {
        var members: [String: Value] = [
            "class": .string(effectClass.rawValue), "reversibility": .string(reversibility.rawValue),
            "open": .array(leftOpen(as: name).map(Value.string)),
        ]
        for (word, exchange) in exchanges { members[word] = .string(exchange.request.summary) }
        if let suits { members["for"] = .string(suits.source) }
        if let probe { members["probe"] = .string(probe.source) }
        if let residual {
            members["residual"] = ["of": .string(residual.of), "for_ms": .int(residual.milliseconds)]
        }
        if let proof {
            members["proof"] = ["works": .string(proof.works.source), "expects": .string(proof.expects.rawValue)]
        }
        if let lagMilliseconds { members["lag_ms"] = .int(lagMilliseconds) }
        if let etag = state?.etag { members["etag"] = .string(etag) }
        if let secret = state?.secretMembers, !secret.isEmpty {
            members["secret"] = .array(secret.sorted().map(Value.string))
        }
        let reasons = lacks.map { ($0.key.rawValue, Value.string($0.value)) }
        if !reasons.isEmpty { members["lacks"] = .object(Dictionary(uniqueKeysWithValues: reasons)) }
        return .object(members)
    }

    private func endsSomething(_ name: String) -> Bool {
        Capability.named(name).map { $0.isContainment || $0.endsCredentials } ?? false
    }

    /// What an author may have forgotten, in the order in which it costs most.
    fileprivate func leftOpen(as name: String) -> [String] {
        var open: [String] = []
        if effectClass.isWrite, effectClass != .once, state == nil {
            open.append("nobody looks whether it took effect; say under 'state' what is read")
        }
        if state != nil, probe == nil, effectClass.isWrite {
            open.append("what is read is kept and not judged; 'probe' says what shows the effect")
        }
        if effectClass.isWrite, proof == nil, lacks[.verify] == nil, endsSomething(name) {
            open.append("nobody tries whether it is refused; 'verify' uses what the subject holds, before and after")
        }
        if effectClass.isWrite, state != nil, lagMilliseconds == nil, lacks[.lag] == nil {
            open.append("how long the provider takes until it shows is left open; 'lag' says it")
        }
        if effectClass.isWrite, undo != nil, state != nil, state?.etag == nil, lacks[.etag] == nil {
            open.append("who comes in between is not noticed; 'etag' names the version, if the provider has one")
        }
        if undo != nil, compared == nil, (state?.keep.count ?? 0) > 1 {
            open.append("any change of what is kept keeps the undo from being done; 'compare' names what counts")
        }
        if act.answers.later.isEmpty, act.answers.rules.allSatisfy({ $0.means != .later }) {
            open.append("no answer means 'later'; which one says that it was asked too often?")
        }
        if name.hasSuffix(".list"), act.pages == nil {
            open.append("the first page passes for the whole; 'pages' says how the listing goes on, if it does")
        }
        return open
    }
}

extension ProofRule.Expectation {
    fileprivate var text: String {
        switch self {
        case .refused: "before, and no longer after"
        case .works: "after, and not before"
        }
    }
}

extension ProviderShape.Exchange {
    /// What a repeat is known by.
    fileprivate var repeats: String {
        answers.already.isEmpty
            ? "" : ", again \(answers.already.sorted().map(String.init).joined(separator: " or "))"
    }
}

extension ProviderShape.Request {
    fileprivate var summary: String {
        let tail = self.tail.map { (path == nil ? "/" : "") + $0.source } ?? ""
        return "\(method) \(to)\(path?.source ?? "")\(tail)"
    }
}
