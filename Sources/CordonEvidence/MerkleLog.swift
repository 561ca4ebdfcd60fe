// SPDX-License-Identifier: Apache-2.0

/// The hashing of RFC 6962 and RFC 9162: what makes a list of entries one tree with one root.
package enum MerkleLog {
    /// No tree is larger: indices and sums of them then never overflow, and other readers use signed sizes.
    package static let sizeMax: UInt64 = 1 << 62

    /// The root of a log without entries: SHA-256 of nothing.
    package static let emptyRoot = Digest.of([])

    /// SHA-256(0x00 || entry).
    package static func leafHash(_ entry: [UInt8]) -> Digest {
        Digest.of(entry, after: 0x00)
    }

    /// The same of a part of some bytes.
    package static func leafHash(_ bytes: [UInt8], _ range: Range<Int>) -> Digest {
        Digest.of(bytes, range, after: 0x00)
    }

    /// SHA-256(0x01 || left || right).
    package static func nodeHash(_ left: Digest, _ right: Digest) -> Digest {
        withUnsafeTemporaryAllocation(byteCount: 1 + 2 * Digest.byteCount, alignment: 1) { buffer in
            buffer[0] = 0x01
            left.withUnsafeBytes { UnsafeMutableRawBufferPointer(rebasing: buffer[1..<33]).copyMemory(from: $0) }
            right.withUnsafeBytes { UnsafeMutableRawBufferPointer(rebasing: buffer[33..<65]).copyMemory(from: $0) }
            return Digest.of(UnsafeRawBufferPointer(buffer))
        }
    }

    /// The root over a list of leaf hashes, or of equally high subtrees.
    package static func root(of hashes: [Digest]) -> Digest {
        var frontier = MerkleFrontier()
        for hash in hashes { frontier.append(hash) }
        return frontier.root
    }
}
