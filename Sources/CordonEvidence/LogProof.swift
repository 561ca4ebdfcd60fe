// SPDX-License-Identifier: Apache-2.0

/// A proof that one can keep and check without us (C2SP tlog-proof): where the entry is, the hashes, the checkpoint.
package struct LogProof: Hashable, Sendable {
    static let header = "c2sp.org/tlog-proof@v1"
    /// A path in the largest tree that another reader may know.
    package static let hashesMax = 63
    package static let bytesMax = Note.bytesMax

    package let index: UInt64
    package let hashes: [Digest]
    /// The signed note as it was published.
    package let checkpoint: [UInt8]
    /// Whatever helps to find the entry; it is covered by no signature.
    package let extra: [UInt8]?

    package init(index: UInt64, hashes: [Digest], checkpoint: [UInt8], extra: [UInt8]? = nil) {
        (self.index, self.hashes, self.checkpoint, self.extra) = (index, hashes, checkpoint, extra)
    }

    package init(parsing bytes: [UInt8]) throws(EvidenceError) {
        guard bytes.count <= LogProof.bytesMax else {
            throw LogProof.malformed("it is larger than \(LogProof.bytesMax) bytes")
        }
        var lines = LineReader(bytes)
        guard lines.next() == LogProof.header else {
            throw LogProof.malformed("its first line is not \(LogProof.header)")
        }
        var line = lines.next()
        extra = try LogProof.extra(line)
        if extra != nil { line = lines.next() }
        guard let line, line.hasPrefix("index "), let index = Decimal.integer(line.dropFirst(6)) else {
            throw LogProof.malformed("a line with the index is missing, or the index is no number")
        }
        var hashes: [Digest] = []
        while let line = lines.next(), !line.isEmpty {
            guard let hash = Base64.bytes(line.utf8).flatMap({ Digest(bytes: $0) }) else {
                throw LogProof.malformed("line \(lines.count) is no hash: expected 32 bytes as base64")
            }
            guard hashes.count < LogProof.hashesMax else {
                throw LogProof.malformed("it has more than \(LogProof.hashesMax) hashes")
            }
            hashes.append(hash)
        }
        guard !lines.rest.isEmpty else { throw LogProof.malformed("no checkpoint stands under its hashes") }
        (self.index, self.hashes, checkpoint) = (index, hashes, lines.rest)
    }

    package var bytes: [UInt8] {
        var lines = [LogProof.header]
        if let extra { lines.append("extra " + Base64.text(extra)) }
        lines.append("index \(index)")
        lines += hashes.map { Base64.text($0.bytes) }
        return Array(lines.map { $0 + "\n" }.joined().utf8) + [Note.newline] + checkpoint
    }

    /// Returns the checkpoint when a trusted key signed it and the entry is in its tree at `index`.
    package func verify(
        entry: [UInt8], logKeys: [VerifierKey], witnesses: [VerifierKey] = []
    ) throws(EvidenceError) -> OpenedCheckpoint {
        let opened = try OpenedCheckpoint(checkpoint, logKeys: logKeys, witnesses: witnesses)
        let proof = InclusionProof(index: index, size: opened.checkpoint.size, hashes: hashes)
        try proof.verify(leafHash: MerkleLog.leafHash(entry), root: opened.checkpoint.root)
        return opened
    }

    private static func extra(_ line: String?) throws(EvidenceError) -> [UInt8]? {
        guard let line, line.hasPrefix("extra ") else { return nil }
        guard let bytes = Base64.bytes(line.utf8.dropFirst(6)) else { throw malformed("its extra line is no base64") }
        return bytes
    }

    private static func malformed(_ cause: String) -> EvidenceError {
        EvidenceError(.proofMalformed, "could not read a proof: \(cause)")
    }
}

/// Takes lines from the front and leaves the rest untouched.
struct LineReader {
    private(set) var count = 0
    private var left: ArraySlice<UInt8>

    init(_ bytes: [UInt8]) { left = bytes[...] }

    var rest: [UInt8] { Array(left) }

    /// The next line without its newline, nothing at the end. What is no UTF-8 becomes a sign that no format allows.
    mutating func next() -> String? {
        guard let end = left.firstIndex(of: Note.newline) else { return nil }
        defer { left = left[(end + 1)...] }
        count += 1
        return String(decoding: left[..<end], as: UTF8.self)
    }
}
