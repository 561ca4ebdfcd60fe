// SPDX-License-Identifier: Apache-2.0
import Yams

/// Lets Yams read a text that the scanner has passed, and turns its nodes into ours.
struct YAMLComposer {
    private let source: YAMLSource
    private let outline: YAMLScanner.Outline
    private let depthMax: Int
    private var nodes = 0
    private(set) var findings: [YAMLFinding] = []

    init(source: YAMLSource, outline: YAMLScanner.Outline, depthMax: Int) {
        self.source = source
        self.outline = outline
        self.depthMax = depthMax
    }

    /// The tree, or `nil` with a finding. A tree beside findings must not be used.
    mutating func compose() -> YAMLNode? {
        do {
            // The encoding is named because the default asks the process environment.
            let parser = try Yams.Parser(yaml: source.text, resolver: .basic, encoding: .utf8)
            guard let root = try parser.singleRoot() else {
                report(.empty, YAMLMark(line: 1, column: 1), "the file is empty", nil)
                return nil
            }
            // Nodes refer to their anchors weakly; the parser keeps them.
            return withExtendedLifetime(parser) { node(root, depth: 0) }
        } catch let error as YamlError {
            report(error)
        } catch {
            report(.syntax, YAMLMark(line: 1, column: 1), "this is no valid YAML: \(error)", nil)
        }
        return nil
    }

    private mutating func report(
        _ code: YAMLCode, _ mark: YAMLMark, width: Int = 1, _ message: String, _ suggestion: String?
    ) {
        guard findings.count < YAMLLimits.findingsMax else { return }
        findings.append(YAMLFinding(code: code, mark: mark, width: width, message: message, suggestion: suggestion))
    }

    private mutating func report(_ error: YamlError) {
        let start = YAMLMark(line: 1, column: 1)
        switch error {
        case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _),
            .composer(_, let problem, let mark, _):
            let place = YAMLMark(line: mark.line, column: mark.column)
            report(.syntax, place, "this is no valid YAML: \(problem)", suggestion(for: problem))
        case .duplicatedKeysInMapping(_, let context):
            let place = YAMLMark(line: context.mark.line, column: context.mark.column)
            report(.duplicateKey, place, "this key occurs twice in one map", "remove one")
        case .reader(let problem, _, _, _): report(.syntax, start, "this is no valid YAML: \(problem)", nil)
        default: report(.syntax, start, "this is no valid YAML", nil)
        }
    }

    private func suggestion(for problem: String) -> String? {
        switch problem {
        case "did not find expected key", "could not find expected ':'":
            "look for a missing ':' or a wrong indentation here or on the line before"
        case "found character that cannot start any token": "put the value in quotes"
        case "found unexpected end of stream": "a quote, bracket or brace is not closed"
        case "did not find expected ',' or ']'", "did not find expected ',' or '}'":
            "a bracket or brace is not closed, or a comma is missing"
        default: nil
        }
    }
}

// MARK: - Nodes

extension YAMLComposer {
    private mutating func node(_ node: Node, depth: Int) -> YAMLNode? {
        let mark = YAMLMark(line: node.mark?.line ?? 1, column: node.mark?.column ?? 1)
        nodes += 1
        // The scanner refused all of this; a second look costs little should the two ever disagree. Every node of a
        // text without aliases takes a character of it, or a place between two.
        guard node.anchor == nil, nodes <= 2 * source.scalars.count + 1 else {
            disagree(mark)
            return nil
        }
        guard depth <= depthMax else {
            report(.tooDeep, mark, "lists and maps are nested more than \(depthMax) deep", "flatten the inner part")
            return nil
        }
        switch node {
        case .scalar(let scalar): return leaf(scalar, mark)
        case .sequence(let items):
            let items = items.compactMap { self.node($0, depth: depth + 1) }
            return YAMLNode(content: .sequence(items), place: source.place(mark), width: 1)
        case .mapping(let pairs):
            let entries = pairs.compactMap { entry($0.key, $0.value, depth: depth + 1) }
            let place = source.place(mark)
            let width = entries.first.map { $0.place == place ? $0.width : 1 } ?? 1
            return YAMLNode(content: .mapping(entries), place: place, width: width)
        case .alias:
            disagree(mark)
            return nil
        }
    }

    private mutating func disagree(_ mark: YAMLMark) {
        report(.syntax, mark, "this can be read in two ways", "write it in a simpler form, or put values in quotes")
    }

    private mutating func leaf(_ scalar: Node.Scalar, _ mark: YAMLMark) -> YAMLNode? {
        let style: YAMLScalar.Style =
            switch scalar.style {
            case .literal, .folded: .block
            case .singleQuoted, .doubleQuoted: .quoted
            case .plain, .any: .plain
            }
        let leaf = YAMLScalar(text: scalar.string, style: style)
        let isAbsent = style == .plain && leaf.text.isEmpty
        guard let width = outline.widths[mark] ?? (isAbsent ? 1 : nil) else {
            disagree(mark)
            return nil
        }
        if leaf.isAmbiguousWord {
            let meant = ["y", "yes", "on", "true"].contains(leaf.text.lowercased()) ? "true" : "false"
            let plain = leaf.text.lowercased() == "null" ? "null" : meant
            report(
                .ambiguousWord, mark, width: width,
                "'\(leaf.text)' is \(plain) to some YAML readers and text to others",
                "write \(plain), or \"\(leaf.text)\" in quotes")
        } else if leaf.isAmbiguousNumber {
            report(
                .ambiguousNumber, mark, width: width,
                "'\(leaf.text.prefix(40))' is a number to some YAML readers and text to others",
                "write a plain decimal number, or put it in quotes")
        }
        return YAMLNode(content: .scalar(leaf), place: source.place(mark), width: width)
    }

    private mutating func entry(_ key: Node, _ value: Node, depth: Int) -> YAMLEntry? {
        let before = findings.count
        guard let name = node(key, depth: depth) else { return nil }
        if findings.count == before { check(key: name) }
        guard let value = node(value, depth: depth) else { return nil }
        return YAMLEntry(key: name.scalar?.text ?? "", place: name.place, width: name.width, value: value)
    }

    private mutating func check(key: YAMLNode) {
        let mark = YAMLMark(line: key.place.line, column: key.place.column)
        guard let scalar = key.scalar else {
            return report(.keyNotText, mark, "\(key.typeName) cannot be a key", "keys are text")
        }
        guard case .string = scalar.value else {
            let suggestion = scalar.text.isEmpty ? "write a key before the ':'" : "write \"\(scalar.text)\" in quotes"
            return report(.keyNotText, mark, width: key.width, "\(key.typeName) cannot be a key", suggestion)
        }
    }
}
