// SPDX-License-Identifier: Apache-2.0

import CordonCore
import CordonEvidence
import CordonLanguage

/// A bundle in the making. What comes is put aside on disk at once: of its content no more is in memory than what is
/// being written.
final class BundleDraft {
    private struct Placed {
        var name: String
        var range: Range<Int>
        var digest: Digest
    }

    let head: BundleHead
    private(set) var history: HistoryAudit
    private let entries, ocsf, rows, contents: Spool
    private var lineCount = 0
    /// The place of the last line in the log.
    private(set) var lastIndex = 0
    private var events: OCSF
    /// What the playbooks that go along say they answer, by their digests.
    private var mappings: [String: FrameworkMapping] = [:]
    private var placed: [Placed] = []
    private var names: Set<String> = []

    init(_ head: BundleHead, in folder: String) throws(EvidenceError) {
        self.head = head
        events = OCSF(views: head.views)
        history = HistoryAudit(head.coverage, endsEarly: head.endsEarly)
        (entries, ocsf) = (try Spool(in: folder), try Spool(in: folder))
        (rows, contents) = (try Spool(in: folder), try Spool(in: folder))
    }

    /// The next lines, in the order of the log.
    func take(_ lines: [BundleLine]) throws(EvidenceError) {
        lastIndex = lines.last?.index ?? lastIndex
        for line in lines {
            try entries.append(line.bytes + [UInt8(ascii: "\n")])
            guard let told = history.take(line.read, place: line.place) else { continue }
            lineCount += 1
            var bytes: [UInt8] = []
            events.write(told, to: &bytes)
            try ocsf.append(bytes)
            try rows.append(line.row)
        }
    }

    /// Lines from before the first, for what they say was in force.
    func takeEarlier(_ lines: [BundleLine]) throws(EvidenceError) {
        for case .success(let line) in lines.map(\.read) { history.takeEarlier(line) }
        try add(BundleFormat.earlier, lines.flatMap { $0.bytes + [UInt8(ascii: "\n")] })
    }

    /// A file beside the lines. One that is there already is there once.
    func add(_ name: String, _ bytes: [UInt8]) throws(EvidenceError) {
        guard names.insert(name).inserted else { return }
        let start = contents.count
        try contents.append(bytes)
        placed.append(Placed(name: name, range: start..<contents.count, digest: Digest.of(bytes)))
    }

    func add(definition digest: String, _ source: [UInt8]) throws(EvidenceError) {
        mappings[digest] = FrameworkMapping(of: source)
        try add(BundleFormat.definition(digest), source)
    }

    /// All of its files under a manifest that these keys sign; the last of `keys` sign now.
    func sealed(keys: [VerifierKey], signers: [SigningKey]) throws(EvidenceError) -> [Tar.Part] {
        let findings = history.finish()
        for view in BundleViews.files(head, findings, keys, mappings) { try add(view.name, view.bytes) }
        let (lines, actions, page) = (try entries.source(), try ocsf.source(), try rows.source())
        let start = ByteSource(Array(Timeline.start(head, lineCount, findings).utf8))
        let end = ByteSource(Array(Timeline.end.utf8))
        let timeline = Tar.Part(
            name: BundleFormat.timeline,
            pieces: [(start, 0..<start.count), (page, 0..<page.count), (end, 0..<end.count)])
        var parts = [
            (Tar.Part(name: BundleFormat.entries, pieces: [(lines, 0..<lines.count)]), entries.digest),
            (Tar.Part(name: BundleFormat.ocsf, pieces: [(actions, 0..<actions.count)]), ocsf.digest),
            (timeline, try timeline.digest()),
        ]
        let source = try contents.source()
        parts += placed.map { (Tar.Part(name: $0.name, pieces: [(source, $0.range)]), $0.digest) }
        return parts.map(\.0) + [Tar.Part(try manifest(parts.map { ($0.0.name, $0.1) }, signers))]
    }

    private func manifest(
        _ files: [(name: String, digest: Digest)], _ signers: [SigningKey]
    ) throws(EvidenceError) -> Tar.File {
        let subjects = files.sorted { $0.name < $1.name }.map { file -> Value in
            ["name": .string(file.name), "digest": ["sha256": .string(file.digest.hex)]]
        }
        let statement: Value = [
            "_type": .string(BundleFormat.statementType), "predicateType": .string(BundleFormat.predicateType),
            "subject": .array(subjects), "predicate": head.value,
        ]
        var envelope = try Envelope(payloadType: BundleFormat.payloadType, payload: statement.jsonBytes)
        try envelope.sign(with: signers)
        let value: Value = [
            "payload": .string(Base64.text(envelope.payload)), "payloadType": .string(envelope.payloadType),
            "signatures": .array(
                envelope.signatures.map { ["keyid": .string($0.keyID), "sig": .string(Base64.text($0.bytes))] }),
        ]
        return Tar.File(name: BundleFormat.manifest, bytes: value.jsonBytes + [UInt8(ascii: "\n")])
    }
}
