// SPDX-License-Identifier: Apache-2.0

package import CordonLanguage

/// The most that an installation lets one run of a playbook be able to do: `policy` of `cordon.yaml`. What is not said
/// there is not bounded by it.
package struct RunPolicy: Sendable, Hashable {
    /// Steps that change something.
    package var writesMax: Int?
    /// Those of them that can't be undone.
    package var irreversibleMax: Int?
    /// Questions to people.
    package var questionsMax: Int?
    package var holdMillisecondsMax: Int64?

    package init(
        writesMax: Int? = nil, irreversibleMax: Int? = nil, questionsMax: Int? = nil, holdMillisecondsMax: Int64? = nil
    ) {
        self.writesMax = writesMax
        self.irreversibleMax = irreversibleMax
        self.questionsMax = questionsMax
        self.holdMillisecondsMax = holdMillisecondsMax
    }

    /// What of a playbook is above it, told at the place where the playbook names its workflow.
    ///
    /// - Parameter bytes: the playbook's file.
    package func mistakes(
        of playbook: Playbook, among workflows: [String: Workflow], bytes: [UInt8], file: String
    ) -> [Diagnostic] {
        guard let workflow = workflows[playbook.workflow] else { return [] }
        let excesses = excesses(WorstCase(of: workflow, among: workflows))
        guard !excesses.isEmpty, let document = try? YAMLDocument.parse(bytes, file: file, limits: .definition) else {
            return []
        }
        let name = document.root["run"]?["workflow"]
        return excesses.map { excess in
            document.diagnostic(
                DefinitionCode.abovePolicy.rawValue, at: name?.place ?? document.root.place,
                width: workflow.name.count, severity: .error,
                message: "one run of \(workflow.name) \(excess.can), the policy allows \(excess.allowed)",
                suggestion: "lower the workflow's 'max' and holds, or raise policy.\(excess.setting) in cordon.yaml")
        }
    }

    private struct Excess {
        var can: String
        var allowed: String
        var setting: String
    }

    private func excesses(_ worst: WorstCase) -> [Excess] {
        var found: [Excess] = []
        let writes = worst.writes.values.reduce(0) { sum, count in
            let (both, isOver) = sum.addingReportingOverflow(count)
            return isOver ? Int.max : both
        }
        if let most = writesMax, writes > most {
            found.append(Excess(can: "can change \(writes) things", allowed: "\(most)", setting: "writes"))
        }
        if let most = irreversibleMax, worst.irreversible > most {
            found.append(
                Excess(
                    can: "can do \(worst.irreversible) things that are not undone", allowed: "\(most)",
                    setting: "irreversible"))
        }
        if let most = questionsMax, worst.questions > most {
            found.append(
                Excess(can: "can ask people \(worst.questions) times", allowed: "\(most)", setting: "questions"))
        }
        if let most = holdMillisecondsMax, worst.longestHoldMilliseconds > most {
            found.append(
                Excess(
                    can: "can hold for \(YAMLDuration.text(milliseconds: worst.longestHoldMilliseconds))",
                    allowed: YAMLDuration.text(milliseconds: most), setting: "hold"))
        }
        return found
    }
}
