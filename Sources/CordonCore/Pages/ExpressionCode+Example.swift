// SPDX-License-Identifier: Apache-2.0

import CordonLanguage

private let active = "signal.validity == \"active\""

extension ExpressionIssue.Code {
    /// An expression that yields this number and no other.
    var example: DiagnosticExample? {
        switch self {
        case .unexpectedCharacter, .badNumber, .badString, .unexpectedToken, .reservedWord, .badMacro, .tooLong,
            .tooDeep, .macrosTooDeep:
            exampleOfForm
        case .unknownVariable, .unknownField, .absentField, .unknownFunction, .wrongTypes, .notSelectable, .wrongResult,
            .badPattern, .badTemplate, .wrongHole:
            exampleOfSense
        }
    }

    private var exampleOfForm: DiagnosticExample? {
        switch self {
        case .unexpectedCharacter: .init(.condition, wrong: "signal.validity = \"active\"", right: active)
        case .badNumber:
            .init(.condition, wrong: "signal.confidence > 99999999999999999999", right: "signal.confidence > 0.95")
        case .badString: .init(.condition, wrong: "signal.validity == \"active", right: active)
        case .unexpectedToken: .init(.condition, wrong: "signal.validity ==", right: active)
        case .reservedWord: .init(.condition, wrong: "if == \"active\"", right: active)
        case .badMacro: .init(.condition, wrong: "has(signal)", right: "has(signal.occurred_at)")
        case .tooLong:
            .init(
                .condition, wrong: "signal.validity == \"" + String(repeating: "far too long ", count: 400) + "\"",
                right: active)
        case .tooDeep:
            .init(
                .condition, wrong: String(repeating: "(", count: 70) + active + String(repeating: ")", count: 70),
                right: active)
        default:
            .init(
                .condition, wrong: "[1].all(a, [2].all(b, [3].all(c, a + b + c > 0)))",
                right: "[1].all(a, [2].all(b, a + b > 0))")
        }
    }

    private var exampleOfSense: DiagnosticExample? {
        switch self {
        case .unknownVariable: .init(.condition, wrong: "signl.validity == \"active\"", right: active)
        case .unknownField: .init(.condition, wrong: "signal.validty == \"active\"", right: active)
        case .absentField:
            .init(
                .condition, wrong: "signal.occurred_at > \"2026\"",
                right: "has(signal.occurred_at) && signal.occurred_at > \"2026\"")
        case .unknownFunction:
            .init(.condition, wrong: "signal.validity.startWith(\"a\")", right: "signal.validity.startsWith(\"a\")")
        case .wrongTypes: .init(.condition, wrong: "signal.confidence > \"0.95\"", right: "signal.confidence > 0.95")
        case .notSelectable:
            .init(.condition, wrong: "signal.validity.size == 6", right: "signal.validity.size() == 6")
        case .wrongResult: .init(.condition, wrong: "signal.validity", right: active)
        case .badPattern:
            .init(
                .condition, wrong: "signal.validity.matches(\"^(?=a)\")", right: "signal.validity.matches(\"^a\")")
        case .badTemplate:
            .init(
                .workflow, wrong: "of: \"${inputs.credential.id\"", right: "of: \"${inputs.credential.id}\"")
        default:
            .init(
                .workflow, wrong: "of: \"long: ${inputs.days > 30}\"",
                right: "of: \"long: ${string(inputs.days > 30)}\"",
                at: "of: \"${inputs.credential.id}\"")
        }
    }
}

extension EvaluationError.Code {
    /// An expression that may stand, and yields this number for `DiagnosticExample.sample`.
    var example: DiagnosticExample? {
        switch self {
        case .noSuchKey, .noSuchVariable, .noSuchFunction, .noSuchOverload, .noValue, .wrongType, .notJSON,
            .repeatedKey, .unsupportedKey:
            exampleOfValues
        case .indexOutOfRange, .divisionByZero, .overflow, .outOfRange, .badConversion, .badArgument, .badPattern,
            .costExceeded, .bytesExceeded:
            exampleOfWork
        }
    }

    private var exampleOfValues: DiagnosticExample? {
        switch self {
        case .noSuchKey: .init(.evaluation, wrong: "alert.sevrity == \"high\"", right: "alert.severity == \"high\"")
        case .noSuchVariable:
            .init(.evaluation, wrong: "event.severity == \"high\"", right: "alert.severity == \"high\"")
        case .noSuchOverload: .init(.evaluation, wrong: "alert.title > 70", right: "alert.score > 70")
        case .noValue:
            .init(
                .evaluation, wrong: "alert.?owner.value() == \"ci\"", right: "alert.?owner.orValue(\"\") == \"ci\"")
        case .wrongType: .init(.decision, wrong: "alert.title", right: "alert.title == \"leak\"")
        case .notJSON:
            .init(
                .evaluation, wrong: "double(alert.count) / 0.0", right: "string(double(alert.count) / 0.0)")
        case .repeatedKey:
            .init(.evaluation, wrong: "{alert.severity: 1, \"high\": 2}", right: "{alert.severity: 1, \"low\": 2}")
        case .unsupportedKey: .init(.evaluation, wrong: "{alert.tags: 1}", right: "{alert.tags.join(\",\"): 1}")
        // The checker knows every function, so no text comes as far as this.
        default: nil
        }
    }

    private var exampleOfWork: DiagnosticExample? {
        switch self {
        case .indexOutOfRange:
            .init(.evaluation, wrong: "alert.tags[5] == \"a\"", right: "alert.tags[?5].orValue(\"\") == \"a\"")
        case .divisionByZero:
            .init(
                .evaluation, wrong: "alert.score / alert.count > 2",
                right: "alert.count != 0 && alert.score / alert.count > 2")
        case .overflow:
            .init(
                .evaluation, wrong: "alert.score * 9223372036854775807 > 0",
                right: "double(alert.score) * 9223372036854775807.0 > 0.0")
        case .outOfRange: .init(.evaluation, wrong: "uint(alert.score - 100)", right: "int(alert.score - 100)")
        case .badConversion: .init(.evaluation, wrong: "int(alert.title) > 3", right: "int(alert.score) > 3")
        case .badArgument:
            .init(
                .evaluation, wrong: "timestamp(\"2026-11-24T03:00:00Z\").getHours(\"Paris\")",
                right: "timestamp(\"2026-11-24T03:00:00Z\").getHours(\"Europe/Paris\")")
        case .badPattern:
            .init(.evaluation, wrong: "alert.title.matches(alert.pattern)", right: "alert.title.matches(\"[(]\")")
        case .costExceeded:
            .init(
                .evaluation, wrong: "cel.bind(a, \(Self.digits), cel.bind(b, \(Self.sum("a")), \(Self.loops)))",
                right: "alert.tags.all(t, t != \"\")")
        default:
            .init(
                .evaluation,
                wrong: String(repeating: "cel.bind(alert, [alert, alert], ", count: 24) + "alert"
                    + String(repeating: ")", count: 24),
                right: "[alert.title, alert.title]")
        }
    }

    private static let digits = "[0, 1, 2, 3, 4, 5, 6, 7, 8, 9]"
    private static func sum(_ name: String) -> String { Array(repeating: name, count: 60).joined(separator: " + ") }
    private static let loops = "b.all(x, b.all(y, x + y >= 0))"
}
