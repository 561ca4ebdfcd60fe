// SPDX-License-Identifier: Apache-2.0
import Foundation

/// Published test vectors, read in place when a folder `shared/data` lies beside one of the folders above this file.
///
/// Where each folder of `shared/data/evidence` is tested, or why it is not:
/// - `merkle`: `MerkleVectorTests`; its subtree files are of Merkle Tree Certificates, whose proofs Cordon neither makes
///   nor reads.
/// - `tlog-300`, `tlog-tiles`: `MerkleVectorTests`, `NoteVectorTests`, `LogTilesTests`, `WitnessVectorTests`.
/// - `notes`: `NoteVectorTests`, which also restates the cases of the Go tests; `tlog-policy-1` to `-6` and `tlog-proof-1`
///   are grammars and shortened texts that nobody can verify, and `tlog-witness-1` asks to cosign a subtree.
/// - `witness`: `WitnessVectorTests`. `dsse`: `EnvelopeTests`. `jcs`: `CanonicalJSONTests`.
/// - `wycheproof`: Ed25519 in `NoteVectorTests`, HMAC in `SourceAuthenticationTests`, JWS in `WebSignatureTests`.
/// - `rfc3161`: wherever time stamps are read.
/// - `sigstore`: no bundle of Sigstore is read or made: its trust root is no party to an installation's log.
enum Corpus {
    /// The path of a file or folder of the evidence vectors; without it says loudly what is not tested.
    static func path(_ name: String, from file: String = #filePath) -> String? {
        var folder = URL(fileURLWithPath: file)
        while folder.path != "/" {
            folder.deleteLastPathComponent()
            let candidate = folder.appendingPathComponent("shared/data/evidence/" + name).path
            if FileManager.default.fileExists(atPath: candidate) { return candidate }
        }
        print("skipped: no shared/data/evidence/\(name) above \(file); its vectors are not tested")
        return nil
    }

    static func bytes(_ name: String) throws -> [UInt8]? {
        try path(name).map { [UInt8](try Data(contentsOf: URL(fileURLWithPath: $0))) }
    }

    static func text(_ name: String) throws -> String? {
        try bytes(name).map { String(decoding: $0, as: UTF8.self) }
    }

    /// One JSON value a line.
    static func jsonLines<Value: Decodable>(_ name: String, as type: Value.Type) throws -> [Value]? {
        try bytes(name)?.split(separator: UInt8(ascii: "\n")).map {
            try JSONDecoder().decode(type, from: Data($0))
        }
    }
}
