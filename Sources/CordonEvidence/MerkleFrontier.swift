// SPDX-License-Identifier: Apache-2.0

/// The right edge of the growing tree: all that is needed to append and to know the root.
///
/// It holds one hash for each set bit of the size, the largest subtree first: at most 62 hashes. An
/// append costs two hashes on average.
package struct MerkleFrontier: Hashable, Sendable {
    package private(set) var size: UInt64 = 0
    package private(set) var hashes: [Digest] = []

    package init() {}

    /// Nothing fits but one hash for each set bit of the size.
    package init(size: UInt64, hashes: [Digest]) throws(EvidenceError) {
        guard size <= MerkleLog.sizeMax, hashes.count == size.nonzeroBitCount else {
            throw EvidenceError(
                .frontierMalformed,
                "could not restore the edge of the log: size \(size) needs \(size.nonzeroBitCount) hashes, "
                    + "found \(hashes.count)")
        }
        self.size = size
        self.hashes = hashes
    }

    package mutating func append(_ leafHash: Digest) {
        precondition(size < MerkleLog.sizeMax, "a log holds at most \(MerkleLog.sizeMax) entries")
        var hash = leafHash
        for _ in 0..<size.trailingOneBitCount { hash = MerkleLog.nodeHash(hashes.removeLast(), hash) }
        hashes.append(hash)
        size += 1
    }

    package var root: Digest {
        guard let last = hashes.last else { return MerkleLog.emptyRoot }
        return hashes.dropLast().reversed().reduce(last) { MerkleLog.nodeHash($1, $0) }
    }
}

extension MerkleFrontier {
    /// The size as eight big-endian bytes, then the hashes.
    package var bytes: [UInt8] { BigEndian.bytes(size) + hashes.flatMap(\.bytes) }

    package init(bytes: [UInt8]) throws(EvidenceError) {
        let rest = bytes.dropFirst(8)
        guard let size: UInt64 = BigEndian.integer(bytes.prefix(8)), rest.count % Digest.byteCount == 0 else {
            throw EvidenceError(
                .frontierMalformed, "could not restore the edge of the log: \(bytes.count) bytes are no edge")
        }
        try self.init(size: size, hashes: Digest.list(rest))
    }
}

extension FixedWidthInteger {
    /// How many low bits are set before the first clear one: the subtrees that one more leaf completes.
    var trailingOneBitCount: Int { (~self).trailingZeroBitCount }
}

/// Integers as this folder's file formats write them.
enum BigEndian {
    static func bytes(_ value: some FixedWidthInteger) -> [UInt8] { withUnsafeBytes(of: value.bigEndian) { Array($0) } }

    /// Nothing when there are not exactly as many bytes as the integer has.
    static func integer<Integer: FixedWidthInteger & UnsignedInteger>(_ bytes: some Collection<UInt8>) -> Integer? {
        guard bytes.count * 8 == Integer.bitWidth else { return nil }
        return bytes.reduce(0) { $0 << 8 | Integer($1) }
    }
}
