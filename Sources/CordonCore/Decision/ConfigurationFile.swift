// SPDX-License-Identifier: Apache-2.0

/// A file by which the installation is set, as it stood when it was read: whom it knows, whom it asks, how far it goes.
package struct ConfigurationFile: Sendable, Hashable {
    package static let inventory = "inventory"
    package static let connections = "connections"
    package static let guards = "guards"
    package static let settings = "settings"
    /// Before the name of a file that holds a key.
    package static let keyPrefix = "key "

    /// What it is to the installation, whatever the file is called.
    package var what: String
    package var name: String
    package var digest: String
    /// `nil`: of a key the digest alone is told.
    package var bytes: [UInt8]?

    /// Whether something in it has the form of a credential: then the history tells its digest alone.
    package static func holdsSecret(_ bytes: [UInt8]) -> Bool {
        let text = String(decoding: bytes, as: UTF8.self)
        if InlineSecret.isIn(text) { return true }
        return text.split(whereSeparator: \.isWhitespace).contains { word in
            guard let start = word.firstRange(of: "://")?.upperBound else { return false }
            return word[start...].prefix { $0 != "/" && $0 != "?" && $0 != "#" }.contains("@")
        }
    }

    package init(what: String, name: String, digest: String, bytes: [UInt8]?) {
        self.what = what
        self.name = name
        self.digest = digest
        self.bytes = bytes
    }
}
