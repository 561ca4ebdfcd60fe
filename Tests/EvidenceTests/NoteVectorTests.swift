// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

@testable import CordonEvidence

/// Notes, checkpoints, proofs and policies as others wrote them: those that hold, and those that must be refused.
@Suite struct NoteVectorTests {
    @Test func `the specification's own note is by its key`() throws {
        guard let note = try Corpus.bytes("notes/signed-note-2.txt"),
            let line = try Corpus.text("notes/signed-note-example.vkey")
        else { return }
        let key = try VerifierKey(parsing: line.trimmingCharacters(in: .newlines))
        // As an example block it lacks the newline at its end.
        let whole = note.last == UInt8(ascii: "\n") ? note : note + [UInt8(ascii: "\n")]
        #expect(try Note(parsing: whole).verify(with: [key]).map(\.key) == [key])
        var changed = whole
        changed[3] ^= 1
        #expect(throws: EvidenceError(.signatureInvalid, "")) { try Note(parsing: changed).verify(with: [key]) }
    }

    @Test func `a sigsum log's checkpoint is by the key of its seed, and read as it is`() throws {
        guard let note = try Corpus.bytes("notes/sigsum-valid-checkpoint.txt") else { return }
        let parsed = try Note(parsing: note)
        let checkpoint = try Checkpoint(parsing: parsed.text)
        let key = try SigningKey(name: checkpoint.origin, seed: [0x11] + [UInt8](repeating: 0, count: 31))
        #expect(checkpoint.size == 10)
        #expect(try OpenedCheckpoint(note, logKeys: [key.verifier]).checkpoint == checkpoint)
        // The same text is signed again to the same bytes.
        #expect(try checkpoint.signed(by: [key]).bytes == note)
    }

    @Test func `checkpoints with cosignatures meet their policy, and no other`() throws {
        guard let policyText = try Corpus.text("tlog-300/policy.txt") else { return }
        let policy = try WitnessPolicy(parsing: policyText)
        for size in [0, 1, 2, 255, 256, 257, 300] {
            let note = try #require(try Corpus.bytes("tlog-300/checkpoint.\(size)"))
            let opened = try policy.open(note)
            #expect(opened.checkpoint.size == UInt64(size))
            #expect(opened.checkpoint.root == MerkleLog.root(of: Entries.leafHashes(size)))
            #expect(opened.witnesses.count == 2)
        }
        let lines = policyText.replacingOccurrences(of: "group both all w1 w2", with: "group both all w1 w2 w3")
            .replacingOccurrences(of: "group both", with: "witness w3 \(try stranger())\ngroup both")
        let note = try #require(try Corpus.bytes("tlog-300/checkpoint.300"))
        #expect(throws: EvidenceError(.quorumMissing, "")) { try WitnessPolicy(parsing: lines).open(note) }
    }

    private func stranger() throws -> String {
        try SigningKey(name: "stranger.example/w3", kind: .cosignature).verifier.text
    }

    @Test func `the notes that C2SP's pages show are read as they say`() throws {
        guard let checkpoint = try Corpus.bytes("notes/tlog-checkpoint-1.txt"),
            let cosigned = try Corpus.bytes("notes/tlog-cosignature-1.txt"),
            let text = try Corpus.bytes("notes/signed-note-1.txt")
        else { return }
        let note = try Note(parsing: checkpoint)
        let read = try Checkpoint(parsing: note.text)
        #expect(read.origin == "example.com/behind-the-sofa")
        #expect(read.size == 20_852_163)
        let more = try Note(parsing: cosigned)
        #expect(more.text == note.text)
        #expect(more.bytes == cosigned)
        #expect(more.signatures.map(\.name) == ["example.com/behind-the-sofa", "witness.example.com/w1"])
        #expect(throws: EvidenceError(.checkpointMalformed, "")) { try Checkpoint(parsing: Note(parsing: text).text) }
    }

    @Test func `a kept proof holds for its entry alone`() throws {
        guard let bytes = try Corpus.bytes("tlog-300/entry-256.tlog-proof"),
            let policyText = try Corpus.text("tlog-300/policy.txt")
        else { return }
        let policy = try WitnessPolicy(parsing: policyText)
        let proof = try LogProof(parsing: bytes)
        #expect(proof.bytes == bytes)
        let entries = Entries.list(256..<258)
        #expect(try proof.verify(entry: entries[0], logKeys: policy.logKeys).checkpoint.size == 300)
        #expect(throws: EvidenceError(.inclusionRefused, "")) {
            try proof.verify(entry: entries[1], logKeys: policy.logKeys)
        }
    }

    @Test func `Tessera's log of fifteen entries is one log at each of its sizes`() throws {
        guard let folder = Corpus.path("tlog-tiles/log") else { return }
        let key = try VerifierKey(
            parsing: "example.com/log/testdata+33d7b496+AeHTu4Q3hEIMHNqc6fASMsq3rKNx280NI+oO5xCFkkSx")
        var roots: [Digest] = []
        for size in 0...15 {
            let note = try #require(try Corpus.bytes("tlog-tiles/log/checkpoint.\(size)"))
            let checkpoint = try OpenedCheckpoint(note, logKeys: [key]).checkpoint
            #expect(checkpoint.size == UInt64(size))
            roots.append(checkpoint.root)
            guard size > 0 else { continue }
            try TileReader(size: UInt64(size), folder: folder).verify(root: checkpoint.root)
        }
        let last = try TileReader(size: 15, folder: folder).tree
        for size in 1..<15 {
            try last.consistencyProof(from: UInt64(size)).verify(oldRoot: roots[size], newRoot: roots[15])
        }
    }

    @Test func `proofs that others refuse are refused, and those that they write are read back`() throws {
        let hash = Base64.text(Digest.of(Array("hash1".utf8)).bytes)
        let good = [
            "c2sp.org/tlog-proof@v1\nindex 5\n\(hash)\n\(hash)\n\ntest checkpoint\n",
            "c2sp.org/tlog-proof@v1\nextra \(Base64.text(Array("extra information".utf8)))\nindex 10\n\(hash)\n\nc\n",
            "c2sp.org/tlog-proof@v1\nindex 0\n\ncheckpoint\n",
        ]
        for text in good { #expect(try LogProof(parsing: Array(text.utf8)).bytes == Array(text.utf8)) }
        let long = Base64.text([UInt8](repeating: 0, count: 64))
        let bad = [
            "wrong-header\nindex 0\n\ncheckpoint\n",
            "c2sp.org/tlog-proof@v1\nextra !!notbase64!!\nindex 0\n\ncheckpoint\n",
            "c2sp.org/tlog-proof@v1\n\n\ncheckpoint\n", "c2sp.org/tlog-proof@v1\nindex notanumber\n\ncheckpoint\n",
            "c2sp.org/tlog-proof@v1\nindex -5\n\ncheckpoint\n",
            "c2sp.org/tlog-proof@v1\nindex 0\n!!notbase64!!\n\ncheckpoint\n",
            "c2sp.org/tlog-proof@v1\nindex 0\n\(long)\n\ncheckpoint\n",
            "c2sp.org/tlog-proof@v1\nindex 0\n\(String(repeating: "a", count: 65 * 1024))\n",
        ]
        for text in bad {
            #expect(throws: EvidenceError(.proofMalformed, "")) { try LogProof(parsing: Array(text.utf8)) }
        }
    }

    private static let first = "witness w1 sigsum.org+e4ade967+AZuUY6B08pW3QVHu8uvsrxWPcAv9nykap2Nb4oxCee+r"
    private static let second = "witness w2 example.com+3753d3de+AebBhMcghIUoavZpjuDofa4sW6fYHyVn7gvwDBfvkvuM"

    @Test(arguments: [
        "\(first) https://sigsum.org/w/\n\(second) https://example.com/w/\ngroup g1 all w1 w2\nquorum g1\n",
        "\n\n# comment\n  \(first)   https://sigsum.org/witness/    #comment\n\t\t group  g1   any  w1\n quorum   g1\n",
        "quorum none\n",
    ])
    func `policies that others read are read`(text: String) throws {
        #expect(try WitnessPolicy(parsing: text).isMet(by: []) == text.contains("none"))
    }

    @Test(arguments: [
        first, "quorum unknown", "\(first)\n\(first)\nquorum w1", "\(first)\ngroup g 2 w1\nquorum g",
        "\(first)\ngroup g 0 w1\nquorum g", "\(first)\ngroup g any\nquorum g", "group g any w1\nquorum g",
        "\(first)\nquorum w1\nquorum w1", "witness w1 nokey\nquorum w1", "frobnicate\nquorum none",
        "\(first)\ngroup none any w1\nquorum none",
    ])
    func `policies that say nothing certain are refused`(text: String) {
        #expect(throws: EvidenceError(.policyMalformed, "")) { try WitnessPolicy(parsing: text) }
    }

    private struct Wycheproof: Decodable {
        struct Group: Decodable {
            struct PublicKey: Decodable { var pk: String }
            struct Case: Decodable {
                var tcId: Int
                var msg: String
                var sig: String
                var result: String
            }
            var publicKey: PublicKey
            var tests: [Case]
        }
        var testGroups: [Group]
    }

    @Test func `signatures are judged as Wycheproof judges them`() throws {
        guard let bytes = try Corpus.bytes("wycheproof/ed25519_test.json") else { return }
        let vectors = try JSONDecoder().decode(Wycheproof.self, from: Data(bytes))
        var count = 0
        for group in vectors.testGroups {
            let publicKey = try #require(Hex.bytes(group.publicKey.pk.utf8))
            let key = try VerifierKey(name: "wycheproof.example", kind: .ed25519, publicKey: publicKey)
            for vector in group.tests {
                let message = try #require(Hex.bytes(vector.msg.utf8))
                let signature = try #require(Hex.bytes(vector.sig.utf8))
                #expect(
                    key.isValid(signature: signature, of: message) == (vector.result == "valid"), "case \(vector.tcId)")
                count += 1
            }
        }
        #expect(count == 151)
    }
}
