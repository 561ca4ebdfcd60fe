// SPDX-License-Identifier: Apache-2.0

/// One node of a compiled expression: what to do, and up to three numbers that say with what.
struct Op: Sendable {
    enum Code: UInt8, Sendable {
        /// `a`: constant
        case constant
        /// `a`: slot
        case slot
        /// `a`: operand, `b`: name
        case select, selectOptional, test
        /// `a`: operand, `b`: key
        case index, indexOptional
        /// `a`: first child, `b`: number of children
        case and, or
        case not, negate
        case choice
        case equal, notEqual, less, lessEqual, greater, greaterEqual, contains
        case add, subtract, multiply, divide, modulo
        /// `a`: first child, `b`: number of children, `c`: first flag
        case list, map
        /// A list of constants. `a`: constant, `b`: number of elements
        case constantList
        /// `a`: call site
        case call
        /// `a`: loop site
        case loop
        case bind, optionalMap, optionalFlatMap
        /// `a`: receiver, `b`: alternative
        case orOptional, orValue
        /// `a`: fault
        case fail
    }

    var code: Code
    var a: Int32 = 0
    var b: Int32 = 0
    var c: Int32 = 0
}

/// A compiled expression; ops stand at the index of the syntax node that they came from.
final class Program: Sendable {
    struct CallSite: Sendable {
        var function: Builtin
        var arguments: [Int32]
        var pattern: Pattern?
    }

    struct LoopSite: Sendable {
        var form: Macro.Form
        var range: Int32
        /// Slots of the one or two names; the second is negative when there is one.
        var first: Int32
        var second: Int32
        var filter: Int32
        var body: Int32
    }

    let tree: SyntaxTree
    let resolution: Resolution
    let ops: [Op]
    let constants: [Datum]
    let names: [String]
    let children: [Int32]
    let flags: [Bool]
    let calls: [CallSite]
    let loops: [LoopSite]
    let faults: [Fault]
    let lenses: [Lens?]

    init(_ lowering: Lowering) {
        tree = lowering.tree
        resolution = lowering.resolution
        ops = lowering.ops
        constants = lowering.constants
        names = lowering.names
        children = lowering.children
        flags = lowering.flags
        calls = lowering.calls
        loops = lowering.loops
        faults = lowering.faults
        lenses = lowering.lenses
    }
}
