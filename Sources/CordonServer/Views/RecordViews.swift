// SPDX-License-Identifier: Apache-2.0

package import CordonCore
import CordonEngine
package import CordonLanguage
package import CordonStore

/// An alert without its body: the body may hold a secret that nobody knew of, so only its digest is shown, and where
/// values were cut out of it.
package enum AlertView {
    package static func make(_ alert: Alert) -> Value {
        [
            "id": .string(alert.id.text), "source": .string(alert.source), "delivery": .string(alert.deliveryID),
            "received_at": Value(alert.receivedAt), "state": .string(alert.state.rawValue),
            "origin_proof": .string(alert.originProof.rawValue), "body": .string(alert.bodyDigest),
            "bytes": .int(Int64(alert.body.count)), "body_kept": .bool(alert.keepsBody),
            "cut": alert.cutsValue,
        ]
    }
}

package enum TokenView {
    package static func make(_ token: TokenRecord, now: Instant) -> Value {
        let state = token.revokedAt != nil ? "revoked" : token.isValid(at: now) ? "valid" : "expired"
        return [
            "id": .string(token.id), "name": .string(token.name), "role": .string(token.role),
            "state": .string(state), "created_at": Value(token.createdAt), "expires_at": Value(token.expiresAt),
            "revoked_at": Value(token.revokedAt),
        ]
    }
}

/// Lines of the history with their place in the log. The lines' own bytes stand in the text unchanged, so that whoever
/// cuts one out can hash it and find the leaf.
package enum HistoryView {
    package static func jsonBytes(stream: String, _ entries: [IndexedEntry], beyond: Int?) -> [UInt8] {
        var writer = JSONWriter(capacity: 256 + entries.reduce(0) { $0 + $1.entry.bytes.count + 128 })
        writer.beginObject()
        if let beyond { writer.field("beyond", beyond) }
        writer.key("entries")
        writer.beginArray()
        for indexed in entries {
            writer.beginObject()
            writer.key("entry")
            writer.raw(indexed.entry.bytes)
            writer.field("index", indexed.index)
            writer.field("leaf", hex(indexed.entry.leaf))
            writer.endObject()
        }
        writer.endArray()
        writer.field("stream", stream)
        writer.endObject()
        return writer.bytes
    }

    package static func value(_ indexed: IndexedEntry) throws(JSONError) -> Value {
        [
            "index": .int(Int64(indexed.index)), "leaf": .string(hex(indexed.entry.leaf)),
            "entry": try JSON.parse(indexed.entry.bytes),
        ]
    }
}

func hex(_ bytes: some Sequence<UInt8>) -> String {
    let digits = Array("0123456789abcdef".utf8)
    return String(decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
}

extension Alert {
    /// SHA-256 of no bytes (FIPS 180-4).
    private static let digestOfNothing = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

    /// False once retention took the body; its digest stays.
    fileprivate var keepsBody: Bool { !body.isEmpty || bodyDigest == Alert.digestOfNothing }
}
