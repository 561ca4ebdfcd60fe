// SPDX-License-Identifier: Apache-2.0

import CordonCore
import CordonLanguage
import Synchronization

/// The expressions of generated workflows, each compiled once.
enum Texts {
    private static let names: [String: Schema] = Dictionary(
        uniqueKeysWithValues: ["subject", "inputs", "steps", "before", "after", "result", "c"].map { ($0, Schema.any) })
    private static let expressions = Mutex<[String: Expression]>([:])
    private static let templates = Mutex<[String: Template]>([:])

    static func expression(_ source: String, _ type: Schema) -> Expression {
        expressions.withLock { kept in
            if let expression = kept[source] { return expression }
            do {
                let expression = try Expression.compile(source, variables: names, expecting: type)
                kept[source] = expression
                return expression
            } catch {
                preconditionFailure("the simulation's own expression '\(source)' does not compile: \(error)")
            }
        }
    }

    static func template(_ source: String) -> Arguments {
        templates.withLock { kept in
            if let template = kept[source] { return .template(template) }
            do {
                let template = try Template.compile(source, variables: names)
                kept[source] = template
                return .template(template)
            } catch {
                preconditionFailure("the simulation's own template '\(source)' does not compile: \(error)")
            }
        }
    }
}
