// SPDX-License-Identifier: Apache-2.0

import CordonLanguage

/// Which entries of the frameworks the loaded playbooks answer, which none answers, and which none knows.
package struct FrameworkCoverage: Sendable, Hashable {
    package struct Row: Sendable, Hashable {
        package var framework: Framework
        package var item: Framework.Item
        /// By name, in order.
        package var playbooks: [String]
    }

    /// What a playbook names and no framework lists: misspelt, or of another version.
    package struct Stranger: Sendable, Hashable {
        package var playbook: String
        package var key: String
        package var id: String
        /// What was perhaps meant.
        package var near: String?
    }

    package private(set) var rows: [Row] = []
    package private(set) var strangers: [Stranger] = []

    package init(of playbooks: [Playbook], among frameworks: [Framework] = Framework.all) {
        for framework in frameworks {
            for item in framework.items {
                let names = playbooks.filter { $0.maps[framework.key]?.contains(item.id) ?? false }.map(\.name)
                rows.append(Row(framework: framework, item: item, playbooks: names.sorted()))
            }
        }
        for playbook in playbooks.sorted(by: { $0.name < $1.name }) {
            for (key, ids) in playbook.maps.sorted(by: { $0.key < $1.key }) {
                let known = frameworks.first { $0.key == key }
                for id in ids where known?.items.contains(where: { $0.id == id }) != true {
                    let near =
                        known.map { nearest(to: id, among: $0.items.map(\.id)) }
                        ?? nearest(to: key, among: frameworks.map(\.key))
                    strangers.append(Stranger(playbook: playbook.name, key: key, id: id, near: near))
                }
            }
        }
    }
}
