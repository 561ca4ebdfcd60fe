// SPDX-License-Identifier: Apache-2.0

import CordonCore
import CordonEvidence
package import CordonLanguage

/// The names in a bundle, and the types of what is signed in it.
enum BundleFormat {
    static let statementType = "https://in-toto.io/Statement/v1"
    static let predicateType = "urn:cordon:evidence-bundle:v1"
    static let payloadType = "application/vnd.in-toto+json"

    static let manifest = "manifest.dsse.json"
    static let entries = "entries.jsonl"
    static let checkpoint = "checkpoint"
    /// The checkpoint that a period begins with.
    static let since = "since.checkpoint"
    static let range = "range.json"
    /// Lines from before a period that say what was in force when it began; each has its proof in `proofs/`.
    static let earlier = "earlier.jsonl"
    /// Lines from elsewhere in the log that say what was erased or had its time; each has its proof in `gone/`.
    static let gone = "gone.jsonl"
    static let absent = "absent.json"
    static let readme = "README.txt"
    static let open = "open.json"
    static let trusted = "policy.txt"
    static let timeline = "timeline.html"
    static let ocsf = "ocsf.jsonl"
    static let frameworks = "frameworks.json"
    static let keys = "keys/log.vkeys"
    /// Who has to cosign, as the installation was set.
    static let policy = "witnesses.txt"

    /// What is read whole of a file in a bundle; what lists other files may be longer.
    static let fileBytesMax = 64 << 20
    static let listBytesMax = 1 << 30
    static let lists = JSONLimits(bytesMax: listBytesMax)

    static let proofs = "proofs/"
    static let goneProofs = "gone/"

    static func proof(_ index: Int) -> String { proofs + digits(index) + ".tlog-proof" }
    static func goneProof(_ index: Int) -> String { goneProofs + digits(index) + ".tlog-proof" }
    static func blob(_ digest: String) -> String { "blobs/" + digest.dropFirst(Digest.textPrefix.count) }
    static func definition(_ digest: String) -> String {
        "definitions/" + digest.dropFirst(Digest.textPrefix.count) + ".yaml"
    }
    static func snapshot(_ run: String) -> String { "runs/" + run + ".json" }

    private static func digits(_ index: Int) -> String {
        let text = String(index)
        return String(repeating: "0", count: max(0, 12 - text.count)) + text
    }
}

/// Why something that a line names is not in a bundle.
enum AbsentState: String {
    case expired, withheld, erased
    /// It is sealed with a key that was not there when the bundle was made.
    case sealed
    /// It ought to be there.
    case lost
    /// A verifier's own word: the list says that it is gone, and no line does.
    case claimed
}

/// What a bundle says of itself; it is part of what is signed.
package struct BundleHead: Sendable, Hashable {
    package enum Kind: String, Sendable, Hashable { case run, period }

    package var kind: Kind
    package var origin: String
    /// The log's size at its checkpoint.
    package var size: Int
    /// Streams that are there from their first line, with the number of their last.
    package var streams: [String: Int]
    package var run: String?
    /// The entries of a period, as places in the log.
    package var range: Range<Int>?
    /// The asked times of a period.
    package var span: (from: String, to: String)?
    /// The version of the pages that were made of its lines: another program may word them otherwise.
    package var views = BundleViews.version

    package init(kind: Kind, origin: String, size: Int, streams: [String: Int] = [:], run: String? = nil) {
        self.kind = kind
        self.origin = origin
        self.size = size
        self.streams = streams
        self.run = run
    }

    var coverage: HistoryAudit.Coverage { kind == .run ? .streams(streams) : range?.lowerBound == 0 ? .whole : .range }

    var endsEarly: Bool { range.map { $0.upperBound < size } ?? false }

    /// Of a run those that it ran on, and whom it knew; of a period all that came into force.
    func definitions(of history: HistoryAudit) -> Set<String> {
        kind == .run
            ? history.pins.union(history.configured.intersection(history.inventories))
            : history.pins.union(history.published).union(history.configured)
    }

    package var value: Value {
        var members: [String: Value] = [
            "kind": .string(kind.rawValue), "origin": .string(origin), "size": .int(Int64(size)),
            "streams": .object(streams.mapValues { .int(Int64($0)) }), "views": .int(Int64(views)),
        ]
        members["run"] = run.map(Value.string)
        members["first"] = range.map { .int(Int64($0.lowerBound)) }
        members["end"] = range.map { .int(Int64($0.upperBound)) }
        members["from"] = span.map { .string($0.from) }
        members["to"] = span.map { .string($0.to) }
        return .object(members)
    }

    init?(_ value: Value) {
        guard let kind = value["kind"]?.stringValue.flatMap(Kind.init(rawValue:)),
            let origin = value["origin"]?.stringValue, let size = value["size"]?.intValue,
            (0...Int64(MerkleLog.sizeMax)).contains(size),
            let streams = value["streams"]?.objectValue
        else { return nil }
        self.init(kind: kind, origin: origin, size: Int(size))
        for (stream, told) in streams {
            guard let last = told.intValue, last > 0 else { return nil }
            self.streams[stream] = Int(last)
        }
        // Those that were made before it was told had the first.
        views = value["views"].map { Int($0.intValue ?? 0) } ?? 1
        run = value["run"]?.stringValue
        if let first = value["first"]?.intValue, let end = value["end"]?.intValue, 0 <= first, first <= end, end <= size
        {
            range = Int(first)..<Int(end)
        }
        if let from = value["from"]?.stringValue, let to = value["to"]?.stringValue { span = (from, to) }
        guard (kind == .period) == (range != nil), (kind == .run) == (run != nil) else { return nil }
    }

    package static func == (left: BundleHead, right: BundleHead) -> Bool { left.value == right.value }
    package func hash(into hasher: inout Hasher) { hasher.combine(value) }
}
