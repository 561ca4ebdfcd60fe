// SPDX-License-Identifier: Apache-2.0

import CordonConnectors
import CordonCore
import CordonEngine
import CordonEvidence
import CordonLanguage
import CordonServer
import CordonStore
import Foundation
import Logging
import ServiceLifecycle
import UnixSignals

/// Puts the parts together: the one place that names concrete types.
struct Composition {
    let settings: Settings
    let store: SQLiteStore
    let engine: Engine
    let access: Access
    let server: Server
    let checkpointer: Checkpointer
    let clockKeeper: ClockKeeper
    /// Where an authority outside is asked for the time.
    let timestamper: Timestamper?
    let transport: CurlTransport
    /// `nil`: plain HTTP.
    let tls: TLSDesk?
    let logger: Logger
    private let libraryMarks: Set<LibraryWatch.Mark>
    private let proofKey = ProofKey(randomHex(32))

    init(_ settings: Settings, logger: Logger) throws {
        self.settings = settings
        self.logger = logger
        // Before the files are read: what changes meanwhile is noticed, and read once more at worst.
        libraryMarks = LibraryWatch.marks(settings)
        let shelf = try Shelf.load(settings, isStart: true)
        shelf.logWarnings(logger)
        try settings.state.make()
        let sealKey = try settings.state.key("seal")
        store = try SQLiteStore(.readWrite(settings.statePath))
        let blobs = try settings.blobs()
        try Composition.refuseWithoutKeys(shelf.connections, settings)
        try blobs.sweep()
        var limits = CurlTransport.Limits()
        limits.inFlightMax = Limits.callsInFlightMax
        transport = try CurlTransport(limits: limits)
        let clock = SystemClock()
        let secrets = SecretReader(settings, shelf.connections, transport)
        let fingerprints = try settings.state.fingerprints()
        let links = try settings.publicURL.map { ApprovalLinks(base: $0, key: try settings.state.key("links")) }
        let eventKeys = try shelf.connections.transmitter.map { try settings.state.eventKeys($0.algorithm) }
        var library = shelf.library
        // Once all of them are made.
        library.configuration += try settings.state.keyFiles()
        engine = Engine(
            Engine.Parts(
                store: store, clock: clock, connections: shelf.connections, connectors: shelf.connectors,
                secrets: secrets, sealKey: sealKey, transport: transport,
                evidence: EvidenceKeeper(blobs: blobs), library: library,
                loadLibrary: { Shelf.library(settings, logger: logger) }, logger: logger,
                alertBodiesMilliseconds: settings.alertBodiesMilliseconds,
                evidenceMilliseconds: settings.evidenceMilliseconds,
                links: links, fingerprints: fingerprints, eventKeys: eventKeys))
        try Composition.refuseUnsigned(engine, settings)
        access = Access(store: store, clock: clock)
        checkpointer = Checkpointer(
            Checkpointer.Parts(
                store: store, clock: clock, logPath: settings.state.logPath, keys: settings.signingKeys,
                origin: settings.auditOrigin, witnesses: try settings.witnessRing(transport, known: secrets.known),
                logger: logger))
        clockKeeper = ClockKeeper(
            ClockKeeper.Parts(store: store, clock: clock, logPath: settings.state.logPath, logger: logger))
        let (sender, history) = (self.transport, self.store)
        timestamper = try settings.timestampTrust().map { trust in
            Timestamper(
                Timestamper.Parts(
                    store: history, clock: clock, logPath: settings.state.logPath, urls: settings.timestampURLs,
                    everyMilliseconds: settings.timestampMilliseconds, trust: trust, transport: sender,
                    logger: logger))
        }
        tls = try settings.tlsFiles.map { files throws(ServerError) in try TLSDesk(files) }
        try Composition.refuseUncertified(engine, tls)
        server = try Server(
            engine: engine, access: access, version: Version.text,
            options: Server.Options(address: settings.address, port: settings.port, proofKey: proofKey, tls: tls),
            logger: logger)
    }

    /// A source that nothing it sends could ever be taken of is a mistake of its installation.
    private static func refuseUncertified(_ engine: Engine, _ tls: TLSDesk?) throws {
        let sources = engine.certifiedSources
        guard !sources.isEmpty, tls?.asksClients != true else { return }
        throw CommandFailure(
            .definitionWrong,
            "the sources \(sources.joined(separator: ", ")) show who they are by client certificates, and the server asks "
                + "for none; name the authorities with --client-ca, and its own certificate with --tls-certificate")
    }

    /// What could not be sealed would not be kept, and a run that can't keep evidence changes nothing: better no start.
    private static func refuseWithoutKeys(_ connections: Connections, _ settings: Settings) throws {
        let known = try BlobKeys(in: settings.evidenceKeysPath, standard: settings.evidenceKeyLabel).labels
        for provider in connections.providers {
            guard let label = provider.evidenceKey, !known.contains(label) else { continue }
            throw CommandFailure(
                .definitionWrong,
                "the provider \(provider.id) names the evidence key '\(label)', which is not in "
                    + "\(display(settings.evidenceKeysPath)); make it with 'cordon evidence-key new', or restore it")
        }
    }

    /// Whoever reaches a source that signs nothing can accuse anybody: such a source is for this machine alone.
    private static func refuseUnsigned(_ engine: Engine, _ settings: Settings) throws {
        let unsigned = engine.unsignedSources
        guard !unsigned.isEmpty, !["127.0.0.1", "::1", "localhost"].contains(settings.address) else { return }
        throw CommandFailure(
            .definitionWrong,
            "the sources \(unsigned.joined(separator: ", ")) sign nothing, and the server listens on "
                + "\(settings.address); listen on 127.0.0.1, or give them an authentication")
    }

    /// Runs until a signal or a failure; what was accepted is finished or stored by then.
    func run(onListening: @escaping @Sendable (Int) async throws -> Void) async throws {
        do {
            try await checkpointer.prepare()
            await clockKeeper.look()
        } catch {
            await close()
            throw error
        }
        let group = ServiceGroup(
            configuration: ServiceGroupConfiguration(
                services: services, gracefulShutdownSignals: [.sigterm, .sigint], logger: logger))
        do {
            try await withThrowingTaskGroup(of: Void.self) { tasks in
                tasks.addTask { try await group.run() }
                tasks.addTask {
                    let port = try await server.boundPort()
                    try announce(port: port, commandPort: try await server.commandPort())
                    try await onListening(port)
                }
                try await tasks.waitForAll()
            }
        } catch {
            await close()
            throw error
        }
        await close()
    }

    private var services: [ServiceGroupConfiguration.ServiceConfiguration] {
        let watch = LibraryWatch(
            settings: settings, engine: engine, tls: tls, logger: logger, loaded: libraryMarks)
        // First in, so last out: what the engine stores at its end is signed too.
        var all: [any Service] = [checkpointer, EngineService(engine), server, watch, clockKeeper]
        if let timestamper { all.append(timestamper) }
        return all.map { .init(service: $0, failureTerminationBehavior: .gracefullyShutdownGroup) }
    }

    private func close() async {
        // One that stays is harmless: nobody there can prove to be this server.
        try? FileManager.default.removeItem(atPath: settings.state.addressPath)
        await transport.close()
        await store.close()
    }

    /// Tells the commands of this machine where the server is.
    private func announce(port: Int, commandPort: Int) throws {
        let host = tls == nil ? settings.commandAddress : "127.0.0.1"
        let address: Value = [
            "url": .string(url(host: host, commandPort)), "proof_key": .string(proofKey.text),
            "pid": .int(Int64(ProcessInfo.processInfo.processIdentifier)),
        ]
        try settings.state.writePrivate(address.jsonBytes, to: settings.state.addressPath)
        logger.notice("listening on \(url(scheme: tls == nil ? "http" : "https", host: settings.address, port))")
    }
}

private func url(scheme: String = "http", host: String, _ port: Int) -> String {
    "\(scheme)://\(host.contains(":") ? "[\(host)]" : host):\(port)"
}

/// The administrator's token that `init` and a first start leave in the state folder.
enum FirstToken {
    /// `false` when there is one already.
    static func make(_ settings: Settings) async throws -> Bool {
        guard !FileManager.default.fileExists(atPath: settings.state.tokenPath) else { return false }
        let store = try SQLiteStore(.readWrite(settings.statePath))
        do {
            try await make(settings.state, Access(store: store, clock: SystemClock()))
        } catch {
            await store.close()
            throw error
        }
        await store.close()
        return true
    }

    static func make(_ state: StateFolder, _ access: Access) async throws {
        let grant = try await access.grant(name: "first", role: .administrator, by: "cordon init")
        try state.writePrivate(Array(grant.token.reveal().utf8), to: state.tokenPath)
    }
}

extension SecretReader {
    /// Reads where this installation has its secrets.
    init(_ settings: Settings, _ connections: Connections, _ transport: any Transport) {
        self.init(folder: settings.folder)
        vault = connections.vault.map { VaultDesk($0, secrets: self, transport: transport) { SystemClock().now } }
    }

    /// The same, for a command: what lies in a Vault is read before it goes on.
    static func ready(
        _ settings: Settings, _ connections: Connections, for references: [SecretReference], _ transport: any Transport
    ) async -> SecretReader {
        let reader = SecretReader(settings, connections, transport)
        reader.vault?.want(references)
        // What could not be read is told by whoever needs it.
        _ = await reader.vault?.refresh()
        return reader
    }
}

extension Logger {
    /// Logs go to standard error, as text or as one JSON object a line.
    static func cordon(_ settings: Settings) -> Logger {
        var logger = Logger(label: "cordon") { label in
            switch settings.logFormat {
            case .text: TextLogHandler(label: label)
            case .json: JSONLogHandler()
            }
        }
        logger.logLevel = settings.logLevel
        return logger
    }
}
