// SPDX-License-Identifier: Apache-2.0

import CordonConnectors
import CordonCore
package import CordonEvidence
import CordonLanguage

/// Checks a bundle: it needs the file and a public key, no database, no network and no trust in who made it. It reads a
/// piece at a time: a bundle may be larger than the memory.
package struct BundleAudit {
    let trust: AuditTrust
    let source: ByteSource
    var report = AuditReport(subject: "bundle")
    private(set) var places: [String: Range<Int>] = [:]
    private(set) var digests: [String: Digest] = [:]
    private(set) var keys: [VerifierKey] = []

    private let shards: Int

    private init(_ source: ByteSource, _ trust: AuditTrust, _ shards: Int) {
        self.source = source
        self.trust = trust
        self.shards = shards
    }

    package static func run(_ archive: [UInt8], trust: AuditTrust) async -> AuditReport {
        await run(ByteSource(archive), trust: trust)
    }

    package static func run(_ archive: ByteSource, trust: AuditTrust) async -> AuditReport {
        await run(archive, trust: trust, shards: AuditShards.standard)
    }

    static func run(_ archive: ByteSource, trust: AuditTrust, shards: Int) async -> AuditReport {
        var audit = BundleAudit(archive, trust, shards)
        await audit.check()
        audit.report.findings = audit.report.findings.ordered
        return audit.report
    }

    private mutating func check() async {
        let files: [TarIndex.Place]
        do throws(EvidenceError) { files = try TarIndex(source).places } catch {
            return report.find(.broken, .archiveMalformed, "the archive", error.reason)
        }
        for place in files { places[place.name] = place.range }
        // Every byte is hashed, while the lines are read.
        async let hashed = BundleAudit.digests(of: files, in: source)
        readKeys()
        guard let (head, subjects) = openManifest() else { return }
        let place = report.findings.count
        report.subject = "\(head.kind.rawValue) bundle"
        report.origin = head.origin
        guard let note = file(BundleFormat.checkpoint),
            let checkpoint = report.open(note, BundleFormat.checkpoint, trust, keys)
        else {
            _ = takeDigests(await hashed, subjects, at: place)
            return
        }
        checkQuorum(note)
        report.size = checkpoint.size
        report.checkpoints = 1
        if checkpoint.size != UInt64(head.size) || !checkpoint.origin.utf8.elementsEqual(head.origin.utf8) {
            report.find(
                .broken, .checkpointDiffers, BundleFormat.checkpoint, "it is not the one that the manifest speaks of")
        }
        let since = report.openSince(trust, keys, checkpoint)
        var reading = BundleReading(
            head, ocsf: places[BundleFormat.ocsf].map(standing), rows: standingRows, shards: shards)
        switch head.kind {
        case .run: await readProved(&reading, note, checkpoint)
        case .period:
            readEarlier(&reading, note, checkpoint)
            await readRange(&reading, checkpoint, since)
        }
        readGone(&reading, note, checkpoint)
        guard takeDigests(await hashed, subjects, at: place) else { return }
        report.entries = reading.count
        checkSpan(reading)
        if let since { compareSince(since, checkpoint, head) }
        let findings = reading.history.finish()
        report.findings += findings
        checkMeaning(head, reading.history)
        await checkConsents(reading.history)
        checkViews(reading, findings)
    }

    private func standing(_ range: Range<Int>) -> BundleReading.Standing { BundleReading.Standing(source, range) }

    private var standingRows: BundleReading.Standing? {
        guard let page = places[BundleFormat.timeline], let start = Timeline.rows(source, page) else { return nil }
        return standing(start..<page.upperBound)
    }

    // MARK: Its files

    /// A file's bytes, when it is there and no longer than such a file may be.
    func contents(_ name: String, bytesMax: Int = BundleFormat.fileBytesMax) -> [UInt8]? {
        guard let range = places[name], range.count <= bytesMax else { return nil }
        return try? source.bytes(range)
    }

    /// The same, where one has to be there.
    mutating func file(_ name: String, bytesMax: Int = BundleFormat.fileBytesMax) -> [UInt8]? {
        if let bytes = contents(name, bytesMax: bytesMax) { return bytes }
        report.find(
            .broken, .fileMissing, name,
            places[name].map { $0.count > bytesMax } ?? false
                ? "it is longer than \(bytesMax) bytes, which no such file is" : "it is not there")
        return nil
    }

    // MARK: What is signed

    /// The auditor's policy must be met; the one that lies in the bundle is the log's own word, and tells what is missing.
    private mutating func checkQuorum(_ note: [UInt8]) {
        if let policy = trust.policy {
            return report.checkQuorum(note, BundleFormat.checkpoint, policy, .broken)
        }
        guard places[BundleFormat.policy] != nil, let bytes = file(BundleFormat.policy) else { return }
        do throws(EvidenceError) {
            let policy = try WitnessPolicy(parsing: String(decoding: bytes, as: UTF8.self))
            report.checkQuorum(note, BundleFormat.checkpoint, policy, .open)
        } catch { report.find(.broken, .fileChanged, BundleFormat.policy, error.reason) }
    }

    var ownKeys: [VerifierKey] {
        (try? LogFolder.keys(parsing: contents(BundleFormat.keys) ?? [], at: BundleFormat.keys)) ?? []
    }

    private mutating func readKeys() {
        do throws(EvidenceError) {
            let own = try LogFolder.keys(parsing: contents(BundleFormat.keys) ?? [], at: BundleFormat.keys)
            keys = trust.keys(beside: own)
            for key in own {
                let name = "keys/\(key.hash8).pem"
                guard places[name] != nil, contents(name) != Array(key.pem.utf8) else { continue }
                report.find(.broken, .fileChanged, name, "it is not the key of that name")
            }
        } catch { report.find(.broken, .keyUnknown, BundleFormat.keys, error.reason) }
        report.tellKeys(keys, trust, BundleFormat.keys)
    }

    private mutating func openManifest() -> (head: BundleHead, subjects: [Value])? {
        guard let bytes = file(BundleFormat.manifest, bytesMax: BundleFormat.listBytesMax) else { return nil }
        guard let envelope = envelope(bytes) else { return malformed() }
        let signers = self.signers(of: envelope)
        // What nobody signed is read for its diagnosis alone: it may cost what any text may.
        let limits = signers.isEmpty ? JSONLimits.default : BundleFormat.lists
        guard let statement = try? JSON.parse(envelope.payload, limits: limits),
            statement["_type"]?.stringValue == BundleFormat.statementType,
            statement["predicateType"]?.stringValue == BundleFormat.predicateType,
            let subjects = statement["subject"]?.arrayValue,
            let head = statement["predicate"].flatMap(BundleHead.init)
        else { return malformed() }
        if !signers.isEmpty, !signers.contains(where: { $0.name.utf8.elementsEqual(head.origin.utf8) }) {
            report.find(
                .broken, .signatureMissing, BundleFormat.manifest, "no key of the log that it speaks of signed it")
        }
        return (head, subjects)
    }

    private mutating func malformed() -> (head: BundleHead, subjects: [Value])? {
        report.find(.broken, .manifestMalformed, BundleFormat.manifest, "it is no signed statement over a bundle")
        return nil
    }

    /// Whose signatures it has: a witness signs checkpoints, and no bundle.
    private mutating func signers(of envelope: Envelope) -> [VerifierKey] {
        do throws(EvidenceError) { return try envelope.verify(with: keys.filter { $0.kind == .ed25519 }) } catch {
            let code: AuditFinding.Code = error.code == .signatureMissing ? .signatureMissing : .signatureInvalid
            report.find(.broken, code, BundleFormat.manifest, error.reason)
            return []
        }
    }

    /// One spelling alone is taken: a manifest whose bytes were changed is not the one that was written.
    private func envelope(_ bytes: [UInt8]) -> Envelope? {
        guard let value = try? JSON.parse(bytes, limits: BundleFormat.lists),
            value.jsonBytes + [UInt8(ascii: "\n")] == bytes,
            value.objectValue?.count == 3, value["payloadType"]?.stringValue == BundleFormat.payloadType,
            let payload = value["payload"]?.stringValue.flatMap({ Base64.bytes($0.utf8) }),
            let signatures = value["signatures"]?.arrayValue
        else { return nil }
        let read = signatures.compactMap { item -> Envelope.Signature? in
            guard let id = item["keyid"]?.stringValue, item.objectValue?.count == 2,
                let sig = item["sig"]?.stringValue.flatMap({ Base64.bytes($0.utf8) })
            else { return nil }
            return Envelope.Signature(keyID: id, bytes: sig)
        }
        guard read.count == signatures.count else { return nil }
        return try? Envelope(payloadType: BundleFormat.payloadType, payload: payload, signatures: read)
    }

    private static func digests(
        of files: [TarIndex.Place], in source: ByteSource
    ) async -> Result<[String: Digest], EvidenceError> {
        var digests: [String: Digest] = [:]
        do throws(EvidenceError) {
            for file in files { digests[file.name] = try source.digest(of: file.range) }
        } catch { return .failure(error) }
        return .success(digests)
    }

    /// False when the archive could not be read.
    ///
    /// - Parameter place: where among the findings those of the manifest stand: before what the lines gave meanwhile.
    private mutating func takeDigests(
        _ hashed: Result<[String: Digest], EvidenceError>, _ subjects: [Value], at place: Int
    ) -> Bool {
        switch hashed {
        case .success(let all):
            digests = all
            report.findings.insert(contentsOf: compared(subjects), at: place)
            return true
        case .failure(let error):
            report.find(.broken, .archiveMalformed, "the archive", error.reason)
            return false
        }
    }

    /// What is there against what was signed.
    private func compared(_ subjects: [Value]) -> [AuditFinding] {
        var findings: [AuditFinding] = []
        func find(_ code: AuditFinding.Code, _ place: String, _ says: String) {
            findings.append(AuditFinding(.broken, code, place, says))
        }
        var listed: Set<String> = [BundleFormat.manifest]
        for subject in subjects {
            guard let name = subject["name"]?.stringValue, let digest = subject.at("digest", "sha256")?.stringValue
            else {
                find(.manifestMalformed, BundleFormat.manifest, "it lists a file without name or digest")
                continue
            }
            listed.insert(name)
            guard let found = digests[name] else {
                find(.fileMissing, name, "the manifest lists it, and it is not there")
                continue
            }
            if found.hex != digest { find(.fileChanged, name, "its bytes are not those that were signed") }
        }
        for name in places.keys.sorted() where !listed.contains(name) {
            find(.fileUnlisted, name, "it is there, and the manifest does not list it")
        }
        return findings
    }
}
