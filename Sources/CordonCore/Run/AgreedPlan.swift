// SPDX-License-Identifier: Apache-2.0

import CordonLanguage

/// What a person saw of a proposed run before they agreed to it: all that would be done, and the states it would be done to.
package struct AgreedPlan: Sendable, Hashable {
    /// How they showed who they are.
    package enum Method: String, Sendable, Hashable {
        /// By an access token.
        case token
        /// By a link that was sent to them.
        case link
    }

    /// `sha256:` of what was shown.
    package var digest: String
    /// The evidence that holds what the digest was taken over.
    package var kept: String
    package var method: Method
    /// The role of the token, or the receiver whom the link was sent to.
    package var group: String

    package init(digest: String, kept: String, method: Method, group: String) {
        self.digest = digest
        self.kept = kept
        self.method = method
        self.group = group
    }

    var value: Value {
        [
            "digest": .string(digest), "kept": .string(kept), "method": .string(method.rawValue),
            "group": .string(group),
        ]
    }

    init(_ fields: Fields) throws(UnreadableRecord) {
        self.init(
            digest: try fields.string("digest"), kept: try fields.string("kept"), method: try fields.oneOf("method"),
            group: try fields.string("group"))
    }
}
