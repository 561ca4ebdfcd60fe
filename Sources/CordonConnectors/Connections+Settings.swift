// SPDX-License-Identifier: Apache-2.0

import CordonCore
package import CordonLanguage
import Foundation

// The settings of a provider's connection: what is wrong with one is told when it is read, and not in an incident.

extension Connections {
    static func readSettings(
        _ map: YAMLFields, _ shape: ProviderShape?, _ egress: EgressPolicy
    ) -> [String: String] {
        // Read in any case: it is known, also where the connector is not.
        guard let fields = map.mapping("settings", required: shape != nil), let shape else { return [:] }
        defer { fields.refuseUnknown() }
        var out: [String: String] = [:]
        for (name, setting) in shape.settings.sorted(by: { $0.key < $1.key }) {
            guard let text = fields.string(name, required: setting.isRequired) else { continue }
            if let (message, advice) = setting.kind.mistake(text, egress) {
                // Plain HTTP was loaded before it was refused here, and only its calls were not made.
                fields.report(
                    DefinitionCode.badSetting.rawValue, name, "'\(name)' \(message)", advice,
                    isYoung: text.hasPrefix("http://"))
            }
            out[name] = text
        }
        return out
    }

    /// A warning for each address that is written out as a number, or as this machine, and that the connection's egress
    /// doesn't open: every call to it would be refused.
    package func closedAddresses(_ connectors: [String: Connector], bytes: [UInt8], file: String) -> [Diagnostic] {
        guard let document = try? YAMLDocument.parse(bytes, file: file) else { return [] }
        return providers.flatMap { provider -> [Diagnostic] in
            let kinds = connectors[provider.connector]?.provider?.settings.mapValues(\.kind) ?? [:]
            let entry = document.root["providers"]?.items?.first { $0["id"]?.scalar?.value == .string(provider.id) }
            return provider.settings.sorted { $0.key < $1.key }.compactMap { name, text in
                guard let reason = kinds[name]?.refusal(text, provider.egress) else { return nil }
                return document.diagnostic(
                    DefinitionCode.badSetting.rawValue,
                    at: entry?["settings"]?[name]?.place ?? entry?["id"]?.place ?? document.root.place,
                    width: text.count, severity: .warning,
                    message: "every call to '\(name)' of '\(provider.id)' will be refused: \(reason)",
                    suggestion: "open it: egress: { loopback: true }, or egress: { networks: [NETWORK] }")
            }
        }
    }

    /// Who signs in at a mail server says both who it is and by what.
    static func checkMail(
        _ map: YAMLFields, _ shape: ProviderShape, _ settings: [String: String], _ secrets: [String: SecretReference]
    ) {
        for mail in shape.actions.values.compactMap(\.act.request.mail) {
            guard let user = mail.user, let password = mail.password,
                (settings[user] == nil) != (secrets[password] == nil)
            else { continue }
            map.report(
                DefinitionCode.badSecret.rawValue, "secrets",
                "the setting '\(user)' and the secret '\(password)' go together",
                "write both, or none")
        }
    }
}

extension ProviderShape.SettingKind {
    /// What is wrong with a value of this kind, and what to write instead.
    fileprivate func mistake(_ text: String, _ egress: EgressPolicy) -> (message: String, advice: String)? {
        switch self {
        case .url:
            if text.hasPrefix("https://") { return nil }
            guard text.hasPrefix("http://") else { return ("is no absolute URL", "write https://…") }
            return egress.allowsPlainHTTP
                ? nil
                : (
                    "is http, so every call to it will be refused",
                    "write https://…, or egress: { plain_http: true } where nobody else is on the line"
                )
        case .duration:
            let isSound = YAMLDuration.milliseconds(text).map { (0...Limits.residualMillisecondsMax).contains($0) }
            return isSound == true
                ? nil
                : ("is no duration of a year at most", "write a number and a unit: 90s, 15m, 24h or 7d")
        case .mailServer:
            return MailAddress.isServer(text)
                ? nil : ("is no address of a mail server", "write smtp://HOST:PORT, or smtps://HOST:PORT")
        case .mailAddress:
            return MailAddress.isSound(text) ? nil : ("is no mail address", "write ops@example.com")
        case .string:
            let isControl = text.unicodeScalars.contains { $0.value < 0x20 || $0.value == 0x7F }
            return isControl ? ("holds a control character", "leave it out") : nil
        }
    }

    /// Why an address that is written out can't be reached; a name shows it only when it is looked up.
    fileprivate func refusal(_ text: String, _ egress: EgressPolicy) -> String? {
        guard self == .url || self == .mailServer, let host = URLComponents(string: text)?.host,
            let guarded = try? AddressGuard(egress)
        else { return nil }
        let written = host == "localhost" ? "127.0.0.1" : host.trimmingCharacters(in: CharacterSet(charactersIn: "[]"))
        return IPAddress(written).flatMap(guarded.refusal)
    }
}
