// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import CordonEvidence

/// What a key seals lies unreadable on the disk under the digest of what is inside, and opens with that key alone.
@Suite struct SealedBlobTests {
    private let scratch: Scratch
    private let content = Array("what the provider said, a word of it: needle".utf8)

    init() throws {
        scratch = try Scratch()
        for label in ["acme-1", "acme-2"] { _ = try BlobKeys.make(label, in: scratch.path) }
    }

    private func blobs(_ label: String?) throws -> Blobs {
        try Blobs(at: scratch.path + "/blobs", keys: try BlobKeys(in: scratch.path, standard: label))
    }

    private func path(_ digest: Digest) -> String {
        scratch.path + "/blobs/\(digest.hex.prefix(2))/\(digest.hex.dropFirst(2))"
    }

    private func stored(_ digest: Digest) throws -> [UInt8] {
        try #require(try Disk.real.read(path(digest), Blobs.bytesMax)).bytes
    }

    @Test func `its name is the digest of what is inside, and nothing of it can be read on the disk`() throws {
        let digest = try blobs("acme-1").put(content)
        #expect(digest == Digest.of(content))
        let text = String(decoding: try stored(digest), as: UTF8.self)
        #expect(text.hasPrefix("cordon-sealed/1\n") && text.contains("acme-1") && !text.contains("needle"))
        #expect(try blobs("acme-1").get(digest) == content)
        #expect(try blobs(nil).sealing(of: digest) == "acme-1")
    }

    @Test func `what is new is sealed with the new key, and what is old is read with the old one or as it is`() throws {
        let plain = try blobs(nil).put([1])
        let old = try blobs("acme-1").put([2])
        let new = try blobs("acme-2").put([3])
        let named = try blobs("acme-2").put([4], sealedWith: "acme-1")
        let all = try blobs("acme-2")
        #expect(try [plain, old, new, named].map { try all.get($0) } == [[1], [2], [3], [4]])
        #expect(try [plain, old, new, named].map { try all.sealing(of: $0) } == [nil, "acme-1", "acme-2", "acme-1"])
        #expect(try all.put([2]) == old, "sealed already: it stays")
        #expect(try blobs(nil).get(old) == [2])
    }

    @Test func `without its key it is not read, and says which one is missing`() throws {
        let digest = try blobs("acme-1").put(content)
        #expect(try BlobKeys.destroy("acme-1", in: scratch.path))
        let error = #expect(throws: EvidenceError.self) { try blobs(nil).get(digest) }
        #expect(error?.code == .blobSealed && error?.reason.contains("'acme-1'") == true)
        #expect(throws: EvidenceError(.blobSealed, "")) { try blobs(nil).put([9], sealedWith: "acme-1") }
        #expect(throws: EvidenceError(.notFound, "")) { try blobs("acme-1") }
        #expect(try !BlobKeys.destroy("acme-1", in: scratch.path))
        // Another key of that label is not the one.
        _ = try BlobKeys.make("acme-1", in: scratch.path)
        #expect(throws: EvidenceError(.blobChanged, "")) { try blobs(nil).get(digest) }
    }

    @Test func `each byte that is changed is found, and no file stands for another`() throws {
        let digest = try blobs("acme-1").put(content)
        let bytes = try stored(digest)
        for at in bytes.indices {
            var changed = bytes
            changed[at] ^= 1
            try #require(try Disk.real.remove(path(digest)))
            try Disk.real.replace(
                changed, in: scratch.path + "/blobs/\(digest.hex.prefix(2))", as: String(digest.hex.dropFirst(2)))
            let error = #expect(throws: EvidenceError.self) { try blobs("acme-1").get(digest) }
            #expect(error?.code == .blobChanged || error?.code == .blobSealed, "byte \(at)")
        }
        let other = try blobs("acme-1").put([7])
        try Disk.real.replace(
            try stored(other), in: scratch.path + "/blobs/\(digest.hex.prefix(2))", as: String(digest.hex.dropFirst(2)))
        #expect(throws: EvidenceError(.blobChanged, "")) { try blobs("acme-1").get(digest) }
    }

    @Test(arguments: ["", "Acme", "a b", "../up", "a/b", String(repeating: "a", count: 65), "ä"])
    func `a label that is none is refused`(_ label: String) throws {
        #expect(throws: EvidenceError(.keyMalformed, "")) { try BlobKeys.make(label, in: scratch.path) }
    }

    @Test func `a key is its owner's alone, is never replaced, and is refused when others may read it`() throws {
        #expect(scratch.mode("evidence-acme-1") == 0o600)
        #expect(throws: EvidenceError(.keyFileExists, "")) { try BlobKeys.make("acme-1", in: scratch.path) }
        var disk = Disk.real
        let read = disk.read
        disk.read = { path, most throws(EvidenceError) in
            try read(path, most).map { StoredFile(bytes: $0.bytes, mode: 0o640) }
        }
        #expect(throws: EvidenceError(.keyFileMode, "")) {
            try BlobKeys(in: scratch.path, standard: nil, disk: disk)
        }
    }
}
