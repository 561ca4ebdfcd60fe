// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import CordonEvidence

@Suite struct MerkleTreeTests {
    /// The eight entries and the roots that Certificate Transparency programs have long agreed on.
    static let entries: [[UInt8]] = [
        [], [0x00], [0x10], [0x20, 0x21], [0x30, 0x31], [0x40, 0x41, 0x42, 0x43],
        [0x50, 0x51, 0x52, 0x53, 0x54, 0x55, 0x56, 0x57],
        [0x60, 0x61, 0x62, 0x63, 0x64, 0x65, 0x66, 0x67, 0x68, 0x69, 0x6a, 0x6b, 0x6c, 0x6d, 0x6e, 0x6f],
    ]
    static let roots = [
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    ]

    @Test func `roots are those of RFC 6962`() throws {
        for size in 0...8 {
            let hashes = MerkleTreeTests.entries.prefix(size).map(MerkleLog.leafHash)
            #expect(MerkleLog.root(of: hashes).hex == MerkleTreeTests.roots[size])
            #expect(try MerkleTree(leafHashes: hashes).root().hex == MerkleTreeTests.roots[size])
        }
    }

    @Test func `roots agree with an independent implementation`() throws {
        for (size, root) in Entries.roots {
            #expect(Base64.text(MerkleLog.root(of: Entries.leafHashes(size)).bytes) == root, "size \(size)")
        }
    }

    @Test func `the growing edge gives the root by definition at every size`() throws {
        let hashes = Entries.leafHashes(130)
        var frontier = MerkleFrontier()
        for (size, hash) in hashes.enumerated() {
            #expect(frontier.root == Entries.plainRoot(hashes.prefix(size)))
            #expect(try MerkleTree(leafHashes: Array(hashes.prefix(size))).frontier() == frontier)
            #expect(try MerkleFrontier(bytes: frontier.bytes) == frontier)
            frontier.append(hash)
        }
        #expect(frontier.size == 130)
        #expect(frontier.hashes.count == 2)
    }

    @Test func `an edge that fits no size is refused`() throws {
        let edge = MerkleFrontier()
        var three = edge
        for hash in Entries.leafHashes(3) { three.append(hash) }
        let refused = EvidenceError(.frontierMalformed, "")
        for bytes in [
            [], Array(three.bytes.dropLast()), Array(three.bytes.dropLast(32)), three.bytes + [0],
            three.bytes + Digest.of([]).bytes, Array(three.bytes.dropFirst()),
            [UInt8](repeating: 255, count: 8 + 64 * 32),
        ] {
            #expect(throws: refused) { try MerkleFrontier(bytes: bytes) }
        }
    }

    @Test func `every entry of every small tree is proved, and nothing else is`() throws {
        let hashes = Entries.leafHashes(34)
        for size in 1...33 {
            let tree = MerkleTree(leafHashes: Array(hashes.prefix(size)))
            let root = try tree.root()
            for index in 0..<size {
                let proof = try tree.inclusionProof(of: UInt64(index))
                try proof.verify(leafHash: hashes[index], root: root)
                #expect(throws: EvidenceError(.inclusionRefused, "")) {
                    try proof.verify(leafHash: hashes[index + 1], root: root)
                }
                for wrong in wrongForms(of: proof) {
                    #expect(throws: EvidenceError(.inclusionRefused, "")) {
                        try wrong.verify(leafHash: hashes[index], root: root)
                    }
                }
            }
        }
    }

    @Test func `every beginning of every small tree is proved, and nothing else is`() throws {
        let hashes = Entries.leafHashes(34)
        for newSize in 1...33 {
            let tree = MerkleTree(leafHashes: Array(hashes.prefix(newSize)))
            let newRoot = try tree.root()
            for oldSize in 1...newSize {
                let proof = try tree.consistencyProof(from: UInt64(oldSize))
                let oldRoot = Entries.plainRoot(hashes.prefix(oldSize))
                try proof.verify(oldRoot: oldRoot, newRoot: newRoot)
                for (old, new) in [(hashes[33], newRoot), (oldRoot, hashes[33])] {
                    #expect(throws: EvidenceError(.consistencyRefused, "")) {
                        try proof.verify(oldRoot: old, newRoot: new)
                    }
                }
                for wrong in wrongForms(of: proof) {
                    #expect(throws: EvidenceError(.consistencyRefused, "")) {
                        try wrong.verify(oldRoot: oldRoot, newRoot: newRoot)
                    }
                }
            }
        }
    }

    @Test func `sizes that make no sense are refused before any hashing`() {
        let root = MerkleLog.emptyRoot
        for (index, size) in [(0, 0), (1, 1), (5, 4), (UInt64.max, 1), (0, UInt64.max), (UInt64.max - 1, UInt64.max)] {
            #expect(throws: EvidenceError(.inclusionRefused, "")) {
                try InclusionProof(index: index, size: size, hashes: []).verify(leafHash: root, root: root)
            }
        }
        for (old, new) in [(0, 0), (0, 1), (2, 1), (UInt64.max, UInt64.max), (1, UInt64.max)] {
            #expect(throws: EvidenceError(.consistencyRefused, "")) {
                try ConsistencyProof(oldSize: old, newSize: new, hashes: []).verify(oldRoot: root, newRoot: root)
            }
        }
    }

    @Test func `what is not in the tree cannot be asked for`() {
        let tree = MerkleTree(leafHashes: Entries.leafHashes(3))
        #expect(throws: EvidenceError(.sizeRefused, "")) { try tree.inclusionProof(of: 3) }
        for old: UInt64 in [0, 4] {
            #expect(throws: EvidenceError(.sizeRefused, "")) { try tree.consistencyProof(from: old) }
        }
    }

    /// Without hashes, with one more, one less, one changed, two swapped.
    private func wrongLists(_ hashes: [Digest]) -> [[Digest]] {
        var lists = [hashes + [MerkleLog.emptyRoot], [MerkleLog.emptyRoot] + hashes]
        for place in hashes.indices {
            var changed = hashes
            changed[place] = Digest.of(hashes[place].bytes)
            var shorter = hashes
            shorter.remove(at: place)
            lists += [changed, shorter]
        }
        return hashes.count > 1 ? lists + [hashes.reversed()] : lists
    }

    private func wrongForms(of proof: InclusionProof) -> [InclusionProof] {
        let lists = wrongLists(proof.hashes).map { InclusionProof(index: proof.index, size: proof.size, hashes: $0) }
        return lists + [InclusionProof(index: proof.index + 1, size: proof.size, hashes: proof.hashes)]
    }

    private func wrongForms(of proof: ConsistencyProof) -> [ConsistencyProof] {
        wrongLists(proof.hashes).map { ConsistencyProof(oldSize: proof.oldSize, newSize: proof.newSize, hashes: $0) }
    }
}
