// SPDX-License-Identifier: Apache-2.0

/// What an expression may name: variables, and functions beyond the built-in ones.
struct Declarations: Sendable {
    var variables: [String: StaticType] = [:]
    var functions: [String: [Overload]] = [:]
    /// Names are looked up inside this first: in `a.b`, `x` is `a.b.x`, then `a.x`, then `x`.
    var container = ""
    /// Without checks every name and type is settled when the expression runs.
    var isChecked = true

    init(variables: [String: StaticType] = [:]) { self.variables = variables }

    func overloads(of function: String) -> [Overload]? { functions[function] ?? Signatures.all[function] }

    func isFunction(_ name: String) -> Bool { overloads(of: name) != nil || Signatures.extrema.contains(name) }

    /// The full names that `name` may stand for, the longest first.
    func candidates(for name: String, isAbsolute: Bool = false) -> [String] {
        if isAbsolute || container.isEmpty { return [name] }
        var prefix = container.split(separator: ".")
        var names: [String] = []
        while !prefix.isEmpty {
            names.append((prefix + [Substring(name)]).joined(separator: "."))
            prefix.removeLast()
        }
        return names + [name]
    }
}

/// What the checker found out about each node: what its name means, and the type of the whole.
struct Resolution: Sendable {
    enum Reference: Sendable, Equatable {
        case none
        case variable(Int)
        case local(Int)
        case type(String)
        /// A call by this full name; its receiver, if any, was only the name's first part.
        case function(String)
        case unbound(String)
    }

    var references: [Reference]
    var variables: [String] = []
    var localsMax = 0
    /// The slot of a macro's first name, by the macro's node.
    var firstLocals: [Int: Int] = [:]
    var type = StaticType.dynamic
    /// Regular expressions written as literals, by the node of the call.
    var patterns: [Int: Pattern] = [:]
}
