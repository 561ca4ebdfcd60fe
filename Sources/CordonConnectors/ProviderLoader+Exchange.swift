// SPDX-License-Identifier: Apache-2.0

import CordonCore
import CordonLanguage

extension ProviderLoader {
    private enum Method: String, CaseIterable { case GET, POST, PUT, PATCH, DELETE, MAIL }

    /// What a request's templates may use: settings and secrets by their declared names.
    var requestVariables: [String: Schema] {
        var own: [String: ObjectSchema.Field] = [:]
        for (name, setting) in settings { own[name] = .init(.string, isOptional: !setting.isRequired) }
        var held: [String: ObjectSchema.Field] = [:]
        for name in secrets + subjectSecrets { held[name] = .init(.string) }
        for name in optionalSecrets { held[name] = .init(.string, isOptional: true) }
        return [
            "provider": .object("provider", own), "with": .any, "secret": .object("secret", held), "mark": .string,
            "issued": .object("issued", ["value": .init(.any), "text": .init(.string)]),
        ]
    }

    private var answerVariables: [String: Schema] {
        ["status": .int, "headers": .map(.string), "body": .any, "with": .any, "mark": .string]
    }

    /// A request with its answers, the fields standing in `map` itself.
    ///
    /// - Parameter cut: what of it is kept as a mark alone.
    func exchange(_ map: YAMLFields, isRead: Bool, cut: Set<String> = []) -> ProviderShape.Exchange? {
        let kept = keep(map, cut)
        let answers = map.mapping("answers", required: true).map(self.answers)
        // What changes something names its target itself.
        let pages = isRead ? map.mapping("pages").flatMap(self.pages) : nil
        let pick = isRead ? map.mapping("pick").flatMap(self.pick) : nil
        guard let fields = map.mapping("request", required: true) else { return nil }
        let request = self.request(fields)
        guard let request, let answers else { return nil }
        return ProviderShape.Exchange(
            request: request, answers: answers, pages: pages, pick: pick, kept: kept, format: format)
    }

    /// What names a new credential, and what of it nobody may see: both are handed to whoever delivers it, in memory.
    func issues(_ map: YAMLFields) -> ProviderShape.Issue? {
        defer { map.refuseUnknown() }
        let known = loader.argumentMap(open(map, "known"), variables: answerVariables)
        let secret = loader.argumentMap(open(map, "secret"), variables: answerVariables)
        if secret.isEmpty {
            map.report(
                DefinitionCode.badAnswer.rawValue, map.keys.first ?? "secret",
                "it issues something, and nothing secret",
                "name under 'secret' what the answer holds: secret: { password: \"${body.password}\" }")
        }
        return ProviderShape.Issue(known: known, secret: secret)
    }

    /// A list of members, or a map that computes each.
    private func keep(_ map: YAMLFields, _ cut: Set<String>) -> ProviderShape.Keep {
        guard let node = map.node("keep"), node.entries != nil else {
            let names = map.strings("keep") ?? []
            refuseKeptSecrets(map, names.filter { !cut.contains($0) })
            return .members(names)
        }
        if let fields = map.mapping("keep") { refuseKeptSecrets(map, fields.keys.filter { !cut.contains($0) }) }
        return .computed(loader.argumentMap(node, variables: answerVariables))
    }

    /// What is kept of an answer stands in the history for ever.
    private func refuseKeptSecrets(_ map: YAMLFields, _ names: [String]) {
        for name in names where Redaction.secretNames.contains(name) {
            map.report(
                DefinitionCode.badSetting.rawValue, "keep",
                "'\(name)' is a secret, and what is kept stands in the history for ever",
                "keep what names it, such as its id; or in a 'state' name it under 'secret' too, and a mark is kept")
        }
    }

    // MARK: Requests

    private func request(_ fields: YAMLFields) -> ProviderShape.Request? {
        defer { fields.refuseUnknown() }
        var variables = requestVariables
        if fields.has("mail") {
            let method = fields.oneOf("method", Method.self, required: true)
            if let method, method != .MAIL {
                fields.report(
                    DefinitionCode.badSetting.rawValue, "method", "a mail is no \(method.rawValue)",
                    "write method: MAIL")
            }
            return mailRequest(fields, variables)
        }
        let jwt = fields.mapping("jwt").flatMap { self.jwt($0, variables) }
        if let jwt { variables["jwt"] = optionalSecrets.contains(jwt.key) ? .any : .string }
        let method = fields.oneOf("method", Method.self, required: true)
        if method == .MAIL {
            fields.report(
                DefinitionCode.badSetting.rawValue, "method", "what the mail says is missing", "write it under 'mail'")
        }
        let to = fields.string("to", required: true)
        if let to, settings[to]?.kind != .url {
            fields.report(
                DefinitionCode.badSetting.rawValue, "to", "'\(to)' is no setting of type url",
                suggestion(to, settings.filter { $0.value.kind == .url }.keys.sorted()))
        }
        let path = self.path(fields, variables)
        let tail = fields.node("tail").flatMap { node in
            fields.string("tail").flatMap { loader.template(node, $0, variables: variables) }
        }
        let query = loader.argumentMap(open(fields, "query"), variables: variables)
        let headers = loader.argumentMap(open(fields, "headers"), variables: variables)
        let form = loader.argumentMap(fields.node("form"), variables: variables)
        let merged = fields.node("merge").flatMap { loader.arguments($0, variables: variables) }
        let json = merged ?? fields.node("json").flatMap { loader.arguments($0, variables: variables) }
        let text = fields.node("text").flatMap { node in
            fields.string("text").flatMap { loader.template(node, $0, variables: variables) }
        }
        let mediaType = fields.string("media_type")
        let isAnonymous = fields.bool("anonymous") ?? false
        // Whoever is not Cordon may be the subject, by what it holds.
        refuseOwnHeaders(fields, headers.keys.sorted().filter { !isAnonymous || $0.lowercased() != "authorization" })
        let isAsIssued = fields.bool("as_issued") ?? false
        if text != nil, json != nil || !form.isEmpty {
            fields.report(
                DefinitionCode.badSetting.rawValue, "text", "a request has one body: 'text', 'json' or 'form'")
        }
        if merged != nil, method != .PUT || fields.has("json") || !query.isEmpty {
            fields.report(
                DefinitionCode.badSetting.rawValue, "merge",
                "what is read and sent back whole is sent by PUT to its own address",
                "write method: PUT, and neither 'json' nor 'query' beside it")
        }
        guard let method, let to else { return nil }
        var request = ProviderShape.Request(
            method: method.rawValue, to: to, path: path, tail: tail, query: query,
            headers: Dictionary(headers.map { ($0.key.lowercased(), $0.value) }) { first, _ in first }, form: form,
            json: json, text: text, mediaType: mediaType ?? (text == nil ? "application/json" : "text/plain"), jwt: jwt,
            isAnonymous: isAnonymous)
        request.isAsIssued = isAsIssued
        request.isMerged = merged != nil
        return request
    }

    func open(_ fields: YAMLFields, _ key: String) -> YAMLNode? {
        guard let map = fields.mapping(key) else { return nil }
        _ = map.keys
        return map.node
    }

    private func path(_ fields: YAMLFields, _ variables: [String: Schema]) -> Template? {
        guard let node = fields.node("path"), let text = fields.string("path") else { return nil }
        guard let template = loader.template(node, text, variables: variables) else { return nil }
        let fixed = template.parts.map { part in if case .text(let text) = part { text } else { "x" } }.joined()
        if !text.hasPrefix("/") {
            fields.report(DefinitionCode.badPath.rawValue, "path", "a path begins with a slash")
        } else if fixed.contains("?") || fixed.contains("#") {
            fields.report(
                DefinitionCode.badPath.rawValue, "path", "a path holds no question mark and no number sign",
                "write what follows under 'query'")
        } else if hasEmptySegment(fixed) {
            fields.report(
                DefinitionCode.badPath.rawValue, "path", "a segment of the path is empty, '.' or '..'",
                "it would address the collection, or another path")
        }
        return template
    }

    /// A slash at the end is a path of its own to many servers.
    private func hasEmptySegment(_ path: String) -> Bool {
        let inner = path.hasSuffix("/") ? path.dropLast() : path[...]
        return inner.split(separator: "/", omittingEmptySubsequences: false).dropFirst().contains {
            $0.isEmpty || $0 == "." || $0 == ".."
        }
    }

    /// What says who asks and how the message is framed is not a request's to say.
    private func refuseOwnHeaders(_ fields: YAMLFields, _ names: [String]) {
        let own: Set<String> = [
            "authorization", "connection", "content-length", "content-type", "expect", "host",
            "idempotency-key", "transfer-encoding", "user-agent",
        ]
        for name in names where own.contains(name.lowercased()) {
            fields.report(
                DefinitionCode.badSetting.rawValue, "headers", "the header '\(name)' is not a request's to set",
                "'authentication' says who asks, 'media_type' what a JSON body is")
        }
    }

    // MARK: Answers

    /// `next: link`, `next` as an address out of the answer, a `cursor` with the parameter that takes it, `as`, or the
    /// parameter that says how many were before, `offset`, with the `size` of a page.
    private func pages(_ map: YAMLFields) -> ProviderShape.Pages? {
        defer { map.refuseUnknown() }
        let items = map.node("items", required: true).flatMap { loader.arguments($0, variables: answerVariables) }
        let next = map.node("next").flatMap { loader.arguments($0, variables: answerVariables) }
        let cursor = map.node("cursor").flatMap { loader.arguments($0, variables: answerVariables) }
        let parameter = map.string("as")
        let part = map.oneOf("in", ProviderShape.Pages.Part.self)
        let offset = self.offset(map, part ?? .query)
        guard let items else { return nil }
        switch (next, cursor, parameter, offset) {
        case (.literal("link")?, nil, nil, nil) where part == nil: return ProviderShape.Pages(items: items, next: .link)
        case (.template(let template)?, nil, nil, nil) where part == nil:
            return ProviderShape.Pages(items: items, next: .address(.template(template)))
        case (nil, .template(let template)?, let parameter?, nil):
            return ProviderShape.Pages(
                items: items, next: .cursor(.template(template), parameter: parameter, in: part ?? .query))
        case (nil, nil, nil, let offset?): return ProviderShape.Pages(items: items, next: offset)
        default:
            map.report(
                DefinitionCode.badAnswer.rawValue, "items",
                "how the listing goes on can't be told from what stands there",
                "write next: link, or next: \"${body.…}\", or cursor: \"${body.…}\" with as: PARAMETER, or offset: PARAMETER with size: NUMBER"
            )
            return nil
        }
    }

    private func offset(_ map: YAMLFields, _ part: ProviderShape.Pages.Part) -> ProviderShape.Pages.Next? {
        let parameter = map.string("offset")
        let size = map.int("size", in: 1...Int64(Limits.listingItemsMax))
        let first = map.int("first", in: 0...1)
        let total = map.node("total").flatMap { loader.arguments($0, variables: answerVariables) }
        guard let parameter, let size else { return nil }
        return .offset(parameter: parameter, size: Int(size), first: Int(first ?? 0), total: total, in: part)
    }

    private func pick(_ map: YAMLFields) -> ProviderShape.Pick? {
        defer { map.refuseUnknown() }
        let from = map.string("from", required: true)
        let equal = loader.argumentMap(
            open(map, "equal"), variables: ["with": .any])
        if equal.isEmpty {
            map.report(
                DefinitionCode.badAnswer.rawValue, "from", "a pick without 'equal' would take whoever stands there",
                "say which member must equal what: equal: { id: \"${with.account.user_id}\" }")
        }
        let path = (from ?? "").split(separator: ".", omittingEmptySubsequences: false).map(String.init)
        if let from, path.contains("") {
            map.report(DefinitionCode.badPath.rawValue, "from", "'\(from)' is no path of members joined by dots")
        }
        guard from != nil else { return nil }
        return ProviderShape.Pick(from: path, equal: equal)
    }

    private func answers(_ map: YAMLFields) -> ProviderShape.Answers {
        defer { map.refuseUnknown() }
        let answers = ProviderShape.Answers(
            done: statuses(map, "done", required: true), already: statuses(map, "already"),
            later: statuses(map, "later"), refused: statuses(map, "refused"), conflict: statuses(map, "conflict"),
            rules: (map.mappings("rules") ?? []).compactMap(rule))
        var meanings: [Int: String] = [:]
        for (key, set) in [
            ("done", answers.done), ("already", answers.already), ("later", answers.later),
            ("refused", answers.refused), ("conflict", answers.conflict),
        ] {
            for status in set.sorted() {
                if let other = meanings[status] {
                    map.report(
                        DefinitionCode.badAnswer.rawValue, key, "\(status) stands under '\(other)' and '\(key)'",
                        "a status means one thing; what the body tells goes into 'rules'")
                } else {
                    meanings[status] = key
                }
            }
        }
        refuseForeign(map, answers)
        return answers
    }

    /// A gateway, a proxy and a wrong address answer 404 too: it counts where something in it is the provider's own.
    private func refuseForeign(_ map: YAMLFields, _ answers: ProviderShape.Answers) {
        let missing = 404
        func counts(_ kind: Outcome.Kind) -> Bool { kind == .done || kind == .already }
        let looking = answers.rules.filter { rule in
            rule.statuses?.contains(missing) != false
                && rule.condition.reads.contains { $0.first == "body" || $0.first == "headers" }
        }
        let blind = answers.rules.contains { rule in
            rule.statuses?.contains(missing) == true && counts(rule.means) && !looking.contains(rule)
        }
        let key = answers.done.contains(missing) ? "done" : answers.already.contains(missing) ? "already" : nil
        guard blind || key != nil && !looking.contains(where: { !counts($0.means) }) else { return }
        map.report(
            DefinitionCode.foreignAnswer.rawValue, blind ? "rules" : key ?? "done",
            "a 404 is also what a gateway or a wrong address answers, so it shows nothing by itself",
            "tell the provider's own by a rule: rules: [{ status: [404], that: 'body.code != \"not_found\"', means: refused }]",
            isYoung: true)
    }

    private func statuses(_ map: YAMLFields, _ key: String, required: Bool = false) -> Set<Int> {
        Set(
            (map.value(key, required: required)?.arrayValue ?? []).compactMap { value in
                guard let number = value.intValue, (100...599).contains(number) else {
                    map.report(
                        DefinitionCode.badSetting.rawValue, key, "\(value.json) is no HTTP status",
                        "from 100 to 599")
                    return nil
                }
                return Int(number)
            })
    }

    private func rule(_ map: YAMLFields) -> ProviderShape.Answers.Rule? {
        defer { map.refuseUnknown() }
        let statuses = map.has("status") ? self.statuses(map, "status") : nil
        let condition = loader.expression(
            map.node("that", required: true), "that", variables: answerVariables, expecting: .bool)
        let means = map.oneOf("means", Outcome.Kind.self, required: true)
        guard let condition, let means else { return nil }
        return ProviderShape.Answers.Rule(statuses: statuses, condition: condition, means: means)
    }
}
