// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import CordonEvidence

/// The files whose loss or change no other file would show: the private key that signs, and what a witness remembers.
@Suite struct TamperedFileTests {
    private let log: SigningKey
    private let key: SigningKey

    init() throws {
        log = try SigningKey(name: "cordon.example/log", seed: [UInt8](repeating: 7, count: 32))
        key = try SigningKey(name: "witness.example/w1", kind: .cosignature, seed: [UInt8](repeating: 8, count: 32))
    }

    private func stored(_ bytes: [UInt8], mode: UInt32 = 0o600) -> Disk {
        var disk = Disk.real
        disk.read = { _, _ throws(EvidenceError) in StoredFile(bytes: bytes, mode: mode) }
        return disk
    }

    @Test func `no byte of a private key's file can be changed, dropped or added without its being refused`() throws {
        for key in [log, key] {
            let good = Array((key.secretText + "\n").utf8)
            #expect(try KeyFile.load("k", disk: stored(good)).verifier == key.verifier)
            // The newline alone may go: nothing is said by it.
            for at in 0..<good.count - 1 {
                for bit in 0..<8 {
                    var flipped = good
                    flipped[at] ^= 1 << bit
                    #expect(throws: EvidenceError.self, "bit \(bit) of byte \(at)") {
                        try KeyFile.load("k", disk: stored(flipped))
                    }
                }
                var dropped = good
                dropped.remove(at: at)
                #expect(throws: EvidenceError.self, "byte \(at) dropped") {
                    try KeyFile.load("k", disk: stored(dropped))
                }
                var doubled = good
                doubled.insert(good[at], at: at)
                #expect(throws: EvidenceError.self, "byte \(at) twice") { try KeyFile.load("k", disk: stored(doubled)) }
                #expect(throws: EvidenceError.self, "cut at \(at)") {
                    try KeyFile.load("k", disk: stored(Array(good.prefix(at))))
                }
            }
        }
        #expect(throws: EvidenceError(.keyFileMode, "")) {
            try KeyFile.load("k", disk: stored(Array(log.secretText.utf8), mode: 0o640))
        }
    }

    /// A copy in which the witness saw a smaller log is what an intruder would like best.
    private func seen(_ size: UInt64) throws -> (model: ModelDisk, name: String, bytes: [UInt8]) {
        let model = ModelDisk()
        try model.disk.makeRoot("/w")
        var witness = try Witness(at: "/w", key: key, logs: [log.verifier], disk: model.disk)
        let root = MerkleLog.root(of: Entries.leafHashes(Int(size)))
        let note = try Checkpoint(origin: log.verifier.name, size: size, root: root).signed(by: [log])
        let request = WitnessRequest(oldSize: 0, hashes: [], checkpoint: note.bytes)
        guard case .cosigned = try witness.add(request.bytes, timeSeconds: 1) else {
            throw EvidenceError(.requestMalformed, "it was not cosigned")
        }
        let name = try #require(try model.disk.names("/w/seen").first)
        return (model, name, try #require(try model.disk.read("/w/seen/" + name, 1 << 20)).bytes)
    }

    @Test func `whatever byte of a witness's memory is changed, it never remembers less or another tree`() throws {
        let (model, name, good) = try seen(9)
        let sound = try #require(try Witness.seen(in: "/w", key: key.verifier, disk: model.disk).first)
        var refused = 0
        for at in good.indices {
            for changed in [flipped(good, at), Array(good.prefix(at)), good.removing(at)] {
                var disk = model.disk
                disk.read = { _, _ throws(EvidenceError) in StoredFile(bytes: changed, mode: 0o600) }
                do {
                    // Only the log's own signature beside it may be spoiled: the memory is what the witness signed.
                    #expect(
                        try Witness.seen(in: "/w", key: key.verifier, disk: disk).first?.checkpoint == sound.checkpoint,
                        "\(at)")
                } catch {
                    refused += 1
                    #expect(error.reason.contains("/w/seen/\(name)"), "the file is named")
                }
            }
        }
        #expect(refused > good.count)
        // What another key signed, and an older file under its own signature: the first is refused, the second is what
        // only the log's own witnesses' quorum can tell.
        let thief = try SigningKey(name: key.verifier.name, kind: .cosignature)
        #expect(throws: EvidenceError(.signatureMissing, "")) {
            try Witness.seen(in: "/w", key: thief.verifier, disk: model.disk)
        }
    }

    private func flipped(_ bytes: [UInt8], _ at: Int) -> [UInt8] {
        var changed = bytes
        changed[at] ^= 4
        return changed
    }
}

extension [UInt8] {
    fileprivate func removing(_ at: Int) -> [UInt8] {
        var changed = self
        changed.remove(at: at)
        return changed
    }
}
