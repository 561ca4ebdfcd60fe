// SPDX-License-Identifier: Apache-2.0

/// One YAML file that passed every rule of form: its tree, and its lines for later diagnostics.
package struct YAMLDocument: Sendable {
    package let file: String
    package let root: YAMLNode
    let source: YAMLSource
    let outline: YAMLScanner.Outline

    /// Reads a file's bytes, or throws everything that is wrong with its form.
    package static func parse(
        _ bytes: some Collection<UInt8>, file: String, limits: YAMLLimits = .default
    ) throws(Diagnostics) -> YAMLDocument {
        let source = try YAMLSource(bytes, file: file, limits: limits)
        var scanner = YAMLScanner(source.scalars, depthMax: limits.depthMax)
        scanner.scan()
        guard scanner.findings.isEmpty else { throw source.diagnostics(scanner.findings) }
        var composer = YAMLComposer(source: source, outline: scanner.outline, depthMax: limits.depthMax)
        let root = composer.compose()
        guard let root, composer.findings.isEmpty else { throw source.diagnostics(composer.findings) }
        return YAMLDocument(file: file, root: root, source: source, outline: scanner.outline)
    }

    package static func parse(
        _ text: String, file: String, limits: YAMLLimits = .default
    ) throws(Diagnostics) -> YAMLDocument {
        try parse(text.utf8, file: file, limits: limits)
    }

    /// A line of the source by its number from 1, without its end.
    package func line(_ number: Int) -> String? { source.line(number) }

    /// A mistake at a place of this file, with its line and caret.
    package func diagnostic(
        _ code: String, at place: Place, width: Int = 1, severity: Diagnostic.Severity = .error,
        message: String, suggestion: String? = nil
    ) -> Diagnostic {
        Diagnostic(
            code: code, severity: severity, place: place, message: message, suggestion: suggestion,
            sourceLine: line(place.line), width: width)
    }
}

/// A mistake of form before its line is looked up.
struct YAMLFinding: Hashable {
    var code: YAMLCode
    var mark: YAMLMark
    var width = 1
    var message: String
    var suggestion: String?
}

/// Line and column from 1, columns in code points.
struct YAMLMark: Hashable, Comparable {
    var line: Int
    var column: Int

    static func < (left: Self, right: Self) -> Bool { (left.line, left.column) < (right.line, right.column) }
}

/// What stands behind a `#`, with it.
struct YAMLComment: Hashable {
    var mark: YAMLMark
    var text: String
    /// Nothing stands before it on its line.
    var isAlone: Bool
}
