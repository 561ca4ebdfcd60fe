// SPDX-License-Identifier: Apache-2.0

/// A tree of known size over hashes kept elsewhere: makes proofs, reads only the hashes that they need.
package struct MerkleTree {
    /// Gives the hash of a complete subtree: `index` counts subtrees of 2^`level` leaves from the left.
    package typealias Node = (_ level: Int, _ index: UInt64) throws(EvidenceError) -> Digest

    package let size: UInt64
    private let node: Node

    package init(size: UInt64, node: @escaping Node) {
        self.size = size
        self.node = node
    }

    /// A tree over leaf hashes in memory, for small trees and for checks of larger ones.
    package init(leafHashes: [Digest]) {
        self.init(size: UInt64(leafHashes.count)) { level, index throws(EvidenceError) in
            let width = 1 << level
            let start = Int(index) * width
            guard start + width <= leafHashes.count else {
                throw EvidenceError(
                    .sizeRefused, "could not read subtree \(index) of level \(level): it is not complete")
            }
            return MerkleLog.root(of: Array(leafHashes[start..<start + width]))
        }
    }

    package func root() throws(EvidenceError) -> Digest {
        size == 0 ? MerkleLog.emptyRoot : try hash(of: 0..<size)
    }

    /// The right edge, from which the tree goes on growing.
    package func frontier() throws(EvidenceError) -> MerkleFrontier {
        var hashes: [Digest] = []
        var start: UInt64 = 0
        while start < size {
            let width = (size - start).highestPowerOfTwo
            hashes.append(try node(width.trailingZeroBitCount, start / width))
            start += width
        }
        return try MerkleFrontier(size: size, hashes: hashes)
    }

    /// Proves that the leaf at `index` is part of this tree.
    package func inclusionProof(of index: UInt64) throws(EvidenceError) -> InclusionProof {
        guard index < size else {
            throw EvidenceError(.sizeRefused, "could not prove entry \(index): the log has \(size) entries")
        }
        var siblings: [Digest] = []
        var range = 0..<size
        while range.span > 1 {
            let middle = range.lowerBound + (range.span - 1).highestPowerOfTwo
            if index < middle {
                siblings.append(try hash(of: middle..<range.upperBound))
                range = range.lowerBound..<middle
            } else {
                siblings.append(try hash(of: range.lowerBound..<middle))
                range = middle..<range.upperBound
            }
        }
        return InclusionProof(index: index, size: size, hashes: siblings.reversed())
    }

    /// Proves that the first `oldSize` entries are still the same and in the same places.
    package func consistencyProof(from oldSize: UInt64) throws(EvidenceError) -> ConsistencyProof {
        guard oldSize > 0, oldSize <= size else {
            throw EvidenceError(
                .sizeRefused,
                "could not prove consistency from \(oldSize) to \(size): the old size must be 1 to \(size)")
        }
        var siblings: [Digest] = []
        var range = 0..<size
        while range.upperBound != oldSize {
            let middle = range.lowerBound + (range.span - 1).highestPowerOfTwo
            if oldSize <= middle {
                siblings.append(try hash(of: middle..<range.upperBound))
                range = range.lowerBound..<middle
            } else {
                siblings.append(try hash(of: range.lowerBound..<middle))
                range = middle..<range.upperBound
            }
        }
        // The verifier knows the old root; only when the old tree is no left subtree it needs its last part.
        if range.lowerBound > 0 { siblings.append(try hash(of: range)) }
        return ConsistencyProof(oldSize: oldSize, newSize: size, hashes: siblings.reversed())
    }

    /// The hash over a range that starts where a subtree of its width may start.
    private func hash(of range: Range<UInt64>) throws(EvidenceError) -> Digest {
        let width = range.span.highestPowerOfTwo
        let left = try node(width.trailingZeroBitCount, range.lowerBound / width)
        guard width < range.span else { return left }
        return MerkleLog.nodeHash(left, try hash(of: range.lowerBound + width..<range.upperBound))
    }
}

extension Range<UInt64> {
    fileprivate var span: UInt64 { upperBound - lowerBound }
}

extension UInt64 {
    /// The largest power of two that is not larger; the value must not be 0.
    fileprivate var highestPowerOfTwo: UInt64 { 1 << (63 - UInt64(leadingZeroBitCount)) }
}
