// SPDX-License-Identifier: Apache-2.0

/// Turns a document's nodes into typed values and collects every mistake on the way, so that an author sees all at once.
///
///     let reader = YAMLReader(document)
///     guard let map = reader.mapping(document.root) else { throw reader.refusal }
///     let title = map.string("title", required: true)
///     let mode = map.oneOf("mode", Mode.self) ?? .off
///     map.refuseUnknown()
///     guard let title, reader.isClean else { throw reader.refusal }
package final class YAMLReader {
    package let document: YAMLDocument
    package private(set) var diagnostics: [Diagnostic] = []
    let shapes = YAMLShapes.recording
    /// What only young rules refuse is read all the same.
    private let bearsYoung: Bool

    package init(_ document: YAMLDocument, bearsYoung: Bool = false) {
        self.document = document
        self.bearsYoung = bearsYoung
        shapes?.begin(document)
    }

    /// Whether nothing worse than a warning was found so far.
    package var isClean: Bool {
        !diagnostics.contains { $0.severity == .error && !(bearsYoung && $0.isYoung) }
    }

    /// All mistakes in the order of the file.
    package var refusal: Diagnostics { Diagnostics(diagnostics) }

    /// The fields of a map; anything else is reported.
    package func mapping(_ node: YAMLNode, _ name: String? = nil) -> YAMLFields? {
        guard let entries = node.entries else {
            reportType(node, name, "a map")
            return nil
        }
        return YAMLFields(reader: self, node: node, entries: entries)
    }

    package func list(_ node: YAMLNode, _ name: String? = nil) -> [YAMLNode]? {
        if let items = node.items { return items }
        reportType(node, name, "a list")
        return nil
    }

    package func string(_ node: YAMLNode, _ name: String? = nil) -> String? {
        shapes?.ask(node, .text)
        if case .string(let text)? = node.scalar?.value { return text }
        var suggestion: String?
        if let scalar = node.scalar, scalar.value != .null { suggestion = "write \"\(scalar.text)\" in quotes" }
        reportType(node, name, "text", suggestion)
        return nil
    }

    package func bool(_ node: YAMLNode, _ name: String? = nil) -> Bool? {
        shapes?.ask(node, .flag)
        if case .bool(let flag)? = node.scalar?.value { return flag }
        reportType(node, name, "true or false", unquoting(node) { if case .bool = $0 { true } else { false } })
        return nil
    }

    package func int(_ node: YAMLNode, _ name: String? = nil, in range: ClosedRange<Int64>? = nil) -> Int64? {
        shapes?.ask(node, .whole(range))
        guard case .int(let number)? = node.scalar?.value else {
            reportType(node, name, "a whole number", unquoting(node) { if case .int = $0 { true } else { false } })
            return nil
        }
        guard let range, !range.contains(number) else { return number }
        reportRange(node, name, number < range.lowerBound, "\(range.lowerBound)", "\(range.upperBound)")
        return nil
    }

    package func number(_ node: YAMLNode, _ name: String? = nil, in range: ClosedRange<Double>? = nil) -> Double? {
        shapes?.ask(node, .number(range))
        var number: Double?
        switch node.scalar?.value {
        case .int(let whole): number = Double(whole)
        case .double(let double): number = double
        default: break
        }
        guard let number else {
            reportType(node, name, "a number")
            return nil
        }
        guard let range, !range.contains(number) else { return number }
        reportRange(node, name, number < range.lowerBound, text(range.lowerBound), text(range.upperBound))
        return nil
    }

    /// A duration such as `15m`, in milliseconds.
    package func milliseconds(
        _ node: YAMLNode, _ name: String? = nil, in range: ClosedRange<Int64>? = nil
    ) -> Int64? {
        shapes?.ask(node, .duration)
        guard case .string(let text)? = node.scalar?.value, let duration = YAMLDuration.milliseconds(text) else {
            if node.scalar == nil || node.scalar?.value == .null {
                reportType(node, name, "a duration", "such as 15m")
            } else {
                report(
                    .badDuration, at: node, "\(subject(name)) must be a duration, found '\(shown(node))'",
                    "a whole number and ms, s, m, h or d, such as 15m")
            }
            return nil
        }
        guard let range, !range.contains(duration) else { return duration }
        reportRange(
            node, name, duration < range.lowerBound, YAMLDuration.text(milliseconds: range.lowerBound),
            YAMLDuration.text(milliseconds: range.upperBound))
        return nil
    }

    /// A percentage such as `3%` or `0.5%`, from 0 to 100.
    package func percentage(_ node: YAMLNode, _ name: String? = nil) -> Double? {
        shapes?.ask(node, .percentage)
        if case .string(let text)? = node.scalar?.value, text.utf8.last == UInt8(ascii: "%"),
            let number = percentage(String(text.dropLast()))
        {
            return number
        }
        report(
            .badPercentage, at: node, "\(subject(name)) must be a percentage, found \(shownOrType(node))",
            "a number from 0 to 100 and the sign, such as 3%")
        return nil
    }

    /// One word of a closed set.
    package func oneOf<Word: CaseIterable & RawRepresentable<String>>(
        _ node: YAMLNode, _ name: String? = nil, _ type: Word.Type
    ) -> Word? {
        let words = Word.allCases.map(\.rawValue)
        shapes?.ask(node, .words(words))
        guard let scalar = node.scalar, scalar.value != .null else {
            reportType(node, name, "one of \(words.joined(separator: ", "))")
            return nil
        }
        if let word = Word(rawValue: scalar.text) { return word }
        report(
            .notOneOf, at: node,
            "\(subject(name)) must be one of \(words.joined(separator: ", ")), found '\(shown(node))'",
            nearest(to: scalar.text, among: words).map { "did you mean '\($0)'?" })
        return nil
    }
}

// MARK: - Reporting

extension YAMLReader {
    /// Adds a mistake that the kit cannot know of, such as one inside an expression.
    package func report(_ diagnostic: Diagnostic) {
        diagnostics.append(diagnostic)
    }

    package func report(_ code: YAMLCode, at node: YAMLNode, _ message: String, _ suggestion: String? = nil) {
        report(code.rawValue, at: node, message, suggestion)
    }

    package func report(
        _ code: String, at node: YAMLNode, severity: Diagnostic.Severity = .error, isYoung: Bool = false,
        _ message: String, _ suggestion: String? = nil
    ) {
        report(code, at: node.place, width: node.width, severity: severity, isYoung: isYoung, message, suggestion)
    }

    package func report(
        _ code: String, at place: Place, width: Int, severity: Diagnostic.Severity = .error, isYoung: Bool = false,
        _ message: String, _ suggestion: String? = nil
    ) {
        var found = document.diagnostic(
            code, at: place, width: width, severity: severity, message: message, suggestion: suggestion)
        found.isYoung = isYoung
        diagnostics.append(found)
    }

    private func reportType(_ node: YAMLNode, _ name: String?, _ wanted: String, _ suggestion: String? = nil) {
        report(.wrongType, at: node, "\(subject(name)) must be \(wanted), found \(node.typeName)", suggestion)
    }

    private func reportRange(_ node: YAMLNode, _ name: String?, _ isLow: Bool, _ least: String, _ most: String) {
        report(
            .outOfRange, at: node, "\(subject(name)) is too \(isLow ? "small" : "large")",
            "from \(least) to \(most)")
    }

    private func subject(_ name: String?) -> String { name.map { "'\($0)'" } ?? "this" }

    private func shown(_ node: YAMLNode) -> String { String((node.scalar?.text ?? "").prefix(40)) }

    private func shownOrType(_ node: YAMLNode) -> String {
        guard let scalar = node.scalar, scalar.value != .null else { return node.typeName }
        return "'\(shown(node))'"
    }

    private func text(_ number: Double) -> String { Value.double(number).json }

    /// The way out when quotes alone make the value text.
    private func unquoting(_ node: YAMLNode, _ isWanted: (Value) -> Bool) -> String? {
        guard let scalar = node.scalar, scalar.style == .quoted,
            isWanted(YAMLScalar(text: scalar.text, style: .plain).value)
        else { return nil }
        return "remove the quotes"
    }

    private func percentage(_ text: String) -> Double? {
        switch YAMLScalar(text: text, style: .plain).value {
        case .int(let number) where 0...100 ~= number: Double(number)
        case .double(let number) where 0...100 ~= number: number
        default: nil
        }
    }
}
