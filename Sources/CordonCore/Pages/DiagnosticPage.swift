// SPDX-License-Identifier: Apache-2.0

import CordonLanguage

/// What `cordon explain` says about one number: what it means, why, and a text that yields it, mended beside it.
package struct DiagnosticPage: Sendable, Hashable {
    package var code: String
    /// One line, without a full stop.
    package var title: String
    /// Why the rule stands, and what to write instead.
    package var explanation: String
    /// `nil` where no text of an author's yields the number.
    package var example: DiagnosticExample?

    private init(_ meaning: DiagnosticMeaning, _ example: DiagnosticExample?) {
        code = meaning.code
        title = meaning.meaning
        explanation = meaning.explanation
        self.example = example
    }

    /// One page for each number, in the order of the numbers.
    package static let all: [DiagnosticPage] =
        zip(YAMLCode.meanings, YAMLCode.allCases.map(\.example)).map(DiagnosticPage.init)
        + DefinitionCode.allCases.map { DiagnosticPage($0.page, $0.example) }
        + expressions

    private static let expressions: [DiagnosticPage] = {
        let examples: [DiagnosticExample?] =
            ExpressionIssue.Code.allCases.map(\.example) + EvaluationError.Code.allCases.map(\.example)
        return zip(ExpressionMeanings.all, examples).map(DiagnosticPage.init)
    }()

    /// The page of a number as people type it: `P014` or `p014`.
    package static func of(_ code: String) -> DiagnosticPage? {
        let wanted = code.uppercased()
        return all.first { $0.code == wanted }
    }
}

extension DefinitionCode {
    fileprivate var page: DiagnosticMeaning {
        DiagnosticMeaning(code: rawValue, meaning: meaning, explanation: explanation)
    }
}
