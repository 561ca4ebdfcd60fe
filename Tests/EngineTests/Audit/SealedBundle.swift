// SPDX-License-Identifier: Apache-2.0

import CordonCore
import CordonEvidence
import CordonLanguage
import Testing

@testable import CordonEngine

/// The files of a bundle, and what its manifest says of it.
func parts(of bundle: [UInt8]) async throws -> (files: [Tar.File], predicate: [String: Value]) {
    let files = try Tar.files(bundle)
    let manifest = try #require(files.first { $0.name == "manifest.dsse.json" })
    let payload = try JSON.parse(manifest.bytes)["payload"]?.stringValue ?? ""
    let statement = try JSON.parse(try #require(Base64.bytes(payload.utf8)))
    return (files, try #require(statement["predicate"]?.objectValue))
}

/// The files with a new manifest over them.
func sealed(
    _ files: [Tar.File], with keys: [SigningKey], predicate: Value? = nil
) throws -> [UInt8] {
    let manifest = try #require(files.first { $0.name == "manifest.dsse.json" })
    let old = try JSON.parse(
        try #require(Base64.bytes((JSON.parse(manifest.bytes)["payload"]?.stringValue ?? "").utf8)))
    let rest = files.filter { $0.name != manifest.name }
    var statement = old.objectValue ?? [:]
    if let predicate { statement["predicate"] = predicate }
    statement["subject"] = .array(
        rest.map { ["name": .string($0.name), "digest": ["sha256": .string(Digest.of($0.bytes).hex)]] })
    var envelope = try Envelope(
        payloadType: "application/vnd.in-toto+json", payload: Value.object(statement).jsonBytes)
    try envelope.sign(with: keys)
    let value: Value = [
        "payload": .string(Base64.text(envelope.payload)), "payloadType": .string(envelope.payloadType),
        "signatures": .array(
            envelope.signatures.map { ["keyid": .string($0.keyID), "sig": .string(Base64.text($0.bytes))] }),
    ]
    return try Tar.archive(rest + [Tar.File(name: manifest.name, bytes: value.jsonBytes + [UInt8(ascii: "\n")])])
}
