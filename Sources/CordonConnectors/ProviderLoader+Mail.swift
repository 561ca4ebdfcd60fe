// SPDX-License-Identifier: Apache-2.0

import CordonCore
import CordonLanguage

extension ProviderLoader {
    /// `mail` of a request, in the place of a method: whom it is from and to, by settings, and what it says.
    func mailRequest(_ fields: YAMLFields, _ variables: [String: Schema]) -> ProviderShape.Request? {
        guard let map = fields.mapping("mail") else { return nil }
        defer { map.refuseUnknown() }
        let to = fields.string("to", required: true)
        check(fields, "to", to, is: .mailServer)
        let from = map.string("from", required: true)
        check(map, "from", from, is: .mailAddress)
        let recipient = map.string("recipient", required: true)
        check(map, "recipient", recipient, is: .mailAddress)
        let user = map.string("user")
        if let user { check(map, "user", user, is: .string) }
        let password = map.string("password")
        if let password, !optionalSecrets.contains(password) {
            map.report(
                DefinitionCode.badSetting.rawValue, "password", "'\(password)' is none of the optional secrets",
                "name it under 'optional_secrets'")
        }
        let title = template(map, "title", variables)
        let text = template(map, "text", variables)
        guard let to, let from, let recipient, let title, let text else { return nil }
        var request = ProviderShape.Request(method: ProviderShape.Mail.method, to: to, path: nil)
        request.mail = ProviderShape.Mail(
            from: from, recipient: recipient, user: user, password: password, title: title, text: text)
        return request
    }

    private func template(_ map: YAMLFields, _ key: String, _ variables: [String: Schema]) -> Template? {
        map.node(key, required: true).flatMap { node in
            map.string(key).flatMap { loader.template(node, $0, variables: variables) }
        }
    }

    private func check(_ map: YAMLFields, _ key: String, _ name: String?, is kind: ProviderShape.SettingKind) {
        guard let name, settings[name]?.kind != kind else { return }
        map.report(
            DefinitionCode.badSetting.rawValue, key, "'\(name)' is no setting of type \(kind.rawValue)",
            suggestion(name, settings.filter { $0.value.kind == kind }.keys.sorted()))
    }
}
