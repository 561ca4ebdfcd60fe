// SPDX-License-Identifier: Apache-2.0

package import CordonCore
package import CordonLanguage

/// Where a source's bodies hold what must not reach the disk, by what it is.
package struct Redaction: Sendable, Hashable {
    package struct Rule: Sendable, Hashable {
        package var place: JSONPlace
        package var kind: Alert.Cut.Kind
    }

    package var rules: [Rule]

    package init(_ rules: [Rule] = []) { self.rules = rules }

    /// Members of that name hold a secret, whatever the system.
    static let secretNames = [
        "password", "client_secret", "clientSecret", "private_key", "privateKey", "access_token", "accessToken",
        "refresh_token", "refreshToken", "id_token", "secret_access_key", "secretAccessKey", "SecretAccessKey",
        "SessionToken",
    ]
    static let everywhere: [Rule] = secretNames.compactMap { name in
        JSONPlace("/**/\(name)").map { Rule(place: $0, kind: .secret) }
    }

    /// Reads `redact`, a list of places for each class.
    static func read(_ map: YAMLFields) -> Redaction {
        defer { map.refuseUnknown() }
        var rules: [Rule] = []
        for kind in Alert.Cut.Kind.allCases {
            for text in map.strings(kind.rawValue) ?? [] {
                if let place = JSONPlace(text) {
                    rules.append(Rule(place: place, kind: kind))
                } else {
                    map.report(
                        DefinitionCode.badSetting.rawValue, kind.rawValue, "'\(text)' is no place in a body",
                        "begin with a slash and name each field, as in /alert/secret; * is any one field or item, "
                            + "** any number of them")
                }
            }
        }
        if rules.count > Limits.redactedPlacesMax {
            map.report(
                DefinitionCode.tooMany.rawValue, "secret",
                "\(rules.count) places, the limit is \(Limits.redactedPlacesMax) (redactedPlacesMax)")
        }
        return Redaction(rules)
    }
}
