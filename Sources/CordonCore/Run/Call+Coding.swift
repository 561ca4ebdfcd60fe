// SPDX-License-Identifier: Apache-2.0

package import CordonLanguage

extension Call {
    var value: Value {
        record([
            "n": Value(number), "purpose": .string(purpose.rawValue), "attempt": Value(attempt),
            "delivery": delivery == 1 ? nil : Value(delivery), "capability": .string(capability),
            "provider": .string(provider), "class": .string(effectClass.rawValue), "arguments": arguments,
            "idempotency_key": .string(seal.idempotencyKey), "request": .string(seal.requestDigest),
            "intended_at": Value(intendedAt), "deadline": Value(deadline),
        ])
    }

    init(_ fields: Fields) throws(UnreadableRecord) {
        self.init(
            number: try fields.int("n"), purpose: try fields.oneOf("purpose"), attempt: try fields.int("attempt"),
            delivery: fields.has("delivery") ? try fields.int("delivery") : 1,
            capability: try fields.string("capability"), provider: try fields.string("provider"),
            effectClass: try fields.oneOf("class"), arguments: try fields.value("arguments"),
            seal: Seal(
                idempotencyKey: try fields.string("idempotency_key"), requestDigest: try fields.string("request")),
            intendedAt: try fields.instant("intended_at"), deadline: try fields.instant("deadline"))
    }
}

extension Outcome {
    package var value: Value {
        record([
            "kind": .string(kind.rawValue), "status": status.map(Value.init(_:)), "reason": reason.map(Value.string),
            "retry_after_ms": retryAfterMilliseconds.map(Value.int), "result": result == .null ? nil : result,
            "evidence": evidence.isEmpty ? nil : .array(evidence.map(\.value)),
            "sent_twice": wasSentTwice ? true : nil, "withheld": wasWithheld ? true : nil,
            "lacks_secret": lacksSecret ? true : nil,
            "duration_ms": .int(durationMilliseconds),
        ])
    }

    init(_ fields: Fields) throws(UnreadableRecord) {
        self.init(
            try fields.oneOf("kind"), status: try fields.optionalInt("status"),
            reason: try fields.optionalString("reason"),
            retryAfterMilliseconds: try fields.optionalInt("retry_after_ms").map(Int64.init),
            result: fields.optional("result") ?? .null,
            evidence: fields.has("evidence") ? try Evidence.list(fields) : [],
            wasSentTwice: fields.optional("sent_twice") == true, wasWithheld: fields.optional("withheld") == true,
            durationMilliseconds: Int64(try fields.int("duration_ms")))
        lacksSecret = fields.optional("lacks_secret") == true
    }
}

extension Evidence {
    package var value: Value {
        [
            "digest": .string(digest), "media_type": .string(mediaType), "bytes": Value(bytes),
            "about": .string(about),
        ]
    }

    static func list(_ fields: Fields) throws(UnreadableRecord) -> [Evidence] {
        try fields.list("evidence") { (value, place) throws(UnreadableRecord) in
            let item = try Fields(value, place)
            return Evidence(
                digest: try item.string("digest"), mediaType: try item.string("media_type"),
                bytes: try item.int("bytes"), about: try item.string("about"))
        }
    }
}
