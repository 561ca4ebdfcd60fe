// SPDX-License-Identifier: Apache-2.0

@testable import CordonEvidence

/// Entries of a test log, with roots that an independent implementation found for them.
enum Entries {
    static func list(_ range: Range<Int>) -> [[UInt8]] {
        range.map { Array(#"{"seq":\#($0),"kind":"test","text":"entry \#($0)"}"#.utf8) }
    }

    static func leafHashes(_ count: Int) -> [Digest] { list(0..<count).map(MerkleLog.leafHash) }

    static let roots: [Int: String] = [
        0: "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=",
        1: "CmJWOLgnuhdOUDf8Hul/Dw3mz8hiuKm2Phhu4gXhauk=",
        2: "baUwFiHiPawSIg0QxLvV7Ys0Gjl3aFVauMVPaUbUFuI=",
        255: "S6PRAIfNONId2pIsJ+J/6wbSPeHskR1dMIJvJbZiXiM=",
        256: "o34K9iqQxTTffud699WGHKYKwn8eAtwdgjRzszx+bd4=",
        257: "Uq1X74Ud2rdD40xEsbgzZ5JqCtTWALDBtea9tiHBWYc=",
        300: "bGWsuRLHYjsogdUMXOrExRu8xEFKInrF0fjtqoCwuF4=",
    ]

    /// The root by the definition, without any of the code under test but the hashes of leaves and nodes.
    static func plainRoot(_ leafHashes: some BidirectionalCollection<Digest>) -> Digest {
        let count = leafHashes.count
        guard count > 1 else { return leafHashes.first ?? MerkleLog.emptyRoot }
        var left = 1
        while left * 2 < count { left *= 2 }
        return MerkleLog.nodeHash(
            plainRoot(leafHashes.prefix(left)), plainRoot(Array(leafHashes.dropFirst(left))))
    }
}
