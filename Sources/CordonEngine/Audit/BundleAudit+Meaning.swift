// SPDX-License-Identifier: Apache-2.0

import CordonCore
import CordonEvidence
import CordonLanguage

/// What the lines of a bundle name is there or rightly gone, and what its pages say follows from the lines.
extension BundleAudit {
    mutating func checkMeaning(_ head: BundleHead, _ history: HistoryAudit) {
        report.runs = history.runStreams.count
        let absent = absent(head, history)
        for named in history.blobs.values.sorted(by: { $0.digest < $1.digest }) {
            check(BundleFormat.blob(named.digest), named.digest, named.place, absent)
        }
        for (_, named) in history.bodies.sorted(by: { $0.key < $1.key }) {
            check(BundleFormat.blob(named.digest), named.digest, named.place, absent)
        }
        for digest in history.pins.sorted() {
            check(BundleFormat.definition(digest), digest, "a run's opening", absent)
        }
        for name in places.keys.filter({ $0.hasPrefix("runs/") }).sorted() {
            let stream = String(name.dropFirst("runs/".count).dropLast(".json".count))
            if history.run(stream)?.value.jsonBytes != contents(name) {
                report.find(.broken, .snapshotDiffers, name, "folding its lines does not give it")
            }
        }
    }

    /// What the bundle says is not here, by digest.
    private mutating func absent(_ head: BundleHead, _ history: HistoryAudit) -> [String: AbsentState] {
        var absent: [String: AbsentState] = [:]
        let list = file(BundleFormat.absent, bytesMax: BundleFormat.listBytesMax) ?? []
        for item in (try? JSON.parse(list, limits: BundleFormat.lists))?.arrayValue ?? [] {
            guard let digest = item["digest"]?.stringValue else { continue }
            absent[digest] = item["state"]?.stringValue.flatMap(AbsentState.init(rawValue:))
        }
        guard head.kind == .run else { return absent }
        // A run's bundle holds each line that tells of an erasure: the manifest's word alone is none.
        for named in history.blobs.values where absent[named.digest] != nil && history.erased[named.digest] == nil {
            absent[named.digest] = .lost
        }
        for (alert, named) in history.bodies
        where absent[named.digest] == .erased && !history.expired.contains(alert) { absent[named.digest] = .lost }
        return absent
    }

    private mutating func check(_ name: String, _ digest: String, _ place: String, _ absent: [String: AbsentState]) {
        guard let found = digests[name] else {
            switch absent[digest] {
            case .expired, .withheld, .erased:
                report.find(
                    .note, .blobErased, name, "\(place) names it; \(BundleFormat.absent) says why it is not here")
            case .lost:
                report.find(.broken, .blobMissing, name, "\(place) names it, and it was lost before the export")
            case nil:
                report.find(.broken, .blobMissing, name, "\(place) names it, and nothing says why it is not here")
            }
            return
        }
        report.blobs += 1
        if found.text != digest { report.find(.broken, .blobChanged, name, "it is not what \(place) names") }
    }

    // MARK: Its pages

    mutating func checkViews(_ reading: BundleReading, _ findings: [AuditFinding]) {
        let version = reading.head.views
        guard version == BundleViews.version else {
            return report.find(
                .open, .viewsUnchecked, BundleFormat.manifest,
                "its pages are of version \(version) and signed, and this program knows version \(BundleViews.version)"
                    + " alone: rely on the lines, or check the pages with the Cordon that made them")
        }
        for view in BundleViews.files(reading.head, findings, ownKeys) {
            guard let bytes = contents(view.name), bytes != view.bytes else { continue }
            // Its words are those of the version that made it; the manifest signs them, and no record is among them.
            guard view.name != BundleFormat.readme else {
                report.find(.note, .fileChanged, view.name, "another version of Cordon worded it")
                continue
            }
            doubt(view.name)
        }
        if let digest = digests[BundleFormat.ocsf], digest != reading.ocsf.digest { doubt(BundleFormat.ocsf) }
        if let range = places[BundleFormat.timeline], !isTimeline(range, reading, findings) {
            doubt(BundleFormat.timeline)
        }
    }

    private mutating func doubt(_ name: String) {
        report.find(.broken, .fileChanged, name, "it does not follow from the lines")
    }

    /// The rows need not be made a second time: their digest and number tell whether they stand there.
    private func isTimeline(_ range: Range<Int>, _ reading: BundleReading, _ findings: [AuditFinding]) -> Bool {
        let start = Array(Timeline.start(reading.head, reading.parsed, findings).utf8)
        let end = Array(Timeline.end.utf8)
        guard range.count == start.count + reading.rows.count + end.count else { return false }
        let rows = range.lowerBound + start.count..<range.upperBound - end.count
        return (try? source.bytes(range.lowerBound..<rows.lowerBound)) == start
            && (try? source.digest(of: rows)) == reading.rows.digest
            && (try? source.bytes(rows.upperBound..<range.upperBound)) == end
    }
}
