// SPDX-License-Identifier: Apache-2.0
import Crypto
import FoundationEssentials

/// A blob as it lies on the disk where a key seals it: a line that says so, the key's label, a nonce, and what AES-GCM makes
/// of the blob (FIPS 197, NIST SP 800-38D).
///
/// The file's name stays the digest of what is inside, which the history names: so proofs and bundles are those of an
/// unsealed blob. Each blob has a key of its own, made of the label's and of that digest (HKDF, RFC 5869), so no nonce can
/// come twice; digest and label are authenticated with it, so no file can stand for another.
struct SealedBlob {
    /// What is longer about a sealed blob.
    static let overheadMax = 256
    private static let mark = Array("cordon-sealed/1\n".utf8)
    private static let nonceBytes = 12
    private static let tagBytes = 16

    let label: String
    private let nonce: [UInt8]
    private let ciphertext: [UInt8]
    private let tag: [UInt8]

    /// Seals what has this digest.
    init(_ bytes: [UInt8], _ digest: Digest, with key: BlobKey) throws(EvidenceError) {
        label = key.label
        do {
            let box = try AES.GCM.seal(
                bytes, using: SealedBlob.key(key, digest), authenticating: SealedBlob.head(key.label) + digest.bytes)
            nonce = box.nonce.withUnsafeBytes { Array($0) }
            (ciphertext, tag) = (Array(box.ciphertext), Array(box.tag))
        } catch { throw EvidenceError(.writeFailed, "could not seal blob \(digest): \(error)") }
    }

    /// Nothing when the bytes are not those of a sealed blob.
    init?(parsing bytes: [UInt8]) {
        guard bytes.starts(with: SealedBlob.mark), bytes.count > SealedBlob.mark.count else { return nil }
        let start = SealedBlob.mark.count + 1
        let end = start + Int(bytes[start - 1])
        guard bytes.count >= end + SealedBlob.nonceBytes + SealedBlob.tagBytes,
            let label = String(validating: bytes[start..<end], as: UTF8.self), BlobKey.isLabel(label)
        else { return nil }
        self.label = label
        nonce = Array(bytes[end..<end + SealedBlob.nonceBytes])
        ciphertext = Array(bytes[(end + SealedBlob.nonceBytes)..<(bytes.count - SealedBlob.tagBytes)])
        tag = Array(bytes.suffix(SealedBlob.tagBytes))
    }

    var bytes: [UInt8] { SealedBlob.head(label) + nonce + ciphertext + tag }

    /// Nothing when it was changed, or is that of another digest or key.
    func open(_ digest: Digest, with key: BlobKey) -> [UInt8]? {
        guard let nonce = try? AES.GCM.Nonce(data: nonce),
            let box = try? AES.GCM.SealedBox(nonce: nonce, ciphertext: ciphertext, tag: tag),
            let opened = try? AES.GCM.open(
                box, using: SealedBlob.key(key, digest), authenticating: SealedBlob.head(label) + digest.bytes)
        else { return nil }
        return Array(opened)
    }

    private static func head(_ label: String) -> [UInt8] { mark + [UInt8(label.utf8.count)] + Array(label.utf8) }

    private static func key(_ key: BlobKey, _ digest: Digest) -> SymmetricKey {
        HKDF<SHA256>.deriveKey(
            inputKeyMaterial: SymmetricKey(data: key.secret), salt: digest.bytes,
            info: Array("cordon evidence blob".utf8),
            outputByteCount: BlobKey.byteCount)
    }
}
