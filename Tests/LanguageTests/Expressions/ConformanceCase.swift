// SPDX-License-Identifier: Apache-2.0

@testable import CordonLanguage

/// One case of the language's conformance suite, as its JSON form has it.
struct ConformanceCase {
    enum Expectation {
        case value(Datum)
        case error
        /// Only the type is looked at.
        case type
    }

    var id: String
    var source: String
    var declarations: Declarations
    var bindings: [String: Datum]
    /// Variables whose reading fails.
    var broken: Set<String> = []
    var allowsMacros: Bool
    var isCheckOnly: Bool
    var expectation: Expectation
    var type: StaticType?

    init(_ json: Value) throws {
        id = try json["id"]?.stringValue.orThrow("id") ?? ""
        source = json["expr"]?.stringValue ?? ""
        declarations = Declarations()
        declarations.container = json["container"]?.stringValue ?? ""
        declarations.isChecked = json["disable_check"]?.boolValue != true
        allowsMacros = json["disable_macros"]?.boolValue != true
        isCheckOnly = json["check_only"]?.boolValue == true
        bindings = [:]
        for (name, tagged) in json["bindings"]?.objectValue ?? [:] {
            if tagged["error"] == nil {
                bindings[name] = try Self.datum(tagged)
            } else {
                broken.insert(name)
            }
            declarations.variables[name] = .dynamic
        }
        for declaration in json["env"]?.arrayValue ?? [] { Self.declare(declaration, &declarations) }
        let expect = json["expect"] ?? .null
        type = expect["type"]?.stringValue.map(Self.type)
        if let tagged = expect["value"] {
            expectation = .value(try Self.datum(tagged))
        } else {
            expectation = expect["error"] == nil ? .type : .error
        }
    }

    private static func declare(_ json: Value, _ declarations: inout Declarations) {
        guard let name = json["name"]?.stringValue else { return }
        if let type = json["type"]?.stringValue { declarations.variables[name] = Self.type(type) }
        for overload in json["overloads"]?.arrayValue ?? [] {
            let parameters = (overload["params"]?.arrayValue ?? []).compactMap(\.stringValue).map(Self.type)
            declarations.functions[name, default: []].append(
                Overload(
                    parameters: parameters, result: Self.type(overload["result"]?.stringValue ?? "dyn"),
                    isMember: overload["member"]?.boolValue == true))
        }
    }

    static func type(_ text: String) -> StaticType {
        var reader = SignatureReader(Substring(text))
        return reader.type()
    }

    struct Unreadable: Error { var what: String }

    /// A tagged value: `{"int": "1"}`.
    static func datum(_ tagged: Value) throws -> Datum {
        guard let (tag, value) = tagged.objectValue?.first else { throw Unreadable(what: "\(tagged)") }
        let text = value.stringValue ?? ""
        switch tag {
        case "null": return .null
        case "bool": return .bool(value == true)
        case "int": return .int(try Int64(text).orThrow(text))
        case "uint": return .uint(try UInt64(text).orThrow(text))
        case "double": return .double(try Double(text).orThrow(text))
        case "string": return .string(text)
        case "bytes": return .bytes(try Base64.decode(text).orThrow(text))
        case "type": return .type(text)
        case "list": return .list(try (value.arrayValue ?? []).map(datum))
        case "map":
            let pairs = try (value.arrayValue ?? []).map { pair in
                let parts = try pair.arrayValue.orThrow("pair")
                return (key: try datum(parts[0]), value: try datum(parts[1]))
            }
            return .map(try DatumMap(pairs))
        case "timestamp", "duration":
            let seconds = try Int64(value["seconds"]?.stringValue ?? "0").orThrow("seconds")
            let nanos = value["nanos"]?.intValue ?? 0
            return tag == "duration"
                ? .duration(seconds * 1_000_000_000 + nanos)
                : .timestamp(Timestamp(seconds: seconds, nanoseconds: Int32(nanos)))
        default: throw Unreadable(what: tag)
        }
    }

    // MARK: Running

    /// Wider than authors get: the suite has four loops in each other and long literals.
    static let limits = ExpressionLimits(codePointsMax: 100_000, depthMax: 64, macroNestingMax: 12)

    /// What went wrong, or nil when the case passes.
    func failure() -> String? {
        let expression: Expression
        do {
            expression = try Expression.compile(source, declarations, limits: Self.limits, allowsMacros: allowsMacros)
        } catch {
            if case .error = expectation { return nil }
            return "refused: \(error.issues.map(\.message))"
        }
        if let type, type != expression.program.resolution.type {
            return "type \(expression.program.resolution.type.name), wanted \(type.name)"
        }
        return isCheckOnly ? nil : outcome(of: expression)
    }

    private func outcome(of expression: Expression) -> String? {
        var machine = Machine(expression.program, bindings: bindings, limits: Self.limits)
        for (slot, name) in expression.program.resolution.variables.enumerated() where broken.contains(name) {
            machine.slots[slot] = .fault(Fault(.noValue, "the variable was given as an error"))
        }
        do throws(Fault) {
            let datum = try machine.result()
            switch expectation {
            case .value(let wanted):
                return try Self.isSame(datum, wanted) ? nil : "is \(datum), wanted \(wanted)"
            case .error: return "is \(datum), wanted an error"
            case .type: return nil
            }
        } catch {
            if case .error = expectation { return nil }
            return "failed: \(error.message)"
        }
    }

    /// Same type and same value; NaN is NaN here, and the sign of zero counts.
    private static func isSame(_ left: Datum, _ right: Datum) throws(Fault) -> Bool {
        if case .optional(let inner?) = left { return try isSame(inner, right) }
        guard left.typeName == right.typeName else { return false }
        if case .double(let a) = left, case .double(let b) = right {
            return a.bitPattern == b.bitPattern || (a.isNaN && b.isNaN)
        }
        return try Datum.equals(left, right)
    }
}

extension Optional {
    func orThrow(_ what: String) throws -> Wrapped {
        guard let self else { throw ConformanceCase.Unreadable(what: what) }
        return self
    }
}
