// SPDX-License-Identifier: Apache-2.0

import CordonLanguage

/// Text that has the form of a credential, by the marks that issuers put on theirs so that such texts are found.
enum InlineSecret {
    private static let marks = [
        "ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_", "glpat-", "xoxb-", "xoxp-", "xoxa-", "xapp-", "AKIA",
        "ASIA", "sk_live_", "rk_live_", "AIza", "hvs.", "npm_", "dop_v1_", "pypi-", "SG.",
    ]
    /// How much has to follow a mark: the shortest is the key id of AWS.
    private static let lengthMin = 16

    static func isIn(_ text: String) -> Bool {
        if text.contains("-----BEGIN ") || isToken(text) { return true }
        return marks.contains { mark in
            var rest = text[...]
            while let place = rest.firstRange(of: mark) {
                let before = rest[..<place.lowerBound].last
                let body = rest[place.upperBound...].prefix { isSecretCharacter($0) }
                if body.count >= lengthMin, before.map(isSecretCharacter) != true { return true }
                rest = rest[place.upperBound...]
            }
            return false
        }
    }

    /// A signed JSON web token: three parts, the first of which begins a JSON object.
    private static func isToken(_ text: String) -> Bool {
        text.split { !isSecretCharacter($0) && $0 != "." }.contains { word in
            let parts = word.split(separator: ".", omittingEmptySubsequences: false)
            return parts.count == 3 && parts[0].hasPrefix("eyJ") && parts[1].hasPrefix("eyJ") && word.count > 40
        }
    }

    private static func isSecretCharacter(_ character: Character) -> Bool {
        character.isASCII && (character.isLetter || character.isNumber || character == "_" || character == "-")
    }
}

extension DefinitionLoader {
    /// The line is not shown: what tells of a secret must not spread it.
    func refuseSecret(_ text: String, at node: YAMLNode, isYoung: Bool = false) {
        guard InlineSecret.isIn(text) else { return }
        reader.report(
            Diagnostic(
                code: DefinitionCode.inlineSecret.rawValue, place: node.place,
                message: "this has the form of a credential; it has been read by whoever can read the file",
                suggestion: "revoke it, take it out, and name where its successor lies in the connections",
                isYoung: isYoung))
    }
}
