// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import CordonEvidence

@Suite struct BlobsTests {
    private let scratch: Scratch
    private let blobs: Blobs

    init() throws {
        scratch = try Scratch()
        blobs = try Blobs(at: scratch.path + "/blobs")
    }

    @Test func `what is put is got, listed and found in its place`() throws {
        let contents = (0..<20).map { Array("content \($0)".utf8) } + [[]]
        let digests = try contents.map { try blobs.put($0) }
        for (digest, content) in zip(digests, contents) {
            #expect(digest == Digest.of(content))
            #expect(try blobs.get(digest) == content)
            #expect(try blobs.contains(digest))
        }
        #expect(try blobs.digests() == digests.sorted())
        let hex = digests[0].hex
        #expect(scratch.files().contains("blobs/\(hex.prefix(2))/\(hex.dropFirst(2))"))
        #expect(scratch.files().count == contents.count)
    }

    @Test func `putting twice is putting once`() throws {
        #expect(try blobs.put([1, 2, 3]) == blobs.put([1, 2, 3]))
        #expect(scratch.files().count == 1)
    }

    @Test func `only the owner may read files and folders`() throws {
        let hex = try blobs.put([7]).hex
        #expect(scratch.mode("blobs") == 0o700)
        #expect(scratch.mode("blobs/\(hex.prefix(2))") == 0o700)
        #expect(scratch.mode("blobs/\(hex.prefix(2))/\(hex.dropFirst(2))") == 0o600)
    }

    @Test func `a changed blob is refused by get and by put`() throws {
        let content = Array("the before-image".utf8)
        let digest = try blobs.put(content)
        let place = "blobs/\(digest.hex.prefix(2))/\(digest.hex.dropFirst(2))"
        for changed in [Array("the before-imagE".utf8), content.dropLast(), content + [0], []] {
            try scratch.write(Array(changed), to: place)
            #expect(throws: EvidenceError(.blobChanged, "")) { try blobs.get(digest) }
            #expect(throws: EvidenceError(.contentDiffers, "")) { try blobs.put(content) }
        }
        #expect(try scratch.read(place).isEmpty, "a changed file is evidence and stays")
    }

    @Test func `what was never kept is not found`() throws {
        let digest = Digest.of([9])
        #expect(try !blobs.contains(digest))
        #expect(throws: EvidenceError(.notFound, "")) { try blobs.get(digest) }
        #expect(try !blobs.erase(digest))
    }

    @Test func `an erased blob is gone and can be put again`() throws {
        let digest = try blobs.put([4, 5])
        #expect(try blobs.erase(digest))
        #expect(throws: EvidenceError(.notFound, "")) { try blobs.get(digest) }
        #expect(try blobs.digests().isEmpty)
        #expect(try blobs.put([4, 5]) == digest)
    }

    @Test func `a blob over the limit is refused and leaves nothing`() throws {
        let large = [UInt8](repeating: 0, count: Blobs.bytesMax + 1)
        #expect(throws: EvidenceError(.tooLarge, "")) { try blobs.put(large) }
        #expect(scratch.files().isEmpty)
    }

    @Test func `a folder that cannot be made names the cause and the place`() throws {
        let path = scratch.path + "/missing/blobs"
        let error = #expect(throws: EvidenceError.self) { try Blobs(at: path) }
        #expect(error == EvidenceError(.writeFailed, ""))
        #expect(error?.reason == "could not make the folder \(path): No such file or directory")
    }

    @Test func `drafts of a crash are swept, strangers and blobs stay`() throws {
        let digest = try blobs.put([1])
        try scratch.write([0], to: "blobs/\(digest.hex.prefix(2))/draft-00ff")
        try scratch.write([0], to: "blobs/\(digest.hex.prefix(2))/notes.txt")
        #expect(try blobs.digests() == [digest])
        try blobs.sweep()
        #expect(
            scratch.files().map { $0.split(separator: "/").last } == [Substring(digest.hex.dropFirst(2)), "notes.txt"])
    }

    @Test func `many may put the same at once`() async throws {
        let blobs = blobs
        let contents = (0..<8).map { [UInt8($0)] }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<8 {
                group.addTask { for content in contents { _ = try blobs.put(content) } }
            }
            try await group.waitForAll()
        }
        for content in contents { #expect(try blobs.get(Digest.of(content)) == content) }
        #expect(scratch.files().count == contents.count)
    }
}
