// SPDX-License-Identifier: Apache-2.0

import CordonConnectors
import CordonCore
import CordonEvidence
import CordonLanguage

/// What the lines of a bundle name is there or rightly gone, and what its pages say follows from the lines.
extension BundleAudit {
    mutating func checkMeaning(_ head: BundleHead, _ history: HistoryAudit) {
        report.runs = history.runStreams.count
        if let run = head.run { checkClaim(run, head, history) }
        let absent = absent(head, history)
        for named in history.blobs.values.sorted(by: { $0.digest < $1.digest }) {
            check(BundleFormat.blob(named.digest), named.digest, named.place, absent)
        }
        for (_, named) in history.bodies.sorted(by: { $0.key < $1.key }) {
            check(BundleFormat.blob(named.digest), named.digest, named.place, absent)
        }
        checkOrigins(head, history)
        for digest in head.definitions(of: history).sorted() {
            check(BundleFormat.definition(digest), digest, "a line", absent)
        }
        checkNames()
        for name in places.keys.filter({ $0.hasPrefix("runs/") }).sorted() {
            let stream = String(name.dropFirst("runs/".count).dropLast(".json".count))
            if history.run(stream)?.value.jsonBytes != contents(name) {
                report.find(.broken, .snapshotDiffers, name, "folding its lines does not give it")
            }
        }
    }

    /// What a manifest does not call whole would not be missed: of a run that must be its own lines and its alerts'.
    private mutating func checkClaim(_ run: String, _ head: BundleHead, _ history: HistoryAudit) {
        guard head.streams[run] != nil, history.run(run) != nil else {
            return report.find(
                .broken, .streamUnopened, run,
                "the bundle is to be of this run, and does not hold it from its first line on")
        }
        for alert in history.alerts.sorted() where head.streams[alert] == nil {
            report.find(
                .broken, .streamCut, alert,
                "it led to the run, and the manifest does not say that its lines are all here")
        }
        // Only lines that name its definitions go along; a run on one that nobody put in force is no run of ours.
        for digest in history.pins.subtracting(history.published).sorted() {
            report.find(
                history.published.isEmpty ? .open : .broken, .definitionUnpublished, run,
                "it ran on \(digest), and no line here says that this was put in force")
        }
        // What was forked or begun anew stands there: left out, nobody would miss it.
        if head.streams["log"] == nil {
            report.find(
                .broken, .streamCut, "log", "the manifest does not say that the log's own lines are all here")
        }
        _ = file(BundleFormat.snapshot(run))
    }

    /// What no line names is what it is called, too.
    private mutating func checkNames() {
        for (name, digest) in digests.sorted(by: { $0.key < $1.key })
        where name.hasPrefix("blobs/") || name.hasPrefix("definitions/") {
            guard name != BundleFormat.blob(digest.text), name != BundleFormat.definition(digest.text) else { continue }
            report.find(.broken, .blobChanged, name, "it is not what its name says")
        }
    }

    /// What people were asked is what the workflows ask that go along.
    mutating func checkConsents(_ history: HistoryAudit) async {
        let found = await history.consents.findings({ contents(BundleFormat.definition($0)) }, digest: digestText)
        report.findings += found
    }

    /// What the bundle says is not here, by digest.
    private mutating func absent(_ head: BundleHead, _ history: HistoryAudit) -> [String: AbsentState] {
        var absent: [String: AbsentState] = [:]
        var told: Set<String> = []
        let list = file(BundleFormat.absent, bytesMax: BundleFormat.listBytesMax) ?? []
        for item in (try? JSON.parse(list, limits: BundleFormat.lists))?.arrayValue ?? [] {
            guard let digest = item["digest"]?.stringValue else { continue }
            let state = item["state"]?.stringValue.flatMap(AbsentState.init(rawValue:))
            absent[digest] = state
            let key = item["key"]?.stringValue
            guard key != nil || state == .sealed else { continue }
            // Of a key that it may be sealed with, or that was destroyed, a line tells: the list's word alone is none.
            switch state {
            case .sealed where history.evidenceKeys.contains(key ?? ""): told.insert(digest)
            case .erased where history.destroyedKeys[key ?? ""] != nil: told.insert(digest)
            default: absent[digest] = .lost
            }
        }
        // Definitions stay for good, and of evidence nothing is withheld: no such word is taken.
        for digest in head.definitions(of: history) where absent[digest] != nil { absent[digest] = .lost }
        for named in history.blobs.values where absent[named.digest] == .withheld { absent[named.digest] = .lost }
        // A line tells of each erasure, here or in `gone.jsonl`: the list's word alone is none. Bundles of periods that were
        // made before such lines went along have none of them.
        let unproved: AbsentState = head.kind == .run || places[BundleFormat.gone] != nil ? .lost : .claimed
        let gone: Set<AbsentState?> = [.erased, .expired]
        for named in history.blobs.values
        where absent[named.digest] != nil && history.erased[named.digest] == nil && !told.contains(named.digest) {
            guard head.kind == .run || gone.contains(absent[named.digest]) else { continue }
            absent[named.digest] = unproved
        }
        for (alert, named) in history.bodies
        where gone.contains(absent[named.digest]) && !history.expired.contains(alert) {
            absent[named.digest] = unproved
        }
        return absent
    }

    private mutating func check(_ name: String, _ digest: String, _ place: String, _ absent: [String: AbsentState]) {
        guard digests[name] != nil else {
            switch absent[digest] {
            case .expired, .withheld, .erased:
                report.find(
                    .note, .blobErased, name, "\(place) names it; \(BundleFormat.absent) says why it is not here")
            case .claimed:
                report.find(
                    .open, .blobErased, name,
                    "\(place) names it; \(BundleFormat.absent) says that it is gone, and no line here does: export it "
                        + "anew with a newer Cordon")
            case .sealed:
                report.find(.open, .blobSealed, name, "\(place) names it; its key was not there when this was made")
            case .lost:
                report.find(.broken, .blobMissing, name, "\(place) names it, and it was lost before the export")
            case nil:
                report.find(.broken, .blobMissing, name, "\(place) names it, and nothing says why it is not here")
            }
            return
        }
        report.blobs += 1
    }

    // MARK: Its pages

    mutating func checkViews(_ reading: BundleReading, _ findings: [AuditFinding]) {
        let version = reading.head.views
        guard BundleViews.known.contains(version) else {
            return report.find(
                .open, .viewsUnchecked, BundleFormat.manifest,
                "its pages are of version \(version) and signed, and this program knows version \(BundleViews.version)"
                    + " and those before it: rely on the lines, or check the pages with the Cordon that made them")
        }
        for view in BundleViews.files(reading.head, findings, ownKeys, mappings(reading)) {
            guard digests[view.name] != Digest.of(view.bytes) else { continue }
            // Its words are those of the version that made it; the manifest signs them, and no record is among them.
            guard view.name != BundleFormat.readme || digests[view.name] == nil else {
                report.find(
                    .note, .fileChanged, view.name,
                    "this version words it otherwise: it is the exporter's word, type no command of it unread")
                continue
            }
            doubt(view.name)
        }
        let isOCSF = places[BundleFormat.ocsf].map { range in
            reading.ocsf.map { $0.isSo && $0.end == range.upperBound } ?? false
        }
        if isOCSF != true { doubt(BundleFormat.ocsf) }
        guard let range = places[BundleFormat.timeline], isTimeline(range, reading, findings) else {
            return doubt(BundleFormat.timeline)
        }
    }

    /// Of the playbooks that are here. Those that are not were told of.
    private func mappings(_ reading: BundleReading) -> [String: FrameworkMapping] {
        var mappings: [String: FrameworkMapping] = [:]
        for digest in reading.head.definitions(of: reading.history) {
            mappings[digest] = contents(BundleFormat.definition(digest)).flatMap { FrameworkMapping(of: $0) }
        }
        return mappings
    }

    private mutating func doubt(_ name: String) {
        report.find(.broken, .fileChanged, name, "it does not follow from the lines")
    }

    /// The rows were compared while the lines were read, from where they seemed to begin.
    private func isTimeline(_ range: Range<Int>, _ reading: BundleReading, _ findings: [AuditFinding]) -> Bool {
        let start = Array(Timeline.start(reading.head, reading.parsed, findings).utf8)
        let end = Array(Timeline.end.utf8)
        guard let rows = reading.rows, rows.isSo, rows.start == range.lowerBound + start.count,
            rows.end + end.count == range.upperBound
        else { return false }
        return (try? source.bytes(range.lowerBound..<rows.start)) == start
            && (try? source.bytes(rows.end..<range.upperBound)) == end
    }
}
