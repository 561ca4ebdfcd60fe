// SPDX-License-Identifier: Apache-2.0

/// What a log hands to a witness (C2SP tlog-witness, `add-checkpoint`): the size that the witness saw last, the proof
/// that the log only grew since, and the signed checkpoint. Parsing believes nothing of it.
package struct WitnessRequest: Hashable, Sendable {
    package static let path = "/add-checkpoint"
    /// 63 hashes and a note with a handful of signatures take about 4 KB.
    package static let bytesMax = 1 << 16
    package static let hashesMax = 63

    package let oldSize: UInt64
    package let hashes: [Digest]
    /// The signed note, as it was published.
    package let checkpoint: [UInt8]

    package init(oldSize: UInt64, hashes: [Digest], checkpoint: [UInt8]) {
        (self.oldSize, self.hashes, self.checkpoint) = (oldSize, hashes, checkpoint)
    }

    package init(parsing bytes: [UInt8]) throws(EvidenceError) {
        guard bytes.count <= WitnessRequest.bytesMax else {
            throw WitnessRequest.malformed("it is larger than \(WitnessRequest.bytesMax) bytes")
        }
        var lines = LineReader(bytes)
        guard let first = lines.next(), first.hasPrefix("old "), let oldSize = Decimal.integer(first.dropFirst(4))
        else { throw WitnessRequest.malformed("its first line is not 'old' and a size") }
        var hashes: [Digest] = []
        while let line = lines.next(), !line.isEmpty {
            guard let hash = Base64.bytes(line.utf8).flatMap({ Digest(bytes: $0) }) else {
                throw WitnessRequest.malformed("line \(lines.count) is no hash: expected 32 bytes as base64")
            }
            guard hashes.count < WitnessRequest.hashesMax else {
                throw WitnessRequest.malformed("it has more than \(WitnessRequest.hashesMax) hashes")
            }
            hashes.append(hash)
        }
        guard !lines.rest.isEmpty else { throw WitnessRequest.malformed("no checkpoint stands under its proof") }
        (self.oldSize, self.hashes, checkpoint) = (oldSize, hashes, lines.rest)
    }

    package var bytes: [UInt8] {
        let lines = ["old \(oldSize)"] + hashes.map { Base64.text($0.bytes) }
        return Array(lines.map { $0 + "\n" }.joined().utf8) + [Note.newline] + checkpoint
    }

    private static func malformed(_ cause: String) -> EvidenceError {
        EvidenceError(.requestMalformed, "could not read a request to a witness: \(cause)")
    }
}
