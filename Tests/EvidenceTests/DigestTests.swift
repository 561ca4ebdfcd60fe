// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import CordonEvidence

@Suite struct DigestTests {
    static let ofABC = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"

    @Test func `a digest is SHA-256 and reads back from each of its forms`() throws {
        let digest = Digest.of(Array("abc".utf8))
        #expect(digest.hex == DigestTests.ofABC)
        #expect(digest.text == "sha256:" + DigestTests.ofABC)
        #expect(Digest(hex: digest.hex) == digest)
        #expect(try Digest(parsing: digest.text) == digest)
        #expect(Digest(bytes: digest.bytes) == digest)
        #expect(digest.bytes.count == 32)
    }

    @Test(arguments: [
        "", "sha256:", DigestTests.ofABC, "sha256:" + DigestTests.ofABC.uppercased(), "SHA256:" + DigestTests.ofABC,
        "sha256:" + DigestTests.ofABC + "00", "sha256:" + DigestTests.ofABC.dropLast(),
        "sha256: " + DigestTests.ofABC.dropLast(),
    ])
    func `a text with another spelling is no digest`(text: String) {
        #expect(throws: EvidenceError(.digestMalformed, "")) { try Digest(parsing: text) }
    }

    @Test func `only 32 bytes make a digest`() {
        for count in [0, 1, 31, 33, 64] { #expect(Digest(bytes: [UInt8](repeating: 1, count: count)) == nil) }
    }

    @Test func `digests are ordered as their bytes are`() {
        let digests = (0..<100).map { Digest.of([UInt8($0)]) }
        #expect(digests.sorted() == digests.sorted { $0.bytes.lexicographicallyPrecedes($1.bytes) })
    }

    @Test func `a stream of pieces gives the digest of the whole`() {
        var stream = DigestStream()
        stream.update(Array("a".utf8))
        stream.update([])
        let early = stream.digest
        stream.update(Array("bc".utf8))
        #expect(early == Digest.of(Array("a".utf8)))
        #expect(stream.digest.hex == DigestTests.ofABC)
    }

    @Test func `a commitment is the digest of its prefix, the salt and the bytes`() throws {
        let salt = try Salt(bytes: Array(0..<32))
        let bytes = Array("person@example.com".utf8)
        let commitment = Digest.commitment(to: bytes, salt: salt)
        #expect(commitment == Digest.of([2] + salt.bytes + bytes))
        #expect(commitment != Digest.commitment(to: bytes, salt: Salt.random()))
    }

    @Test func `a salt of another length is refused`() {
        for count in [0, 31, 33] {
            #expect(throws: EvidenceError(.saltMalformed, "")) { try Salt(bytes: [UInt8](repeating: 0, count: count)) }
        }
    }

    @Test func `errors are equal when their codes are`() {
        #expect(EvidenceError(.notFound, "one") == EvidenceError(.notFound, "two", systemCode: 2))
        #expect(EvidenceError(.notFound, "one") != EvidenceError(.readFailed, "one"))
    }
}

@Suite struct Base64Tests {
    @Test(arguments: [
        ("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("fooba", "Zm9vYmE="),
        ("foobar", "Zm9vYmFy"),
    ])
    func `base64 is that of RFC 4648`(plain: String, encoded: String) {
        #expect(Base64.text(Array(plain.utf8)) == encoded)
        #expect(Base64.bytes(encoded.utf8) == Array(plain.utf8))
    }

    @Test(arguments: [
        "Z", "Zg", "Zg=", "Zh==", "Zm9=", "Zg==Zg==", "=Zg=", "Z===", "====", "Zm9v\n", " Zm9", "Zm-_", "Zm9vYmF",
    ])
    func `another spelling of a value is refused`(text: String) {
        #expect(Base64.bytes(text.utf8) == nil)
    }

    @Test func `every byte comes back`() {
        for count in 0..<260 {
            let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 89 &+ count) }
            #expect(Base64.bytes(Base64.text(bytes).utf8) == bytes)
            #expect(Hex.bytes(Hex.text(bytes).utf8) == bytes)
        }
    }
}
