// SPDX-License-Identifier: Apache-2.0

import CordonCore
import CordonEngine
import CordonLanguage
import Hummingbird

extension API {
    /// Moves a waiting run to another version of its workflow.
    @Sendable func migrate(_ inquiry: Inquiry) async throws -> Response {
        let (id, order, caller) = try await orders(inquiry, ["to", "renamed", "dropped"])
        let digest = try order.digest("to")
        let renamed = try texts("renamed", order.fields)
        let dropped = try names("dropped", order.fields)
        let move = MigrationOrder(renamed: renamed, dropped: Set(dropped), by: caller.by, reason: order.reason)
        return try await reply(id, await engine.migrate(id, to: digest, move))
    }

    /// What a run would do from a point on, under what is assumed of the world.
    @Sendable func fork(_ inquiry: Inquiry) async throws -> Response {
        _ = try inquiry.query()
        let caller = try inquiry.knownCaller()
        let id: RunID = try inquiry.id(of: "run")
        let fields = try await bodies.read(inquiry.request, upTo: ServerLimits.requestBytesMax) { body in
            try bodyFields(
                body, knows: ["at", "to", "renamed", "dropped", "choices", "silent", "refused", "results"])
        }
        let order = Order(reason: "a dry run", fields: fields)
        let point = ForkPoint(
            number: try number("at", fields), workflow: try order.digest("to"),
            order: MigrationOrder(
                renamed: try texts("renamed", fields), dropped: Set(try names("dropped", fields)), by: caller.by,
                reason: order.reason))
        let assuming = Forecast.Assumptions(
            choices: try texts("choices", fields), silent: Set(try names("silent", fields)),
            refused: Set(try names("refused", fields)), results: try map("results", fields))
        switch try await engine.fork(id, at: point, assuming: assuming) {
        case nil: throw Problem.notFound("run", id.text)
        case .failure(let refusal): throw Problem(refusal.code.problem, refusal.reason)
        case .success(let forecast): return .json(ForecastView.make(forecast, from: engine.clock.now))
        }
    }

    private func number(_ name: String, _ fields: [String: Value]) throws(Problem) -> Int? {
        guard let value = fields[name] else { return nil }
        guard let number = value.intValue, number > 0, number <= Int64(Int32.max) else {
            throw Problem(.badBody, "'\(name)' must be the number of a line of the run's history, from 1")
        }
        return Int(number)
    }

    private func map(_ name: String, _ fields: [String: Value]) throws(Problem) -> [String: Value] {
        guard let value = fields[name] else { return [:] }
        guard let members = value.objectValue else { throw Problem(.badBody, "'\(name)' must be a map") }
        return members
    }

    private func texts(_ name: String, _ fields: [String: Value]) throws(Problem) -> [String: String] {
        var texts: [String: String] = [:]
        for (key, value) in try map(name, fields) {
            guard let text = value.stringValue else { throw Problem(.badBody, "'\(name)' must be a map of texts") }
            texts[key] = text
        }
        return texts
    }

    private func names(_ name: String, _ fields: [String: Value]) throws(Problem) -> [String] {
        guard let value = fields[name] else { return [] }
        guard let names = value.arrayValue?.compactMap(\.stringValue), names.count == value.arrayValue?.count else {
            throw Problem(.badBody, "'\(name)' must be a list of names")
        }
        return names
    }
}

extension Order {
    func digest(_ name: String) throws(Problem) -> String? {
        guard let value = fields[name] else { return nil }
        guard let text = value.stringValue, text.hasPrefix("sha256:") else {
            throw Problem(
                .badBody, "'\(name)' must be a workflow's digest, such as sha256:…; leave it out for the loaded one")
        }
        return text
    }
}
