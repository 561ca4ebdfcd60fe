// SPDX-License-Identifier: Apache-2.0

import CordonCore
import CordonLanguage
import TestKit

/// The providers, with a state of their own and a ledger of what took effect: what the run believes is judged by it.
///
/// Whatever a delivery does, it does before its answer is due: no effect comes after its caller gave up waiting.
struct World: Sendable {
    /// What becomes of one delivery.
    enum Fate: CaseIterable, Sendable {
        case fine
        /// The connection was refused: nothing left.
        case notSent
        case resetBeforeEffect
        case resetAfterEffect
        case tooManyRequests
        case unavailable
        case faultBeforeEffect
        case faultAfterEffect
        case slowWithoutEffect
        case slowWithEffect
        /// A success that can't be read.
        case wrongBody
        /// A success that can be read and says nothing.
        case emptyBody
        case forbidden
    }

    /// One delivery that reached the provider.
    struct Line: Sendable {
        var step: String
        var number: Int
        var delivery: Int
        var purpose: Call.Purpose
        var effectClass: EffectClass
        var target: String
        var tookEffect: Bool
    }

    struct Reply {
        var outcome: Outcome
        var afterMilliseconds: Int64
    }

    struct Thing: Sendable, Hashable {
        var isActive = true
        var owner = "team"
    }

    private(set) var ledger: [Line] = []
    private(set) var things: [String: Thing] = [:]
    /// Things that somebody else changed, and whether a reading was ever empty: what no run can set back for sure.
    private(set) var touched: Set<String> = []
    private(set) var saidNothing = false
    private var keys: Set<String> = []
    private var looks: [String: Int64] = [:]
    /// A planted bug: the inverse sets something else than the before-image.
    var undoesWrongly = false

    /// Whether the intent took effect, by the provider's own books.
    func tookEffect(_ step: String, _ number: Int) -> Bool {
        ledger.contains { $0.step == step && $0.number == number && $0.tookEffect }
    }

    mutating func foreignChange(_ dice: inout Seeded) {
        guard !things.isEmpty else { return }
        let target = dice.pick(things.keys.sorted())
        touched.insert(target)
        if dice.chance(50) { things[target]?.isActive.toggle() } else { things[target]?.owner = "stranger" }
    }

    static func target(_ arguments: Value) -> String {
        var members = arguments.objectValue ?? [:]
        members["live"] = nil
        members["before"] = nil
        return Value.object(members).json
    }

    mutating func deliver(_ step: String, _ call: Call, _ fate: Fate, _ dice: inout Seeded) -> Reply {
        let latency = dice.milliseconds(1...2000)
        switch fate {
        case .notSent: return Reply(outcome: Outcome(.later, reason: "not sent: refused"), afterMilliseconds: latency)
        case .tooManyRequests:
            let wait = dice.chance(50) ? dice.milliseconds(1...90_000) : nil
            return reply(step, call, false, Outcome(.later, status: 429, retryAfterMilliseconds: wait), latency)
        case .unavailable where call.redeliveryClass != .once:
            return reply(step, call, false, Outcome(.later, status: 503), latency)
        case .resetBeforeEffect, .unavailable, .faultBeforeEffect:
            return reply(step, call, false, Outcome(.unknown, reason: "no answer"), latency)
        case .resetAfterEffect, .faultAfterEffect:
            return reply(step, call, true, Outcome(.unknown, reason: "no answer"), latency)
        case .slowWithoutEffect: return reply(step, call, false, Outcome(.unknown, reason: "timed out"), 10_000)
        case .slowWithEffect: return reply(step, call, true, Outcome(.unknown, reason: "timed out"), 10_000)
        case .forbidden: return reply(step, call, false, Outcome(.refused, status: 403), latency)
        case .wrongBody:
            let kind: Outcome.Kind = call.redeliveryClass.isWrite ? .unknown : .later
            return reply(step, call, true, Outcome(kind, status: 200, reason: "no JSON object"), latency)
        case .emptyBody:
            if !call.redeliveryClass.isWrite { saidNothing = true }
            return reply(step, call, true, Outcome(.done, status: 200, result: .object([:])), latency)
        case .fine: return reply(step, call, true, nil, latency)
        }
    }

    private mutating func reply(
        _ step: String, _ call: Call, _ isDone: Bool, _ outcome: Outcome?, _ latency: Int64
    ) -> Reply {
        let told = take(step, call, isDone)
        return Reply(outcome: outcome ?? told, afterMilliseconds: latency)
    }

    /// Does what the call asks for, by the books, and tells how a provider in good order answers.
    private mutating func take(_ step: String, _ call: Call, _ isDone: Bool) -> Outcome {
        let target = World.target(call.arguments)
        var line = Line(
            step: step, number: call.number, delivery: call.delivery, purpose: call.purpose,
            effectClass: call.redeliveryClass, target: target, tookEffect: false)
        defer { ledger.append(line) }
        if call.purpose == .measure {
            looks[target, default: 0] += 1
            return Outcome(.done, status: 200, result: ["value": .int(looks[target] ?? 0)])
        }
        guard call.redeliveryClass.isWrite else {
            return Outcome(.done, status: 200, result: look(target, call.capability))
        }
        var thing = things[target] ?? Thing()
        guard isDone else { return Outcome(.unknown) }
        if call.purpose == .undo {
            guard let before = restored(call.arguments["before"] ?? .null) else {
                return Outcome(.refused, status: 400, reason: "the before-image can't be read")
            }
            line.tookEffect = true
            things[target] = undoesWrongly ? Thing(isActive: true, owner: "nobody") : before
            return Outcome(.done, status: 200)
        }
        if call.effectClass == .keyed, !keys.insert(call.seal.idempotencyKey).inserted {
            return Outcome(.already, status: 200)
        }
        line.tookEffect = true
        let wasSo = !thing.isActive
        thing.isActive = false
        things[target] = thing
        return Outcome(wasSo && call.effectClass == .convergent ? .already : .done, status: 200)
    }

    private mutating func look(_ target: String, _ capability: String) -> Value {
        looks[target, default: 0] += 1
        let thing = things[target] ?? Thing()
        var said: [String: Value] = ["active": .bool(thing.isActive), "owner": .string(thing.owner)]
        // Where the contract names the members that tell, another may differ each time.
        if capability.contains(".compared") { said["seen"] = .int(looks[target] ?? 0) }
        return .object(said)
    }

    private func restored(_ before: Value) -> Thing? {
        if before.isNull { return Thing() }
        guard let isActive = before["active"]?.boolValue, let owner = before["owner"]?.stringValue else { return nil }
        return Thing(isActive: isActive, owner: owner)
    }
}
