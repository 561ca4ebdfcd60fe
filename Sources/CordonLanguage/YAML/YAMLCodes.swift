// SPDX-License-Identifier: Apache-2.0

/// The numbers of mistakes that a YAML file and its fields can have; each keeps its meaning for ever.
package enum YAMLCode: String, Sendable, Hashable, CaseIterable {
    case syntax = "P001"
    case tag = "P002"
    case reference = "P003"
    case duplicateKey = "P004"
    case mergeKey = "P005"
    case ambiguousWord = "P006"
    case tooLarge = "P007"
    case tooDeep = "P008"
    case tab = "P009"
    case severalDocuments = "P010"
    case keyNotText = "P011"
    case exclamationMark = "P012"
    case questionMark = "P013"
    case strayColon = "P014"
    case notUTF8 = "P015"
    case byteOrderMark = "P016"
    case invisibleCharacter = "P017"
    case ambiguousNumber = "P018"
    case empty = "P019"

    case missingField = "P020"
    case unknownField = "P021"
    case wrongType = "P022"
    case badDuration = "P023"
    case outOfRange = "P024"
    case notOneOf = "P025"
    case badPercentage = "P026"

    /// The table that `cordon explain` reads.
    package static let meanings: [DiagnosticMeaning] = allCases.map {
        let (meaning, explanation) = $0.words
        return DiagnosticMeaning(code: $0.rawValue, meaning: meaning, explanation: explanation)
    }

    private var words: (meaning: String, explanation: String) {
        Int(rawValue.dropFirst()) ?? 0 < 20 ? wordsOfForm : wordsOfFields
    }

    private var wordsOfForm: (meaning: String, explanation: String) {
        switch self {
        case .syntax:
            (
                "the file is no valid YAML",
                """
                The text breaks YAML's grammar at or shortly before this place. Most often a line is indented by one \
                space too many or too few, a ':' or a closing quote is missing, or a value begins with a character \
                that YAML reserves (@ ` % | >). Quotes around the value help in the last case.
                """
            )
        case .tag:
            (
                "a tag or a directive stands in the file",
                """
                Tags such as !!str or !Ref and directives such as %YAML change what a value is, differently in \
                different readers. Every field here has a known type, so none is needed: remove it.
                """
            )
        case .reference:
            (
                "an anchor or an alias stands in the file",
                """
                Anchors (&name) and aliases (*name) make a reviewer look elsewhere for what a line says, and a few \
                hundred bytes of them can grow to millions of values. Write the value out. An expression that begins \
                with & or * needs quotes.
                """
            )
        case .duplicateKey:
            (
                "a key occurs twice in one map",
                """
                YAML readers disagree on which of two equal keys counts, so a reviewer could approve one and get the \
                other. Remove one of them.
                """
            )
        case .mergeKey:
            (
                "a merge key stands in the file",
                """
                The key << pulls the fields of another map in, past the reviewer's eye. Write the fields out.
                """
            )
        case .ambiguousWord:
            (
                "an unquoted word is a truth value to some readers and text to others",
                """
                yes, no, on, off, y and n are true and false in YAML 1.1 and text in YAML 1.2; True and NULL differ \
                too. Only true, false and null are accepted unquoted. Write those when you mean them, and quotes \
                around the word when you mean text.
                """
            )
        case .tooLarge:
            (
                "the file is too large",
                """
                A file that no person can review protects nobody. Playbooks and workflows are limited to 64 KiB; \
                move a part into a workflow of its own.
                """
            )
        case .tooDeep:
            (
                "lists and maps are nested too deep",
                """
                Playbooks and workflows may nest lists and maps only so deep; the message names how deep. Give the \
                inner part a name, or make it a workflow that a step calls.
                """
            )
        case .tab:
            (
                "a tab indents a line",
                """
                YAML allows spaces only, because editors disagree on a tab's width. Set the editor to insert spaces.
                """
            )
        case .severalDocuments:
            (
                "the file holds more than one document",
                """
                One file holds one playbook, workflow, connector or test, named like the file. Put the part after \
                --- into a file of its own.
                """
            )
        case .keyNotText:
            (
                "a key is not text",
                """
                Keys are text. An unquoted true, null or 12 would be a truth value, nothing or a number; lists and \
                maps cannot be keys at all. Put the key in quotes.
                """
            )
        case .exclamationMark:
            (
                "an unquoted ! begins a value",
                """
                YAML takes !name for a tag and drops it from the value, so an expression that begins with «not» \
                would silently turn into its opposite. Put the whole expression in quotes: when: "!signal.approved".
                """
            )
        case .questionMark:
            (
                "an unquoted ? begins a value",
                """
                YAML takes a ? followed by a space for a complex key. Put the whole expression in quotes.
                """
            )
        case .strayColon:
            (
                "a colon and a space stand inside an unquoted value",
                """
                YAML takes ': ' for the end of a key, so an expression such as a ? b : c, a map {k: v} after text or \
                a title with a colon is cut in two. Put the whole value in quotes.
                """
            )
        case .notUTF8:
            ("the file is not UTF-8", "Save it as UTF-8 without a byte order mark; any editor offers that.")
        case .byteOrderMark:
            (
                "the file begins with a byte order mark",
                """
                The invisible mark changes the file's digest and hides in the first key. Save the file as UTF-8 \
                without BOM.
                """
            )
        case .invisibleCharacter:
            (
                "the file holds an invisible character",
                """
                Control characters and marks that change the direction of text can make a reviewer see another \
                condition than the one that runs. Remove the character; where it is really meant, write it as an \
                escape in double quotes, such as "\\u200F".
                """
            )
        case .ambiguousNumber:
            (
                "an unquoted value is a number to some readers and text to others",
                """
                017, 0x1F, 1_000, 22:30, +1, .5 and .inf are numbers in one version of YAML and text, or other \
                numbers, in the next. Write plain decimals such as 15 or 0.5, and quotes around anything that is text: \
                times of day, versions, identifiers.
                """
            )
        case .empty:
            (
                "the file is empty",
                "Nothing but comments and white space was found. The files that ship are a start; or remove this one."
            )
        default: ("", "")
        }
    }

    private var wordsOfFields: (meaning: String, explanation: String) {
        switch self {
        case .missingField:
            ("a field is missing", "This map needs the field. There is no default, because a wrong guess would act.")
        case .unknownField:
            (
                "a field is unknown",
                """
                A misspelled guard would be no guard, so a field that nobody reads refuses the whole file. The \
                suggestion names the field that was probably meant, or all that may stand here.
                """
            )
        case .wrongType:
            (
                "a field has the wrong type",
                """
                The field needs another kind of value. Unquoted true, null and numbers are typed; quotes make text. \
                A field with nothing after its colon holds nothing, not an empty text or list.
                """
            )
        case .badDuration:
            (
                "a duration is not understood",
                """
                A duration is one whole number and one unit: 500ms, 30s, 15m, 72h, 2d. Units do not combine: \
                write 90m, not 1h30m.
                """
            )
        case .outOfRange:
            ("a value is out of its range", "The message names the smallest and the largest value allowed here.")
        case .notOneOf:
            (
                "a value is not one of those allowed",
                "The field takes one of a fixed set of words; the message lists them."
            )
        case .badPercentage:
            (
                "a percentage is not understood",
                "A percentage is a number from 0 to 100 followed at once by the sign: 3%, 0.5%."
            )
        default: ("", "")
        }
    }
}
