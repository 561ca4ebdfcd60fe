// SPDX-License-Identifier: Apache-2.0

import Configuration
import CordonConnectors
import CordonCore
import CordonEngine
import CordonEvidence
import CordonLanguage
import CordonServer
import Foundation
import Logging
import SystemPackage

/// How this installation is set: flags first, then `CORDON_…` variables, then the file, then the standards.
struct Settings: Sendable {
    /// Whether the playbooks that came with the program are in force beside the library's own.
    enum ShippedPlaybooks: String, Sendable {
        case beside
        case absent = "none"
    }

    enum LogFormat: String, Sendable, CaseIterable { case text, json }

    /// The folder of the settings file; relative paths start here.
    var folder: String
    /// The settings file itself; it need not be there.
    var filePath = ""
    var address: String
    var port: Int
    /// What the port's TLS is made of; `nil`: it takes plain HTTP.
    var tlsFiles: TLSDesk.Files?
    var statePath: String
    /// The folder that holds `playbooks/` and `workflows/`; what is missing there comes from the binary.
    var libraryPath: String
    /// `nil`: they are, as long as the library has no folder of its own for playbooks.
    var shippedPlaybooks: ShippedPlaybooks?
    /// The settings are read from a file.
    var hasFile: Bool
    var connectionsPath: String
    var identitiesPath: String
    /// What the installation guards against; where the file is missing, the standard guards stand.
    var guardsPath: String
    var logLevel: Logger.Level
    var logFormat: LogFormat
    /// How long the bodies of alerts are kept; `nil`: for ever.
    var alertBodiesMilliseconds: Int64?
    var evidenceMilliseconds: Int64?
    /// Authorities that stamp checkpoints with the time, the first that answers; none: nobody is asked.
    var timestampURLs: [String]
    var timestampMilliseconds: Int64
    var timestampAuthoritiesPath: String?
    /// The most that one run of a playbook may be able to do.
    var policy: RunPolicy
    /// Where the keys that sign the log lie; `nil`: in the state folder.
    var auditKeysPath: String?
    /// How people's browsers reach this installation, for the links in what they are told; `nil`: no links.
    var publicURL: String?
    /// The log's name, for a log that does not exist yet; `nil` draws one.
    var auditOrigin: String?

    /// The policy file (C2SP tlog-policy) that names who cosigns the log.
    var witnessesPath: String?

    /// The key that new evidence is sealed with, by its label; `nil`: it is not sealed.
    var evidenceKeyLabel: String?
    /// Where evidence keys lie; `nil`: in the state folder, beside the other keys.
    var evidenceKeysFolder: String?

    var evidenceKeysPath: String { evidenceKeysFolder ?? state.keysPath }

    /// The evidence, with the keys that are here to open it.
    func blobs() throws -> Blobs {
        try Blobs(
            at: state.evidencePath, keys: try BlobKeys(in: evidenceKeysPath, standard: evidenceKeyLabel))
    }

    var signingKeys: SigningKeys { SigningKeys(folder: auditKeysPath ?? state.keysPath) }

    var state: StateFolder { StateFolder(statePath) }

    /// - Parameter flags: settings given on the command line, by key.
    static func read(file: String?, flags: [String: String]) async throws -> Settings {
        let environment = ProcessInfo.processInfo.environment
        let path = absolute(
            file ?? environment["CORDON_CONFIG"] ?? "cordon.yaml", in: FileManager.default.currentDirectoryPath)
        if file != nil, !FileManager.default.fileExists(atPath: path) {
            throw CommandFailure(.failed, "there is no settings file \(path); make one with 'cordon init'")
        }
        try checkFile(path)
        let inMemory = InMemoryProvider(
            name: "flags",
            values: Dictionary(
                uniqueKeysWithValues: flags.map {
                    (
                        AbsoluteConfigKey($0.key.split(separator: ".").map(String.init)),
                        ConfigValue(.string($0.value), isSecret: false)
                    )
                }))
        let fromFile: FileProvider<YAMLSnapshot>
        do {
            fromFile = try await FileProvider<YAMLSnapshot>(filePath: FilePath(path), allowMissing: true)
        } catch {
            throw CommandFailure(.failed, "the settings file \(path) can't be read: \(error)")
        }
        let reader = ConfigReader(providers: [
            inMemory, EnvironmentVariablesProvider().prefixKeys(with: "cordon"), fromFile,
        ])
        var settings = try Settings(reader, folder: (path as NSString).deletingLastPathComponent)
        settings.filePath = path
        settings.hasFile = FileManager.default.fileExists(atPath: path)
        return settings
    }

    /// The file's form and its names, with their places: the configuration library would pass over a misspelt setting.
    private static func checkFile(_ path: String) throws {
        guard FileManager.default.fileExists(atPath: path) else { return }
        guard let contents = FileManager.default.contents(atPath: path) else {
            throw CommandFailure(.failed, "the settings file \(path) can't be read; let this user read it")
        }
        let checked: Result<Bool, Diagnostics> = DefinitionLoader.load(Array(contents), file: display(path)) {
            _, root in
            for (name, keys) in [
                ("listen", ["address", "port", "certificate", "key", "client_ca"]), ("log", ["level", "format"]),
                ("retention", ["alert_bodies", "evidence"]),
                ("policy", ["writes", "irreversible", "questions", "hold"]),
                ("audit", ["keys", "origin", "witnesses"]), ("evidence", ["seal_with", "keys"]),
                ("timestamps", ["url", "every", "ca"]),
            ] {
                guard let map = root.mapping(name) else { continue }
                for key in keys { _ = map.node(key) }
                map.refuseUnknown()
            }
            for key in ["state", "library", "shipped_playbooks", "connections", "identities", "guards", "public_url"] {
                _ = root.string(key)
            }
            return true
        }
        _ = try checked.get()
    }

    /// Where the commands of this machine reach the server: one that listens everywhere is reached on loopback.
    var commandAddress: String {
        switch address {
        case "0.0.0.0": "127.0.0.1"
        case "::": "::1"
        default: address
        }
    }

    /// The server's own address and loopback, and nothing else.
    var commandEgress: EgressPolicy {
        let isLoopback = ["127.0.0.1", "::1", "localhost"].contains(commandAddress)
        let own = "\(commandAddress)/\(commandAddress.contains(":") ? 128 : 32)"
        return EgressPolicy(allowsPlainHTTP: true, allowsLoopback: true, allowedNetworks: isLoopback ? [] : [own])
    }

    private init(_ reader: ConfigReader, folder: String) throws {
        self.folder = folder
        hasFile = false
        func path(_ key: ConfigKey, _ standard: String) -> String {
            absolute(reader.string(forKey: key, default: standard), in: folder)
        }
        address = reader.string(forKey: "listen.address", default: "127.0.0.1")
        port = try number(reader.string(forKey: "listen.port", default: "8787"), key: "listen.port", in: 0...65_535)
        tlsFiles = try tls(reader, in: folder)
        statePath = path("state", "state")
        libraryPath = path("library", ".")
        shippedPlaybooks = try reader.string(forKey: "shipped_playbooks").map { text in
            guard let known = ShippedPlaybooks(rawValue: text) else {
                throw CommandFailure(.usage, "shipped_playbooks is '\(text)'; it takes beside or none")
            }
            return known
        }
        connectionsPath = path("connections", "connections.yaml")
        identitiesPath = path("identities", "identities.yaml")
        guardsPath = path("guards", "guards.yaml")
        let level = reader.string(forKey: "log.level", default: "info")
        guard let logLevel = Logger.Level(rawValue: level) else {
            throw CommandFailure(
                .usage,
                "log.level is '\(level)'; it takes \(Logger.Level.allCases.map(\.rawValue).joined(separator: ", "))")
        }
        self.logLevel = logLevel
        let format = reader.string(forKey: "log.format", default: "text")
        guard let logFormat = LogFormat(rawValue: format) else {
            throw CommandFailure(.usage, "log.format is '\(format)'; it takes text or json")
        }
        self.logFormat = logFormat
        auditKeysPath = reader.string(forKey: "audit.keys").map { absolute($0, in: folder) }
        witnessesPath = reader.string(forKey: "audit.witnesses").map { absolute($0, in: folder) }
        evidenceKeysFolder = reader.string(forKey: "evidence.keys").map { absolute($0, in: folder) }
        evidenceKeyLabel = try reader.string(forKey: "evidence.seal_with").map { label in
            guard BlobKey.isLabel(label) else {
                throw CommandFailure(
                    .usage,
                    "evidence.seal_with is '\(label)'; it takes a label of small letters, digits and hyphens, as acme-2026"
                )
            }
            return label
        }
        auditOrigin = try reader.string(forKey: "audit.origin").map { origin in
            guard !origin.isEmpty, origin.utf8.count <= 200, !origin.contains("+"),
                !origin.contains(where: \.isWhitespace)
            else {
                throw CommandFailure(
                    .usage,
                    "audit.origin is '\(origin)'; it takes a name without spaces and plus signs, as example.com/cordon")
            }
            return origin
        }
        publicURL = try reader.string(forKey: "public_url").map { text in
            guard let url = URL(string: text), ["https", "http"].contains(url.scheme), url.host != nil,
                url.query == nil, url.fragment == nil, text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }),
                text.utf8.count <= 200
            else {
                throw CommandFailure(
                    .usage, "public_url is '\(text)'; it takes what a browser opens, such as https://cordon.example.com"
                )
            }
            return text.hasSuffix("/") ? String(text.dropLast()) : text
        }
        timestampURLs = try urls(reader, "timestamps.url")
        timestampMilliseconds = try span(reader, "timestamps.every", atLeast: 60_000, "a minute") ?? 86_400_000
        timestampAuthoritiesPath = reader.string(forKey: "timestamps.ca").map { absolute($0, in: folder) }
        if timestampURLs.isEmpty != (timestampAuthoritiesPath == nil) {
            throw CommandFailure(
                .usage, "timestamps.url and timestamps.ca go together: whom to ask for the time, and whom to believe")
        }
        alertBodiesMilliseconds = try span(reader, "retention.alert_bodies")
        evidenceMilliseconds = try span(reader, "retention.evidence")
        policy = try RunPolicy(
            writesMax: bound(reader, "policy.writes"), irreversibleMax: bound(reader, "policy.irreversible"),
            questionsMax: bound(reader, "policy.questions"),
            holdMillisecondsMax: reader.string(forKey: "policy.hold").map { text in
                guard let span = YAMLDuration.milliseconds(text) else {
                    throw CommandFailure(.usage, "policy.hold is '\(text)'; it takes a duration such as 168h")
                }
                return span
            })
    }
}

/// All that TLS needs, or nothing of it.
private func tls(_ reader: ConfigReader, in folder: String) throws -> TLSDesk.Files? {
    func file(_ key: ConfigKey) -> String? { reader.string(forKey: key).map { absolute($0, in: folder) } }
    let authorities = file("listen.client_ca")
    switch (file("listen.certificate"), file("listen.key")) {
    case (nil, nil):
        guard authorities == nil else {
            throw CommandFailure(
                .usage, "listen.client_ca asks clients for certificates, which takes listen.certificate and listen.key")
        }
        return nil
    case (let certificate?, let key?):
        return TLSDesk.Files(certificate: certificate, key: key, clientAuthorities: authorities)
    case (_?, nil), (nil, _?):
        throw CommandFailure(.usage, "listen.certificate and listen.key go together: the certificate and its key")
    }
}

/// How long something is kept; `nil`: for ever.
private func span(
    _ reader: ConfigReader, _ key: String, atLeast min: Int64 = 3_600_000, _ words: String = "an hour"
) throws -> Int64? {
    try reader.string(forKey: ConfigKey(key)).map { text in
        guard let span = YAMLDuration.milliseconds(text), span >= min else {
            throw CommandFailure(
                .usage, "\(key) is '\(text)'; it takes a duration of \(words) or more, such as 400d")
        }
        return span
    }
}

/// One address, or several with spaces between them.
private func urls(_ reader: ConfigReader, _ key: String) throws -> [String] {
    let urls = (reader.string(forKey: ConfigKey(key)) ?? "").split(whereSeparator: \.isWhitespace).map(String.init)
    for url in urls where !url.hasPrefix("http://") && !url.hasPrefix("https://") {
        throw CommandFailure(.usage, "\(key) names '\(url)'; an address begins with https:// or http://")
    }
    return urls
}

extension Settings {
    /// The authorities that `timestamps.ca` names; `nil` without that setting.
    func timestampTrust() throws -> TimestampTrust? {
        try timestampAuthoritiesPath.map { path in
            guard let contents = FileManager.default.contents(atPath: path) else {
                throw CommandFailure(.failed, "timestamps.ca names \(display(path)), which can't be read")
            }
            guard let trust = TimestampTrust(pem: Array(contents)) else {
                throw CommandFailure(.definitionWrong, "\(display(path)) holds no certificates in PEM")
            }
            return trust
        }
    }

    /// Who cosigns the log; `nil` when no policy is named.
    func witnessPolicy() throws -> (policy: WitnessPolicy, bytes: [UInt8])? {
        guard let witnessesPath else { return nil }
        guard let contents = FileManager.default.contents(atPath: witnessesPath) else {
            throw CommandFailure(.failed, "audit.witnesses names \(display(witnessesPath)), which can't be read")
        }
        let policy: WitnessPolicy
        do { policy = try WitnessPolicy(parsing: String(decoding: contents, as: UTF8.self)) } catch {
            throw CommandFailure(.definitionWrong, "\(display(witnessesPath)): \(error.reason)")
        }
        for case let url? in policy.witnesses.map(\.url) where !url.hasPrefix("http://") && !url.hasPrefix("https://") {
            throw CommandFailure(
                .definitionWrong,
                "\(display(witnessesPath)): '\(url)' is no address; it begins with https:// or http://")
        }
        guard policy.isMet(by: policy.witnesses.filter { $0.url != nil }.map(\.key).filter { $0.kind == .cosignature })
        else {
            throw CommandFailure(
                .definitionWrong,
                "\(display(witnessesPath)): its quorum can't be met by the witnesses that it gives an address for")
        }
        return (policy, Array(contents))
    }

    /// Asks those that the policy names.
    func witnessRing(_ transport: any Transport, known: KnownSecrets = KnownSecrets()) throws -> WitnessRing? {
        try witnessPolicy().map { WitnessRing(policy: $0.policy, transport: transport, known: known) }
    }
}

private func bound(_ reader: ConfigReader, _ key: String) throws -> Int? {
    try reader.string(forKey: ConfigKey(key)).map { try number($0, key: key, in: 0...1_000_000) }
}

private func number(_ text: String, key: String, in range: ClosedRange<Int>) throws -> Int {
    guard let number = Int(text), range.contains(number) else {
        throw CommandFailure(
            .usage, "\(key) is '\(text)'; it takes a number from \(range.lowerBound) to \(range.upperBound)")
    }
    return number
}

func absolute(_ path: String, in folder: String) -> String {
    let whole = path.hasPrefix("/") ? path : folder + "/" + path
    return (whole as NSString).standardizingPath
}
