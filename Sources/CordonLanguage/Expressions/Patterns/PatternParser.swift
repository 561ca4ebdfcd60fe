// SPDX-License-Identifier: Apache-2.0

/// Reads the syntax of RE2. What only backtracking could do (look-around, back references) is refused by name.
struct PatternParser {
    struct Flags {
        var foldsCase = false
        var isMultiline = false
        var dotTakesLineFeed = false
    }

    /// Brackets in brackets.
    static let depthMax = 100
    /// The largest count in `{n,m}`.
    static let repetitionsMax = 1000

    let scalars: [Unicode.Scalar]
    var position = 0
    var flags = Flags()
    private var depth = 0
    private var groupNames: Set<String> = []

    static func parse(_ text: String) throws(PatternSlip) -> PatternNode {
        var parser = PatternParser(scalars: Array(text.unicodeScalars))
        let node = try parser.choice()
        guard parser.isAtEnd else { throw PatternSlip("a ) closes nothing", suggestion: "write \\) for a bracket") }
        return node
    }

    private init(scalars: [Unicode.Scalar]) { self.scalars = scalars }

    var isAtEnd: Bool { position == scalars.count }
    var here: Unicode.Scalar? { isAtEnd ? nil : scalars[position] }
    func ahead(_ count: Int) -> Unicode.Scalar? {
        position + count < scalars.count ? scalars[position + count] : nil
    }

    mutating func take(_ text: String) -> Bool {
        let wanted = text.unicodeScalars
        guard scalars[position...].starts(with: wanted) else { return false }
        position += wanted.count
        return true
    }

    // MARK: Structure

    private mutating func choice() throws(PatternSlip) -> PatternNode {
        var parts = [try sequence()]
        while take("|") { parts.append(try sequence()) }
        return parts.count == 1 ? parts[0] : .choice(parts)
    }

    private mutating func sequence() throws(PatternSlip) -> PatternNode {
        var parts: [PatternNode] = []
        while let scalar = here, scalar != "|", scalar != ")" {
            if take("\\Q") {
                let before = parts.count
                while !isAtEnd, !take("\\E") {
                    parts.append(literal(scalars[position]))
                    position += 1
                }
                // An empty quote is no atom: repeating what stands before it again would nest without bound.
                if parts.count > before { parts.append(try repeated(parts.removeLast())) }
                continue
            }
            guard let atom = try atom() else { continue }
            parts.append(try repeated(atom))
        }
        return parts.count == 1 ? parts[0] : (parts.isEmpty ? .empty : .sequence(parts))
    }

    private mutating func repeated(_ atom: PatternNode) throws(PatternSlip) -> PatternNode {
        guard let bounds = try bounds() else { return atom }
        // Lazy or greedy, the same text matches.
        _ = take("?")
        if let sign = here, "*+?".unicodeScalars.contains(sign) {
            throw PatternSlip("'\(sign)' repeats a repetition", suggestion: "put brackets around the inner one")
        }
        let start = position
        if try self.bounds() != nil {
            position = start
            throw PatternSlip("a count repeats a repetition", suggestion: "put brackets around the inner one")
        }
        return .repetition(atom, least: bounds.least, most: bounds.most)
    }

    private mutating func bounds() throws(PatternSlip) -> (least: Int, most: Int?)? {
        if take("*") { return (0, nil) }
        if take("+") { return (1, nil) }
        if take("?") { return (0, 1) }
        let start = position
        guard take("{"), let least = number() else {
            position = start
            return nil
        }
        var most: Int? = least
        if take(",") { most = here == "}" ? nil : number() ?? -1 }
        guard take("}"), most != -1 else {
            position = start
            return nil
        }
        guard least <= Self.repetitionsMax, (most ?? 0) <= Self.repetitionsMax else {
            throw PatternSlip("a count is at most \(Self.repetitionsMax)")
        }
        if let most, most < least { throw PatternSlip("the count {\(least),\(most)} runs backward") }
        return (least, most)
    }

    private mutating func number() -> Int? {
        var value: Int?
        while let scalar = here, Lexer.isDigit(scalar) {
            value = min((value ?? 0) * 10 + Int(scalar.value - 0x30), Self.repetitionsMax + 1)
            position += 1
        }
        return value
    }

    func literal(_ scalar: Unicode.Scalar) -> PatternNode {
        guard flags.foldsCase else { return .scalar(scalar) }
        let variants = CaseFolding.variants(of: scalar.value...scalar.value)
        if variants.isEmpty { return .scalar(scalar) }
        var set = ScalarSet()
        set.insert(scalar)
        for variant in variants { set.insert(variant) }
        set.close()
        return .set(set)
    }

    /// One thing that may be repeated; nil for `(?i)`, which stands for nothing.
    private mutating func atom() throws(PatternSlip) -> PatternNode? {
        guard let scalar = here else { return nil }
        switch scalar {
        case "(": return try group()
        case "[": return .set(try bracket())
        case "\\": return try escape()
        case "*", "+", "?": throw PatternSlip("'\(scalar)' has nothing to repeat", suggestion: "write \\\(scalar)")
        default: position += 1
        }
        switch scalar {
        case ".":
            if flags.dotTakesLineFeed { return .any }
            return .set(Self.set { $0.insert(complementOf: [0x0A...0x0A]) })
        case "^": return .assertion(flags.isMultiline ? .lineStart : .textStart)
        case "$": return .assertion(flags.isMultiline ? .lineEnd : .textEnd)
        default: return literal(scalar)
        }
    }

    static func set(_ fill: (inout ScalarSet) -> Void) -> ScalarSet {
        var set = ScalarSet()
        fill(&set)
        set.close()
        return set
    }

    private mutating func group() throws(PatternSlip) -> PatternNode? {
        position += 1
        let outer = flags
        if take("?") {
            if here == "P" || (here == "<" && ahead(1) != "=" && ahead(1) != "!") {
                try groupName()
            } else if try !groupFlags() {
                return nil
            }
        }
        depth += 1
        defer { depth -= 1 }
        guard depth <= Self.depthMax else { throw PatternSlip("brackets stand more than \(Self.depthMax) deep") }
        let node = try choice()
        guard take(")") else { throw PatternSlip("a ( is not closed", suggestion: "write \\( for a bracket") }
        flags = outer
        return node
    }

    private mutating func groupName() throws(PatternSlip) {
        _ = take("P")
        guard take("<") else { throw PatternSlip("(?P is followed by <name>") }
        var name = String.UnicodeScalarView()
        while let scalar = here, Lexer.isNamePart(scalar) {
            name.append(scalar)
            position += 1
        }
        guard !name.isEmpty, take(">") else { throw PatternSlip("a group's name is letters, digits and _") }
        guard groupNames.insert(String(name)).inserted else {
            throw PatternSlip(
                "two groups have the name \(String(name))", suggestion: "write (?:…) for a group without name")
        }
    }

    /// `i`, `m`, `s`, `U` with `-` to turn off; false when they stand for the rest of the surrounding group.
    private mutating func groupFlags() throws(PatternSlip) -> Bool {
        var isOn = true
        while let scalar = here {
            position += 1
            if scalar == ":" || scalar == ")", scalars[position - 2] == "-" {
                throw PatternSlip("no flag follows the - in (?-)")
            }
            switch scalar {
            case "i": flags.foldsCase = isOn
            case "m": flags.isMultiline = isOn
            case "s": flags.dotTakesLineFeed = isOn
            case "U": break
            case "-" where isOn: isOn = false
            case ":": return true
            case ")": return false
            case "=", "!", "<":
                throw PatternSlip("there is no look-around", suggestion: "combine two matches() with && or !")
            default: throw PatternSlip("'(?\(scalar)' is no group")
            }
        }
        throw PatternSlip("a ( is not closed")
    }
}
