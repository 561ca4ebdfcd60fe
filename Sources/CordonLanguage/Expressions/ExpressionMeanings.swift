// SPDX-License-Identifier: Apache-2.0

/// What the numbers of expressions mean, for `cordon explain`.
package enum ExpressionMeanings {
    package static let all: [DiagnosticMeaning] =
        ExpressionIssue.Code.allCases.map { meaning($0.rawValue, $0.words) }
        + EvaluationError.Code.allCases.map { meaning($0.number, $0.words) }

    private static func meaning(
        _ number: String, _ words: (meaning: String, explanation: String)
    ) -> DiagnosticMeaning {
        DiagnosticMeaning(code: number, meaning: words.meaning, explanation: words.explanation)
    }
}

extension ExpressionIssue.Code {
    fileprivate var words: (meaning: String, explanation: String) {
        switch self {
        case .unexpectedCharacter, .badNumber, .badString, .unexpectedToken, .reservedWord, .badMacro: wordsOfForm
        case .tooLong, .tooDeep, .macrosTooDeep: wordsOfSize
        default: wordsOfSense
        }
    }

    private var wordsOfForm: (meaning: String, explanation: String) {
        switch self {
        case .unexpectedCharacter:
            (
                "a character has no meaning here",
                "Expressions are written in CEL. Compare with ==, combine with && and ||."
            )
        case .badNumber:
            (
                "a number is not understood",
                "An int fits 64 bits with sign, 1u is a uint, 1.0 and 1e3 are doubles, 0x1F is hexadecimal."
            )
        case .badString:
            (
                "a string is not understood",
                "Strings stand in \" or ' and end on their line. A backslash begins an escape; r\"…\" takes it as it is."
            )
        case .unexpectedToken:
            ("something else is wanted here", "The message names what may stand here and what was found instead.")
        case .reservedWord:
            (
                "a word is reserved",
                "Words such as if, for and return are kept for later; reach such a field as map[\"if\"]."
            )
        default:
            (
                "a built-in form is not called like this",
                "has(a.b) asks for a field; list.all(x, …), exists, map and filter give each element a plain name."
            )
        }
    }

    private var wordsOfSize: (meaning: String, explanation: String) {
        switch self {
        case .tooLong:
            ("the expression is too long", "A condition that nobody can read protects nobody. Split it into several.")
        case .tooDeep:
            (
                "the expression is nested too deep",
                "Brackets, operators and calls in each other are bounded; a chain of && or of || counts as one level."
            )
        default:
            (
                "loops stand too deep in each other",
                """
                Each loop in a loop multiplies the work by the length of a list that an alert may choose, so only two \
                may stand in each other.
                """
            )
        }
    }

    private var wordsOfSense: (meaning: String, explanation: String) {
        switch self {
        case .unknownVariable:
            ("there is no variable of this name", "The message lists what is known here; text needs quotes.")
        case .unknownField:
            (
                "there is no field of this name",
                "The schema of the signal or subject lists its fields; the nearest is suggested."
            )
        case .absentField:
            (
                "a field that may be absent is read without a question",
                "Ask first: has(a.b) && a.b > 1, or give another value: a.?b.orValue(0)."
            )
        case .unknownFunction: ("there is no function of this name", "The nearest name is suggested, if there is one.")
        case .wrongTypes:
            (
                "types do not go together",
                "No type changes by itself: write double(x), int(x) or string(x) where that is what you mean."
            )
        case .notSelectable:
            ("the value has no fields", "Only maps and objects have fields. A function needs brackets: .size().")
        case .wrongResult:
            (
                "the expression yields another type than is wanted",
                "A condition yields a bool: compare, or call a function that does."
            )
        case .badPattern:
            (
                "a regular expression is wrong",
                """
                matches() takes the syntax of RE2. Look-around and back references are left out there, because they \
                make some texts take exponential time.
                """
            )
        case .badTemplate:
            ("a hole in a text is not closed or empty", "A hole is ${expression}; write $${ for the text ${ itself.")
        default:
            (
                "a hole in a text yields neither a string nor an int",
                "Write string(…), or end an optional with .orValue(\"\")."
            )
        }
    }
}

extension EvaluationError.Code {
    fileprivate var words: (meaning: String, explanation: String) {
        switch self {
        case .noSuchKey:
            ("a key is missing", "The alert did not carry it. Ask with has(a.b) or read it as a.?b.orValue(…).")
        case .noSuchVariable: ("a variable was not given", "The caller gave no value for it.")
        case .noSuchFunction: ("a function has no body", "It was declared for checking alone.")
        case .noSuchOverload:
            ("a function or operator got a type that it does not take", "Seen where the schema says nothing of a type.")
        case .indexOutOfRange:
            ("an index lies beyond the end", "Ask size() first, or read the element as list[?0].orValue(…).")
        case .divisionByZero: ("division by zero", "Test the divisor first: x != 0 && y / x > 2.")
        case .overflow:
            ("a result does not fit 64 bits", "Nothing wraps around silently. Use double(x) for large amounts.")
        case .outOfRange: ("a number does not fit the wanted type", "int() and uint() refuse what they cannot hold.")
        case .badConversion:
            ("a text cannot be read as the wanted type", "int(\"x\"), timestamp(\"x\") and their like are errors.")
        case .badArgument: ("a function cannot work on this value", "The message names the function and the value.")
        case .badPattern:
            (
                "a regular expression made from data is wrong",
                "Write patterns as literals: then they are checked at load."
            )
        case .repeatedKey: ("a map gets one key twice", "Which of two equal keys counts would be a guess.")
        case .unsupportedKey: ("a value cannot be a map's key", "Keys are int, uint, bool or string.")
        case .noValue: ("an optional without value was opened", "Ask hasValue(), or end with .orValue(…).")
        case .wrongType: ("the result has another type than is wanted", "A condition yields true or false.")
        case .notJSON:
            ("the result has no JSON form", "NaN, infinities and integers above 63 bits have none; write string(…).")
        case .costExceeded:
            (
                "the evaluation cost too much",
                """
                Work is counted in the units of Kubernetes. Bound the lists that it runs over, or make the condition \
                simpler.
                """
            )
        case .bytesExceeded: ("the evaluation made too many bytes", "Texts and lists that grow in loops are bounded.")
        }
    }
}
