// SPDX-License-Identifier: Apache-2.0

import CordonConnectors
package import CordonCore
package import CordonStore

/// What keeps the rows, and the files that the installation was set by.
extension StateAudit {
    mutating func checkSettings() async throws(StoreError) {
        for says in try await store.schemaDifferences() { report.find(.broken, .schemaDiffers, "cordon.db", says) }
        for (digest, place) in node.kept.sorted(by: { $0.value < $1.value }) {
            guard let file = try await store.definition(digest) else {
                report.find(.broken, .blobMissing, "settings \(digest)", "\(place) tells of it, and it is not there")
                continue
            }
            if digestText(file.source) != digest {
                report.find(.broken, .blobChanged, "settings \(digest)", "it is not what \(place) tells of")
            }
        }
    }
}

/// Compares the files of keys with what the history tells of them. A backup has none, and nothing is said of that.
package enum KeyAudit {
    package static func findings(_ store: any Store, _ state: StateFolder) async throws(StoreError) -> [AuditFinding] {
        var book = ConfigurationBook()
        try await book.read(store)
        let told = book.lines.filter { $0.key.hasPrefix(ConfigurationFile.keyPrefix) }
        let found = told.keys.map { String($0.dropFirst(ConfigurationFile.keyPrefix.count)) }.sorted().map {
            (name: $0, digest: state.keyDigest($0))
        }
        guard found.contains(where: { $0.digest != nil }) else { return [] }
        return found.compactMap { name, digest in
            guard let line = told[ConfigurationFile.keyPrefix + name], line.digest != digest else { return nil }
            guard digest != nil else {
                return AuditFinding(
                    .open, .keyChanged, "keys/\(name)",
                    "\(line.place) tells of it, and it is not there: restore it from your backup of keys")
            }
            return AuditFinding(
                .broken, .keyChanged, "keys/\(name)", "it is another key than the one that \(line.place) tells of")
        }
    }
}
