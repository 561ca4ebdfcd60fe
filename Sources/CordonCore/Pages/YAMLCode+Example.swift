// SPDX-License-Identifier: Apache-2.0

import CordonLanguage

extension YAMLCode {
    /// A playbook or workflow that yields this number and no other.
    var example: DiagnosticExample? {
        switch self {
        case .syntax, .tag, .reference, .duplicateKey, .mergeKey, .ambiguousWord, .tooLarge, .tooDeep, .tab,
            .severalDocuments, .notUTF8, .byteOrderMark, .empty:
            exampleOfForm
        case .keyNotText, .exclamationMark, .questionMark, .strayColon, .invisibleCharacter, .ambiguousNumber:
            exampleOfScalars
        case .missingField, .unknownField, .wrongType, .badDuration, .outOfRange, .notOneOf, .badPercentage:
            exampleOfFields
        }
    }

    private var exampleOfForm: DiagnosticExample? {
        let title = "title: Secret found"
        return switch self {
        case .syntax: .init(.playbook, wrong: "title: @Secret found", right: "title: \"@Secret found\"", at: title)
        case .tag: .init(.playbook, wrong: "owner: !!str team/appsec", right: "owner: team/appsec")
        case .reference: .init(.playbook, wrong: "owner: &us team/appsec", right: "owner: team/appsec")
        case .duplicateKey: .init(.playbook, wrong: "mode: enforce\nmode: shadow", right: "mode: enforce")
        case .mergeKey:
            .init(
                .playbook, wrong: "maps: { <<: { owasp_nhi: [NHI2] } }", right: "maps: { owasp_nhi: [NHI2] }")
        case .ambiguousWord: .init(.playbook, wrong: "mode: off", right: "mode: \"off\"", at: "mode: enforce")
        case .tooLarge:
            .init(
                .playbook, wrong: "title: " + String(repeating: "far too long ", count: 6000), right: title)
        case .tooDeep:
            .init(
                .playbook,
                wrong:
                    "maps: { owasp_nhi: \(String(repeating: "[", count: 30))NHI2\(String(repeating: "]", count: 30)) }",
                right: "maps: { owasp_nhi: [NHI2] }")
        case .tab: .init(.playbook, wrong: "\tsignal: secret.exposed", right: "  signal: secret.exposed")
        case .severalDocuments:
            .init(
                .playbook, wrong: "maps: { owasp_nhi: [NHI2] }\n---\nplaybook: another",
                right: "maps: { owasp_nhi: [NHI2] }")
        case .notUTF8:
            .init(.playbook, wrong: Array("title: Caf".utf8) + [0xE9], right: "title: Café", at: title)
        case .byteOrderMark: .init(.playbook, wrong: "\u{FEFF}playbook: example", right: "playbook: example")
        case .empty: .init(.playbook, wrong: "# nothing yet\n", right: DiagnosticExample.goodPlaybook)
        default: nil
        }
    }

    private var exampleOfScalars: DiagnosticExample? {
        let title = "title: Secret found"
        let when = "when: signal.validity == \"active\""
        return switch self {
        case .keyNotText:
            .init(
                .playbook, wrong: "maps: { 2025: [NHI2] }", right: "maps: { \"2025\": [NHI2] }",
                at: "maps: { owasp_nhi: [NHI2] }")
        case .exclamationMark:
            .init(
                .playbook, wrong: "when: !has(signal.occurred_at)", right: "when: \"!has(signal.occurred_at)\"",
                at: when)
        case .questionMark:
            .init(.playbook, wrong: "title: ? what leaked", right: "title: \"? what leaked\"", at: title)
        case .strayColon:
            .init(.playbook, wrong: "title: Leak: end it now", right: "title: \"Leak: end it now\"", at: title)
        case .invisibleCharacter:
            .init(.playbook, wrong: "when: signal.validity == \"active\u{202E}\"", right: when)
        case .ambiguousNumber: .init(.playbook, wrong: "title: 22:30", right: "title: \"22:30\"", at: title)
        default: nil
        }
    }

    private var exampleOfFields: DiagnosticExample? {
        switch self {
        case .missingField:
            .init(.playbook, wrong: "title: Secret found", right: "title: Secret found\nowner: team/appsec")
        case .unknownField: .init(.playbook, wrong: "  on_undecidd: skip", right: "  on_undecided: skip")
        case .wrongType: .init(.playbook, wrong: "title: 42", right: "title: \"42\"", at: "title: Secret found")
        case .badDuration:
            .init(.playbook, wrong: "within: 1h30m", right: "within: 90m", at: "within: 15m")
        case .outOfRange: .init(.playbook, wrong: "within: 90d", right: "within: 30d", at: "within: 15m")
        case .notOneOf: .init(.playbook, wrong: "mode: enforced", right: "mode: enforce")
        case .badPercentage:
            .init(
                .playbook, wrong: "guards: { limits: { share: 0.03 } }\nmaps: { owasp_nhi: [NHI2] }",
                right: "guards: { limits: { share: 3% } }\nmaps: { owasp_nhi: [NHI2] }",
                at: "maps: { owasp_nhi: [NHI2] }")
        default: nil
        }
    }
}
