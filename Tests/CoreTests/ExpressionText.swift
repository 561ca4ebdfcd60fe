// SPDX-License-Identifier: Apache-2.0

import CordonLanguage

/// What every expression and template of these tests may name, untyped.
private let names: [String: Schema] = Dictionary(
    uniqueKeysWithValues: ["signal", "subject", "inputs", "steps", "before", "after", "result", "run"].map {
        ($0, Schema.any)
    }
)

func expression(_ source: String) -> Expression {
    do {
        return try Expression.compile(source, variables: names)
    } catch {
        preconditionFailure("the test's own expression '\(source)' does not compile: \(error)")
    }
}

func template(_ source: String) -> Template {
    do {
        return try Template.compile(source, variables: names)
    } catch {
        preconditionFailure("the test's own template '\(source)' does not compile: \(error)")
    }
}
