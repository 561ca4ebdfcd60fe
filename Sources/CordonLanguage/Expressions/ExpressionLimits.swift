// SPDX-License-Identifier: Apache-2.0

/// How much an expression may be and may do. Each bound holds for one expression.
package struct ExpressionLimits: Sendable, Hashable {
    /// Length of the source in code points.
    package var codePointsMax: Int
    /// Height of the syntax tree, and nesting of brackets; a chain of `&&` or of `||` counts as one level.
    package var depthMax: Int
    /// How deep loops over lists and maps (`all`, `exists`, `map` …) may stand in each other.
    package var macroNestingMax: Int
    /// Work done by one evaluation, in the units of Kubernetes.
    package var costMax: Int
    /// Bytes of all values that one evaluation makes.
    package var valueBytesMax: Int
    /// Compiled size of one regular expression, in instructions; also the longest source of one, in bytes.
    package var patternInstructionsMax: Int
    /// Author's mistakes reported at once.
    package var issuesMax: Int
    /// Holes `${…}` in one template.
    package var holesMax: Int

    package init(
        codePointsMax: Int = 4_096, depthMax: Int = 64, macroNestingMax: Int = 2, costMax: Int = 1_000_000,
        valueBytesMax: Int = 16_777_216, patternInstructionsMax: Int = 10_000, issuesMax: Int = 20,
        holesMax: Int = 64
    ) {
        self.codePointsMax = codePointsMax
        self.depthMax = depthMax
        self.macroNestingMax = macroNestingMax
        self.costMax = costMax
        self.valueBytesMax = valueBytesMax
        self.patternInstructionsMax = patternInstructionsMax
        self.issuesMax = issuesMax
        self.holesMax = holesMax
    }

    package static let `default` = ExpressionLimits()
}
