// SPDX-License-Identifier: Apache-2.0

package import CordonConnectors
package import CordonCore
import CordonEvidence
package import CordonLanguage
package import CordonStore
import Dispatch
package import Logging
import ServiceLifecycle
import Synchronization

/// The shell around the pure machines: input, machine, commit, perform, input.
///
/// Nothing is done to the world before the intention to do it is durably stored, and there is no recovery code: what a
/// start finds (alerts not read, calls without outcome, timers that are due) goes through the functions that it would
/// have gone through had the process lived on.
package final class Engine: Sendable, Service {
    /// What the engine stands on; everything is made by the composition root.
    package struct Parts: Sendable {
        package var store: any Store
        package var clock: any WallClock
        package var connections: Connections
        package var connectors: [String: Connector]
        package var secrets: SecretReader
        package var sealKey: Secret
        package var transport: any Transport
        package var evidence: EvidenceKeeper
        package var library: Library
        /// Reads the definitions anew, all or none; `nil` where they never change.
        package var loadLibrary: (@Sendable () -> Result<Library, Diagnostics>)?
        package var logger: Logger
        /// How long the bodies of alerts are kept, in milliseconds; `nil`: for ever.
        package var alertBodiesMilliseconds: Int64?
        /// How long the evidence of a run is kept after its end; `nil`: for ever.
        package var evidenceMilliseconds: Int64?
        /// Makes the links by which people answer; `nil` where nobody knows how this installation is reached.
        package var links: ApprovalLinks?
        /// What is cut out before it is stored is told by these; `nil`: they are made under the seal's key.
        package var fingerprints: Fingerprints?
        /// What signs the security events that receivers are told of sessions; `nil` where nobody is told.
        package var eventKeys: EventKeys?
        /// Whether providers are asked, read-only, what a playbook in shadow would have done.
        package var looksInShadow: Bool

        package init(
            store: any Store, clock: any WallClock, connections: Connections, connectors: [String: Connector],
            secrets: SecretReader, sealKey: Secret, transport: any Transport, evidence: EvidenceKeeper,
            library: Library, loadLibrary: (@Sendable () -> Result<Library, Diagnostics>)? = nil, logger: Logger,
            alertBodiesMilliseconds: Int64? = nil, evidenceMilliseconds: Int64? = nil, links: ApprovalLinks? = nil,
            fingerprints: Fingerprints? = nil, looksInShadow: Bool = true, eventKeys: EventKeys? = nil
        ) {
            self.eventKeys = eventKeys
            self.fingerprints = fingerprints
            self.looksInShadow = looksInShadow
            self.links = links
            self.alertBodiesMilliseconds = alertBodiesMilliseconds
            self.evidenceMilliseconds = evidenceMilliseconds
            self.store = store
            self.clock = clock
            self.connections = connections
            self.connectors = connectors
            self.secrets = secrets
            self.sealKey = sealKey
            self.transport = transport
            self.evidence = evidence
            self.library = library
            self.loadLibrary = loadLibrary
            self.logger = logger
        }
    }

    /// Something to be done by a child task. Indirect: it is handed from the one who thinks of it to a queue, and from
    /// there to its task.
    indirect enum Work: Sendable {
        /// `isNew`: nobody can have begun to read it.
        case read(Alert, isNew: Bool)
        case advance(RunID, RunInput)
        case dequeue(String)
        case boundary(String)
        case look(ShadowLook)
        case fetch(KeyDesk.Errand)
        /// `isSealedHere`: this process sealed it under settings that can't have changed since.
        case perform(Errand, Lane.Verdict, isSealedHere: Bool)
    }

    package let store: any Store
    package let clock: any WallClock
    let connections: Connections
    let connectors: [String: Connector]
    let secrets: SecretReader
    let providers: [String: Provider]
    let sealer: CallSealer
    let fingerprints: Fingerprints
    let performer: Performer
    let lanes: Lanes
    let transport: any Transport
    let evidence: EvidenceKeeper
    let courier: Courier
    let noticeDesk = NoticeDesk()
    package let links: ApprovalLinks?
    let chronicle = Chronicle()
    let alertBodiesMilliseconds: Int64?
    let evidenceMilliseconds: Int64?
    let retentionBook = Mutex(RetentionBook())
    let heldBook = Mutex(HeldAlerts())
    package let logger: Logger
    let libraryBox: LibraryBox
    let loadLibrary: (@Sendable () -> Result<Library, Diagnostics>)?
    let publisher: LibraryPublisher
    let waitingConnectors = Mutex<[String]>([])
    /// One at a time puts definitions in force.
    let libraryLocks = SubjectLocks()
    let libraryQueue = DispatchQueue(label: "cordon.library")
    let workflows = Mutex<[String: Workflow]>([:])
    let timekeeper = Timekeeper()
    let moving = MovingRuns()
    let sessionDesk = SessionDesk()
    let receiverDesk = ReceiverDesk()
    /// The last line of each receiver's stream, as far as this process knows.
    let receiverNumbers = Mutex<[String: Int]>([:])
    let eventKeys: EventKeys?
    let guardDesk = GuardDesk()
    let haltBook = Mutex(HaltBook())
    let subjectLocks = SubjectLocks()
    let pace = SourcePace()
    let keyDesk: KeyDesk
    let reconciles = Mutex<[String: ReconcileStanding]>([:])
    /// One at a time writes the next line of a source's stream.
    let sourceLocks = SubjectLocks()
    let rejections = Mutex(RejectionBook())
    /// The subjects for which some run waits in line.
    let queuedSubjects = Mutex<Set<String>>([])
    let counter = Mutex(Counts())
    let looksInShadow: Bool
    /// What each connection promises, by its id.
    let promised: [String: [String: Contract]]
    /// Looks that wait for their turn or are being made.
    let shadowLooks = Mutex(0)
    /// Alerts and runs that some task of this process has in hand: the sweep leaves them alone.
    let busyAlerts = Mutex<Set<AlertID>>([])
    let busyRuns = Mutex<[RunID: Int]>([:])
    /// Live runs whose records give no run.
    let unreadable = Mutex<[RunID: UnreadableRecord]>([:])
    let inbox: AsyncStream<Work>
    let workInlet: AsyncStream<Work>.Continuation
    let failure = Mutex<EngineError?>(nil)
    let draining = Atomic(false)

    package init(_ parts: Parts) {
        store = parts.store
        clock = parts.clock
        connections = parts.connections
        connectors = parts.connectors
        secrets = parts.secrets
        transport = parts.transport
        evidence = parts.evidence
        links = parts.links
        looksInShadow = parts.looksInShadow
        eventKeys = parts.eventKeys
        // Each receiver is told one thing at a time; a server that takes long holds up its own alone.
        let mailDesk = DispatchQueue(label: "cordon.mail", attributes: .concurrent)
        let mail = MailTransport { mailDesk.async(execute: $0) }
        courier = Courier(transport: parts.transport, mail: mail, secrets: parts.secrets)
        logger = parts.logger
        alertBodiesMilliseconds = parts.alertBodiesMilliseconds
        evidenceMilliseconds = parts.evidenceMilliseconds
        var library = parts.library
        library.inventory.isWidened = parts.connectors.values.contains { $0.provider?.lookups.isEmpty == false }
        libraryBox = LibraryBox(library)
        loadLibrary = parts.loadLibrary
        publisher = LibraryPublisher(store: parts.store, clock: parts.clock)
        providers = Dictionary(
            uniqueKeysWithValues: parts.connections.providers.compactMap { connection in
                parts.connectors[connection.connector]?.provider.map {
                    (connection.id, Provider(connection: connection, shape: $0))
                }
            })
        promised = providers.mapValues(\.contracts)
        fingerprints = parts.fingerprints ?? Fingerprints(parts.sealKey)
        sealer = CallSealer(providers: providers, key: parts.sealKey)
        let box = libraryBox
        let wallClock = parts.clock
        lanes = Lanes(bounds: providers.mapValues(\.connection.bounds))
        performer = Performer(
            providers: providers, inventory: { box.library.inventory }, secrets: parts.secrets,
            transport: parts.transport, mail: mail, sealer: sealer, lanes: lanes, clock: { wallClock.now })
        let (inbox, workInlet) = AsyncStream.makeStream(of: Work.self)
        (self.inbox, self.workInlet) = (inbox, workInlet)
        keyDesk = KeyDesk(parts.transport) { workInlet.yield(.fetch($0)) }
    }

    package var counts: Counts { counter.withLock { $0 } }
    package var library: Library { libraryBox.library }

    func count(_ change: (inout Counts) -> Void) { counter.withLock { change(&$0) } }

    /// Runs until the service group asks for shutdown or the store can no longer be trusted.
    package func run() async throws {
        try await publishFirst()
        try await tellEvidenceKeys()
        try await refuseStrandedRuns()
        try await readHalts()
        try await readSessions()
        try await recallGuards()
        await failStrandedNotices()
        await readSecrets()
        try await recallReceivers()
        try await recallProviders()
        try await withGracefulShutdownHandler {
            try await self.work()
            // What was refused since its last line is told, or nobody would ever know.
            do throws(StoreError) { try await self.tellRejections(all: true) } catch {
                self.logger.error("what was refused could not be told", metadata: ["error": "\(error)"])
            }
        } onGracefulShutdown: {
            // Intake stops, the calls under way may end; `keepTime` closes the inlet then.
            self.draining.store(true, ordering: .releasing)
            // What nobody sent is stored as that, or the next start would have to doubt it.
            self.lanes.close()
        }
    }

    private func work() async throws {
        try await withThrowingDiscardingTaskGroup { group in
            group.addTask { await self.keepTime() }
            group.addTask { await self.keepSecrets() }
            group.addTask { await self.keepSweeping() }
            group.addTask(priority: .utility) { await self.keepRetaining() }
            for endpoint in self.notifications.endpoints { group.addTask { await self.keepTelling(endpoint) } }
            let start = self.clock.now
            group.addTask { await self.noteLostLooks(before: start) }
            for stream in self.transmitter?.streams ?? [] { group.addTask { await self.keepPushing(stream) } }
            group.addTask { await self.keepPolling() }
            group.addTask { await self.keepReconciling() }
            for await item in self.inbox {
                if self.failure.withLock({ $0 }) != nil { break }
                // Behind those who wait for their 202: an alert that is not stored yet can be lost, a run can't.
                group.addTask(priority: .utility) { await self.carryOut(item) }
            }
            group.cancelAll()
            if let failure = self.failure.withLock({ $0 }) { throw failure }
        }
    }

    private func carryOut(_ item: Work) async {
        switch item {
        case .read(let alert, let isNew): await read(alert, isNew: isNew)
        case .advance(let run, let input): await advance(run, input)
        case .dequeue(let subject): await dequeue(subject)
        case .boundary(let session): await raise(session)
        case .look(let look): await carryOut(look)
        case .fetch(let errand): await keyDesk.carryOut(errand)
        case .perform(let errand, let verdict, let isSealedHere):
            await perform(errand, verdict, isSealedHere: isSealedHere)
        }
    }

    /// The store can't be trusted any more: the process ends, and its next start reads what is really there.
    func fail(_ error: StoreError) { fail("the store failed: \(error.reason)") }

    func fail(_ reason: String) {
        logger.critical("this process ends", metadata: ["reason": "\(reason)"])
        failure.withLock { $0 = $0 ?? EngineError(.store, reason) }
        workInlet.finish()
    }
}

/// The loaded library; replaced as a whole.
final class LibraryBox: Sendable {
    private let box: Mutex<Library>

    init(_ library: Library) { box = Mutex(library) }

    var library: Library { box.withLock { $0 } }
    func replace(_ library: Library) { box.withLock { $0 = library } }
}
