// SPDX-License-Identifier: Apache-2.0

import CordonCore
import CordonEngine
import CordonLanguage
import CordonStore
import Hummingbird
import Logging
import Synchronization

extension API {
    /// What may be told of what is taken out.
    private static let acts = ["exported", "exportFinished", "copied"]

    /// Records that somebody takes evidence out; whoever exports does so only after this is stored.
    @Sendable func recordCustody(_ inquiry: Inquiry) async throws -> Response {
        _ = try inquiry.query()
        let caller = try inquiry.knownCaller()
        let (kind, body) = try await bodies.read(inquiry.request, upTo: ServerLimits.requestBytesMax) { body in
            let fields = try bodyFields(body, knows: ["what", "reason", "act", "bodies", "os_user", "digest"])
            let act = try optionalText("act", fields, bytesMax: 20) ?? "exported"
            guard Self.acts.contains(act) else {
                throw Problem(.badBody, "'act' is one of \(Self.acts.joined(separator: ", "))")
            }
            var told: [String: Value] = [
                "what": .string(try requiredText("what", fields, bytesMax: 256)), "by": .string(caller.by),
                "reason": .string(try requiredText("reason", fields, bytesMax: ServerLimits.reasonBytesMax)),
            ]
            told["os_user"] = try optionalText("os_user", fields, bytesMax: 100).map(Value.string)
            told["digest"] = try optionalText("digest", fields, bytesMax: 80).map(Value.string)
            if let bodies = fields["bodies"] {
                guard bodies.boolValue != nil else { throw Problem(.badBody, "'bodies' must be true or false") }
                told["bodies"] = bodies
            }
            return (act, Value.object(told))
        }
        do throws(StoreError) {
            let entry = try await custody.append(kind, body)
            return .json(
                ["stream": .string(entry.stream), "n": .int(Int64(entry.number))], status: .created)
        } catch { throw Problem.unavailable(retryAfterSeconds: 5) }
    }

    /// Tells who looked at an alert or a run's lines: once for each person, thing and hour. What can't be stored keeps nobody
    /// from reading: on a full disk people must see what goes on.
    func noteRead(_ inquiry: Inquiry, _ what: String) async throws {
        let caller = try inquiry.knownCaller()
        guard reads.isFirst(caller.id, what, at: engine.clock.now) else { return }
        do throws(StoreError) {
            try await custody.append("read", ["what": .string(what), "by": .string(caller.by)])
        } catch {
            logger.error("who read could not be stored", metadata: ["what": "\(what)", "error": "\(error.reason)"])
        }
    }
}

/// Who read what within this hour, so that it is told once.
final class ReadLedger: Sendable {
    private struct Reading: Hashable {
        var person: String
        var what: String
    }

    private static let hourMilliseconds: Int64 = 3_600_000
    /// Beyond so many it begins anew: then something is told a second time.
    private static let readingsMax = 20_000

    private let known = Mutex<(hour: Int64, readings: Set<Reading>)>((0, []))

    func isFirst(_ person: String, _ what: String, at now: Instant) -> Bool {
        let hour = now.milliseconds / Self.hourMilliseconds
        return known.withLock { known in
            if known.hour != hour || known.readings.count >= Self.readingsMax { known = (hour, []) }
            return known.readings.insert(Reading(person: person, what: what)).inserted
        }
    }
}
