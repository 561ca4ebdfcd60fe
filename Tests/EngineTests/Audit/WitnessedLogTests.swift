// SPDX-License-Identifier: Apache-2.0

import CordonConnectors
import CordonCore
import CordonEvidence
import CordonLanguage
import CordonStore
import Foundation
import Logging
import Synchronization
import TestKit
import Testing

@testable import CordonEngine

/// Witnesses in memory's reach: real ones, asked without a network between.
private final class WitnessHouse: Transport {
    let keys: [SigningKey]
    private let scratch: ScratchFolder
    private let state: Mutex<(witnesses: [Witness], away: Set<Int>, asked: Int)>

    init(_ count: Int, log: VerifierKey) throws {
        scratch = try ScratchFolder("cordon-witnesses")
        var keys: [SigningKey] = []
        var witnesses: [Witness] = []
        for number in 0..<count {
            let key = try SigningKey(name: "witness.example/w\(number)", kind: .cosignature)
            try scratch.write("", to: "\(number)/.keep")
            witnesses.append(try Witness(at: scratch.path("\(number)"), key: key, logs: [log]))
            keys.append(key)
        }
        self.keys = keys
        state = Mutex((witnesses, [], 0))
    }

    var asked: Int { state.withLock { $0.asked } }
    func away(_ numbers: Set<Int>) { state.withLock { $0.away = numbers } }

    func sizes() throws -> [UInt64] {
        try keys.enumerated().map { number, key in
            try Witness.seen(in: scratch.path("\(number)"), key: key.verifier).first?.checkpoint.size ?? 0
        }
    }

    func ring(quorum: String) throws -> WitnessRing {
        let lines = keys.enumerated().map { "witness w\($0) \($1.verifier.text) https://witness.example/\($0)/" }
        let names = keys.indices.map { "w\($0)" }.joined(separator: " ")
        let policy = try WitnessPolicy(
            parsing: (lines + ["group needed \(quorum) \(names)", "quorum needed", ""]).joined(separator: "\n"))
        return WitnessRing(policy: policy, transport: self)
    }

    func send(_ request: OutboundRequest) async -> Delivery {
        let number = Int(request.url.split(separator: "/").dropLast().last ?? "") ?? 0
        #expect(request.url == "https://witness.example/\(number)/add-checkpoint")
        let answer = state.withLock { state -> Witness.Answer? in
            state.asked += 1
            return state.away.contains(number)
                ? nil : try? state.witnesses[number].add(request.body ?? [], timeSeconds: 1_764_000_000)
        }
        let (status, body): (Int, String)
        switch answer {
        case nil:
            return Delivery(
                fate: .notSent(Fault(kind: .connectionRefused, number: 7, reason: "nobody listens there")),
                durationMilliseconds: 1)
        case .cosigned(let line): (status, body) = (200, line)
        case .malformed(let reason): (status, body) = (400, reason)
        case .unknownLog(let reason): (status, body) = (404, reason)
        case .unsigned(let reason): (status, body) = (403, reason)
        case .conflict(let size): (status, body) = (409, "\(size)\n")
        case .inconsistent(let reason): (status, body) = (422, reason)
        }
        return Delivery(
            fate: .answered(OutboundResponse(status: status, headers: [:], body: Array(body.utf8))),
            durationMilliseconds: 1)
    }

    func close() async {}
}

@Suite(.timeLimit(.minutes(20))) struct WitnessedLogTests {
    private let place: AuditedInstallation
    private let house: WitnessHouse

    init() throws {
        place = try AuditedInstallation()
        house = try WitnessHouse(2, log: try place.keys.make(origin: "cordon.example/log").key)
    }

    private func checkpointer(_ quorum: String = "all", over store: (any Store)? = nil) throws -> Checkpointer {
        Checkpointer(
            Checkpointer.Parts(
                store: store ?? place.store, clock: place.installation.clock, logPath: place.scratch.path("log"),
                keys: place.keys, origin: "cordon.example/log", witnesses: try house.ring(quorum: quorum),
                logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }))
    }

    private func trust(_ quorum: String = "all") throws -> AuditTrust {
        AuditTrust(keys: try place.keys.load().map(\.verifier), policy: try house.ring(quorum: quorum).policy)
    }

    private func grow(_ count: Int, in store: (any Store)? = nil) async throws {
        let writer = StreamWriter("probe", store: store ?? place.store, clock: place.installation.clock)
        for _ in 0..<count { try await writer.append("probed", [:]) }
    }

    private func lastOfLog(_ store: (any Store)? = nil) async throws -> Entry? {
        try await (store ?? place.store).history("log", from: 1, limit: 100).last?.entry
    }

    @Test func `each checkpoint is cosigned by all that the policy names, and the audit counts on them`() async throws {
        try await place.contain()
        let checkpointer = try checkpointer()
        let keeper = try #require(try await checkpointer.open())
        try await checkpointer.turn(keeper, isLast: true)
        #expect(try house.sizes() == [place.signed.size, place.signed.size])
        try await grow(300)
        try await checkpointer.turn(keeper, isLast: false)
        #expect(try house.sizes() == [place.signed.size, place.signed.size])
        #expect(try place.folder.witnessed() == place.folder.published())
        #expect(
            try await place.store.history("log", from: 1, limit: 10).map(\.entry.kind) == [
                "logWitnessesChanged", "logOpened",
            ])
        let report = try await place.audit(trust())
        #expect(report.broken == [], "\(report.findings)")
        #expect(!report.codes(.open).contains(.quorumMissing))
        // The bundle carries them, and the policy that tells who they are.
        let bundler = Bundler(
            store: place.store, folder: place.folder, blobs: place.installation.blobs, signers: try place.keys.load(),
            policy: Array("log \(try place.keys.load()[0].verifier.text)\nquorum none\n".utf8))
        let bundle = try await bundler.period(
            from: Instant(milliseconds: 0), to: place.installation.clock.now.adding(milliseconds: 1))
        #expect(await BundleAudit.run(bundle, trust: try trust()).broken == [])
        let stranger = try WitnessHouse(1, log: try place.keys.load()[0].verifier)
        var other = try trust()
        other.policy = try stranger.ring(quorum: "all").policy
        #expect(await BundleAudit.run(bundle, trust: other).broken == [.quorumMissing])
        #expect(try await place.audit(other).broken == [.quorumMissing])
    }

    @Test func `a state folder that was restored whole is told from what the witnesses saw`() async throws {
        let log = place.scratch.path("log")
        var checkpointer = try checkpointer()
        let keeper = try #require(try await checkpointer.open())
        try await grow(20)
        try await checkpointer.turn(keeper, isLast: true)
        // The backup: the log's folder and the store, from one moment.
        try FileManager.default.copyItem(atPath: log, toPath: log + ".backup")
        let backup = MemoryStore()
        for entry in try await place.store.log(from: 0, limit: 1000) { try await backup.note(entry.entry) }
        let old = try place.signed
        try await grow(300)
        try await checkpointer.turn(keeper, isLast: true)
        let new = try place.signed

        try FileManager.default.removeItem(atPath: log)
        try FileManager.default.moveItem(atPath: log + ".backup", toPath: log)
        checkpointer = try self.checkpointer(over: backup)
        #expect(try await checkpointer.open() == nil)
        let says =
            "cosigned \(new.size) entries, \(old.size) are signed here: entries \(old.size) to \(new.size - 1) are lost"
        guard case .refused(let reason) = checkpointer.standing else {
            Issue.record("it must not sign")
            return
        }
        #expect(reason == "the witness w0 \(says)")
        let told = try #require(try await lastOfLog(backup))
        #expect(told.kind == "logForked")
        #expect(try JSON.parse(told.bytes)["body"]?["signed_root"]?.stringValue == old.root.text)
        #expect(try place.signed == old, "nothing was signed since")
        #expect(try house.sizes() == [new.size, new.size])

        // A copy that went its own way meanwhile, without witnesses, is no smaller and still another.
        let alone = place.checkpointer(over: backup)
        try FileManager.default.removeItem(atPath: log)
        #expect(try await alone.open() == nil, "the fork stays until a person looked at it")
    }

    @Test func `another tree of a later size is told too`() async throws {
        let checkpointer = try checkpointer()
        let keeper = try #require(try await checkpointer.open())
        try await grow(20)
        try await checkpointer.turn(keeper, isLast: true)
        // The same keys sign another history, as whoever took them and a backup would.
        let other = try AuditedInstallation()
        for key in try FileManager.default.contentsOfDirectory(atPath: place.scratch.path("keys")) where key != ".keep"
        {
            try FileManager.default.copyItem(
                atPath: place.scratch.path("keys/" + key), toPath: other.scratch.path("keys/" + key))
        }
        try await grow(100, in: other.store)
        #expect(try await other.sign() == .signing)
        let thief = Checkpointer(
            Checkpointer.Parts(
                store: other.store, clock: place.installation.clock, logPath: other.scratch.path("log"),
                keys: other.keys, witnesses: try house.ring(quorum: "1"),
                logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }))
        #expect(try await thief.open() == nil)
        guard case .refused(let reason) = thief.standing else {
            Issue.record("it must not sign")
            return
        }
        #expect(reason.contains("entries that are not the beginning of the"), "\(reason)")
        #expect(try await lastOfLog(other.store)?.kind == "logForked")
    }

    @Test func `at a start nothing is signed until enough witnesses answer; later one that is away delays nothing`()
        async throws
    {
        house.away([0, 1])
        let late = try checkpointer()
        #expect(try await late.open() == nil)
        guard case .refused(let reason) = late.standing else {
            Issue.record("it must not sign")
            return
        }
        #expect(reason.contains("too few witnesses answer"))
        #expect(reason.contains("nobody listens there"))
        #expect(try place.folder.published() == nil)
        #expect(try await lastOfLog()?.kind == "logSigningRefused", "that they are away is no fork")

        house.away([1])
        #expect(try await late.open() == nil, "both are needed")
        house.away([])
        let keeper = try #require(try await late.open())
        #expect(late.standing == .signing)

        house.away([1])
        try await grow(300)
        try await late.turn(keeper, isLast: false)
        let size = try place.signed.size
        #expect(try house.sizes()[0] == size)
        #expect(try house.sizes()[1] < size)
        #expect(try await place.audit(trust()).codes(.open).contains(.quorumMissing))
        #expect(try await place.audit(trust()).broken == [])
        #expect(try await place.audit(trust("any")).codes(.open).contains(.quorumMissing) == false)
        let asked = house.asked
        try await late.turn(keeper, isLast: false)
        #expect(house.asked == asked, "it is left alone for a while")
        house.away([])
        place.installation.clock.advance(to: place.installation.clock.now.adding(milliseconds: 30_000))
        try await late.turn(keeper, isLast: false)
        #expect(try house.sizes() == [size, size])
        #expect(try place.folder.witnessed() == place.folder.published())
    }

    /// Answers in a witness's place, as anybody on the way can where there is no TLS.
    private struct Impostor: Transport {
        let status: Int
        let body: String
        let asked = Counter()

        func send(_ request: OutboundRequest) async -> Delivery {
            asked.add()
            return Delivery(
                fate: .answered(OutboundResponse(status: status, headers: [:], body: Array(body.utf8))),
                durationMilliseconds: 1)
        }

        func close() async {}
    }

    private final class Counter: Sendable {
        private let value = Mutex(0)
        var count: Int { value.withLock { $0 } }
        func add() { value.withLock { $0 += 1 } }
    }

    private func believing(_ impostor: Impostor, at url: String) throws -> Checkpointer {
        let policy = try WitnessPolicy(parsing: "witness w \(house.keys[0].verifier.text) \(url)\nquorum w\n")
        return Checkpointer(
            Checkpointer.Parts(
                store: place.store, clock: place.installation.clock, logPath: place.scratch.path("log"),
                keys: place.keys, witnesses: WitnessRing(policy: policy, transport: impostor),
                logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }))
    }

    @Test(arguments: [(409, "9000\n"), (409, "24\n"), (409, "23\n"), (422, "no"), (200, "— w AAAA\n"), (409, "x")])
    func `over plain HTTP an impostor can do no more than a witness that is away`(_ status: Int, _ body: String)
        async throws
    {
        try await grow(23)
        let impostor = Impostor(status: status, body: body)
        try await place.sign()
        for url in ["http://witness.example", "http://127.0.0.1@witness.example", "http://127.example.0.1"] {
            let checkpointer = try believing(impostor, at: url)
            #expect(try await checkpointer.open() == nil, "without its witness nothing is signed")
            guard case .refused(let reason) = checkpointer.standing else {
                Issue.record("it must not sign")
                return
            }
            #expect(reason.contains("too few witnesses answer"), "\(reason)")
            #expect(try await lastOfLog()?.kind != "logForked", "no line says that the log was forked")
        }
        #expect(impostor.asked.count <= 9, "it is asked three times at most")
        // The witness itself comes back, and nothing is left of the lie.
        #expect(try await checkpointer().open() != nil)
    }

    @Test func `a witness that says it saw less than it signed for is not believed, and moves nothing back`()
        async throws
    {
        let checkpointer = try checkpointer()
        let keeper = try #require(try await checkpointer.open())
        try await grow(20)
        try await checkpointer.turn(keeper, isLast: true)
        let impostor = Impostor(status: 409, body: "1\n")
        let later = try believing(impostor, at: "https://witness.example")
        #expect(try await later.open() == nil)
        guard case .refused(let reason) = later.standing else {
            Issue.record("it must not sign")
            return
        }
        #expect(reason.contains("its own signature under"), "\(reason)")
        #expect(impostor.asked.count == 1, "nothing is sent again for it")
        #expect(try await lastOfLog()?.kind != "logForked")
    }

    @Test func `another set of witnesses is a line of the history`() async throws {
        _ = try await checkpointer().open()
        _ = try await checkpointer().open()
        _ = try await place.sign()
        let lines = try await place.store.history("log", from: 1, limit: 10)
            .filter { $0.entry.kind == "logWitnessesChanged" }
        #expect(lines.count == 2, "once they are there, and once none is asked any more")
        let named = try JSON.parse(try #require(lines.first).entry.bytes).at("body", "witnesses")?.arrayValue
        #expect(named?.first?.stringValue == "w0 \(house.keys[0].verifier.text)")
    }
}
