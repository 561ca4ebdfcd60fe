// SPDX-License-Identifier: Apache-2.0

/// Says that one leaf is at one place in a tree of one size; believed only after `verify`.
package struct InclusionProof: Hashable, Sendable {
    package let index: UInt64
    package let size: UInt64
    package let hashes: [Digest]

    package init(index: UInt64, size: UInt64, hashes: [Digest]) {
        self.index = index
        self.size = size
        self.hashes = hashes
    }

    /// Returns when, and only when, the leaf is at that place in the tree with that root.
    package func verify(leafHash: Digest, root: Digest) throws(EvidenceError) {
        // Lengths first: an empty tree holds nothing, and a proof has exactly as many hashes as the path has turns.
        guard size <= MerkleLog.sizeMax, index < size else {
            throw refusal("entry \(index) is not within a log of \(size) entries")
        }
        let (inner, border) = pathLengths
        guard hashes.count == inner + border else {
            throw refusal("\(inner + border) hashes are needed, \(hashes.count) were given")
        }
        var hash = leafHash
        for (turn, sibling) in hashes.prefix(inner).enumerated() {
            hash = index >> turn & 1 == 0 ? MerkleLog.nodeHash(hash, sibling) : MerkleLog.nodeHash(sibling, hash)
        }
        for sibling in hashes.dropFirst(inner) { hash = MerkleLog.nodeHash(sibling, hash) }
        guard hash == root else { throw refusal("the hashes do not lead to the root") }
    }

    /// Up to `inner` turns the path may meet siblings on both sides; above, it is the right edge of the tree,
    /// which has siblings on the left only.
    private var pathLengths: (inner: Int, border: Int) {
        let inner = UInt64.bitWidth - (index ^ (size - 1)).leadingZeroBitCount
        return (inner, (index >> inner).nonzeroBitCount)
    }

    private func refusal(_ cause: String) -> EvidenceError {
        EvidenceError(.inclusionRefused, "could not prove entry \(index) of \(size): \(cause)")
    }
}

/// Says that a tree is the beginning of a larger one; believed only after `verify`.
package struct ConsistencyProof: Hashable, Sendable {
    package let oldSize: UInt64
    package let newSize: UInt64
    package let hashes: [Digest]

    package init(oldSize: UInt64, newSize: UInt64, hashes: [Digest]) {
        self.oldSize = oldSize
        self.newSize = newSize
        self.hashes = hashes
    }

    /// Returns when, and only when, the new tree starts with the whole old tree.
    ///
    /// An old size of 0 is refused: everything follows from nothing, so such a proof says nothing.
    package func verify(oldRoot: Digest, newRoot: Digest) throws(EvidenceError) {
        guard oldSize > 0 else { throw refusal("an empty log proves nothing") }
        guard newSize <= MerkleLog.sizeMax, oldSize <= newSize else { throw refusal("the log became smaller") }
        guard oldSize < newSize else {
            guard hashes.isEmpty else { throw refusal("equal sizes need no hashes, \(hashes.count) were given") }
            guard oldRoot == newRoot else { throw refusal("two roots for one size") }
            return
        }
        let found = try roots(from: oldRoot)
        guard found.old == oldRoot else { throw refusal("the hashes do not lead to the old root") }
        guard found.new == newRoot else { throw refusal("the hashes do not lead to the new root") }
    }

    /// Both roots as the hashes give them: RFC 9162, 2.1.4.2.
    private func roots(from oldRoot: Digest) throws(EvidenceError) -> (old: Digest, new: Digest) {
        // When the old tree is a complete subtree, its root is the first hash of the path and is not sent.
        let path = oldSize.nonzeroBitCount == 1 ? [oldRoot] + hashes : hashes
        guard let start = path.first else { throw refusal("no hashes were given") }
        let shift = (oldSize - 1).trailingOneBitCount
        var (oldNode, newNode) = ((oldSize - 1) >> shift, (newSize - 1) >> shift)
        var (old, new) = (start, start)
        for sibling in path.dropFirst() {
            guard newNode > 0 else { throw refusal("more hashes were given than the path has turns") }
            if oldNode & 1 == 1 || oldNode == newNode {
                old = MerkleLog.nodeHash(sibling, old)
                new = MerkleLog.nodeHash(sibling, new)
                let skip = oldNode.trailingZeroBitCount  // not 64: two equal nodes are not 0 here
                (oldNode, newNode) = (oldNode >> skip, newNode >> skip)
            } else {
                new = MerkleLog.nodeHash(new, sibling)
            }
            (oldNode, newNode) = (oldNode >> 1, newNode >> 1)
        }
        guard newNode == 0 else { throw refusal("fewer hashes were given than the path has turns") }
        return (old, new)
    }

    private func refusal(_ cause: String) -> EvidenceError {
        EvidenceError(.consistencyRefused, "could not prove that \(newSize) entries begin with \(oldSize): \(cause)")
    }
}
