// SPDX-License-Identifier: Apache-2.0

package import CordonLanguage

/// What a stored playbook says it answers (`maps:`), with the frameworks' own words.
package struct FrameworkMapping: Sendable, Hashable {
    package struct Entry: Sendable, Hashable {
        /// Under which `maps:` names its framework.
        package var key: String
        package var id: String
        /// Of a framework of one's own no name, version and titles are known; nor is the title of an entry that is not
        /// in the list of a known one.
        package var framework: String?
        package var version: String?
        package var title: String?

        package var value: Value {
            var members: [String: Value] = ["key": .string(key), "id": .string(id)]
            members["framework"] = framework.map(Value.string)
            members["version"] = version.map(Value.string)
            members["title"] = title.map(Value.string)
            return .object(members)
        }
    }

    package var playbook: String
    package var maps: [String: [String]]

    /// It was checked when it came into force: nothing else of it is read, so that those of older versions are, too.
    ///
    /// - Returns: nothing for what is no playbook.
    package init?(of source: [UInt8]) {
        guard
            let document = try? YAMLDocument.parse(source, file: "a stored definition", limits: .definition),
            let name = document.root["playbook"]?.value.stringValue
        else { return nil }
        playbook = name
        let told = document.root["maps"]?.value.objectValue ?? [:]
        maps = told.mapValues { ($0.arrayValue ?? []).compactMap(\.stringValue) }
    }

    /// By their frameworks' keys, and as the playbook lists them.
    package func entries(among frameworks: [Framework] = Framework.all) -> [Entry] {
        maps.sorted { $0.key < $1.key }.flatMap { key, ids in
            let framework = frameworks.first { $0.key == key }
            return ids.map { id in
                Entry(
                    key: key, id: id, framework: framework?.name, version: framework?.version,
                    title: framework?.items.first { $0.id == id }?.title)
            }
        }
    }
}
