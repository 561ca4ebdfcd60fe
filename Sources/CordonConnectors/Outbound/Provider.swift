// SPDX-License-Identifier: Apache-2.0

package import CordonCore
import CordonLanguage

/// A provider ready to be called: its connector's shape, this instance's settings, and where its secrets lie.
package struct Provider: Sendable {
    package let connection: Connections.Provider
    package let shape: ProviderShape
    /// `‹secret:NAME›` for every secret.
    let handles: [String: Value]
    /// The settings as templates see them.
    private let settings: Value

    package init(connection: Connections.Provider, shape: ProviderShape) {
        self.connection = connection
        self.shape = shape
        handles = Dictionary(uniqueKeysWithValues: Set(shape.secretNames).map { ($0, .string("‹secret:\($0)›")) })
        settings = .object(connection.settings.mapValues(Value.string))
    }

    package var contracts: [String: Contract] { shape.contracts(connection.settings) }

    /// How it is told here who asks: the first way whose secrets this connection has.
    package var authentication: ProviderShape.Authentication {
        shape.way(having: Set(connection.secrets.keys))?.authentication ?? shape.authentication
    }

    /// What the request's templates may use. The same names with handles where secrets stand give the sealed form.
    func variables(_ arguments: Value, secrets: [String: Value], beside: Beside = Beside()) -> [String: Value] {
        var variables: [String: Value] = [
            "provider": settings, "with": arguments, "secret": .object(secrets), "mark": .string(beside.mark),
        ]
        if let issued = beside.issued { variables["issued"] = issued }
        return variables
    }

    /// What a request may carry that neither its arguments nor its connection say.
    struct Beside {
        /// The same for every call of a step and of its undo, and of no other: by it a probe finds what the step made.
        var mark = ""
        /// An issued credential, or its handle.
        var issued: Value?
    }

    /// The handle in an issued credential's place.
    static func sealed(_ arguments: Value, for request: ProviderShape.Request) -> Value? {
        guard let handle = arguments.secretHandle else { return nil }
        let parts = request.issuedParts
        let value: Value =
            parts.isEmpty
            ? .string(handle)
            : .object(Dictionary(parts.map { ($0, Value.string("\(handle).\($0)")) }) { first, _ in first })
        let issued: Value = ["value": value, "text": .string(handle)]
        return issued
    }
}

/// A request that is complete but for what the transport adds: its parts in a form that can be digested and compared.
package struct BuiltRequest: Sendable, Hashable {
    /// The setting that holds the address: what it is signed for depends on it.
    package var to: String
    package var method: String
    package var url: String
    package var headers: [String: String]
    package var body: [UInt8]?
    /// Nothing is put in that says who Cordon is.
    package var isAnonymous = false

    /// Canonical JSON: what the intent's request digest covers.
    var canonical: [UInt8] {
        var writer = JSONWriter(capacity: 320 + (body?.count ?? 0))
        writer.beginObject()
        writer.field("body", body.map { .string(String(decoding: $0, as: UTF8.self)) } ?? .null)
        writer.field("headers", .object(headers.mapValues(Value.string)))
        writer.field("method", method)
        writer.field("url", url)
        writer.endObject()
        return writer.bytes
    }
}

extension Provider {
    /// Builds the request of a purpose from the call's arguments, with `secrets` as the templates see them. Pure: what
    /// only the moment of sending gives, a token or a signature, stands there as a handle.
    func build(
        _ capability: String, _ purpose: Call.Purpose, _ arguments: Value, secrets: [String: Value],
        idempotencyKey: String?, beside: Beside = Beside(), for moment: BuildMoment = .sealing
    ) -> Result<BuiltRequest, Refusal> {
        guard let exchange = shape.action(capability)?.exchange(for: purpose) else {
            return .failure(Refusal(.unbuildable, "\(connection.id) does not offer \(capability)"))
        }
        return Result { () throws(Refusal) in
            var beside = beside
            beside.issued = beside.issued ?? Self.sealed(arguments, for: exchange.request)
            var built = try build(exchange, arguments, secrets, beside: beside, for: moment)
            built.isAnonymous = exchange.request.isAnonymous
            if !exchange.request.isAnonymous, let (name, value) = try credential(secrets, to: built.to) {
                built.headers[name] = value
            }
            if let idempotencyKey, !purpose.isRead { built.headers["idempotency-key"] = idempotencyKey }
            return built
        }
    }

    /// The request of an exchange without what says who asks.
    func build(
        _ exchange: ProviderShape.Exchange, _ arguments: Value, _ secrets: [String: Value],
        beside: Beside = Beside(), for moment: BuildMoment = .sealing
    ) throws(Refusal) -> BuiltRequest {
        let request = exchange.request
        guard var url = connection.settings[request.to] else {
            throw Refusal(.unbuildable, "\(connection.id) has no setting '\(request.to)'")
        }
        var variables = variables(arguments, secrets: secrets, beside: beside)
        if let mail = request.mail { return try build(mail, to: request.to, url, variables) }
        if let token = request.jwt {
            // An instance without the key signs nothing, where its connector leaves that open.
            let isLeftOut = shape.optionalSecrets.contains(token.key) && connection.secrets[token.key] == nil
            variables["jwt"] = isLeftOut ? .null : .string(try jwt(token, variables, moment))
        }
        if let path = request.path {
            if url.hasSuffix("/") { url.removeLast() }
            url += try renderPath(path, variables)
        }
        if let tail = request.tail {
            if !url.hasSuffix("/") { url += "/" }
            url += try renderTail(tail, variables)
        }
        let query = try pairs(request.query, "query parameter", variables)
        if !query.isEmpty { url += (url.contains("?") ? "&" : "?") + query.joined(separator: "&") }
        var headers = ["accept": exchange.format == .json ? "application/json" : "text/xml", "user-agent": "cordon"]
        if request.mediaType != "application/json" { headers["accept"] = request.mediaType + ", application/json" }
        for (name, arguments) in request.headers.sorted(by: { $0.key < $1.key }) {
            if let text = try scalar(arguments, "header '\(name)'", variables) { headers[name] = text }
        }
        if request.jwt?.isBearer == true, let token = variables["jwt"]?.stringValue {
            headers["authorization"] = "Bearer " + token
        }
        let body = try renderBody(request, variables)
        if let body { headers["content-type"] = body.mediaType }
        return BuiltRequest(
            to: request.to, method: request.method, url: url, headers: headers, body: body?.bytes)
    }

    /// A hole that renders empty would address the collection instead of the member, and a slash would address
    /// another path: at least one server deletes everybody's tokens for that.
    private func renderPath(_ path: Template, _ variables: [String: Value]) throws(Refusal) -> String {
        var refused: Refusal?
        let rendered = path.render(variables) { text in
            if text.isEmpty || text.contains("/") || text == "." || text == ".." {
                refused = Refusal(.unbuildable, "a path parameter is empty or holds a slash; nothing was sent")
            }
            return percentEncoded(text)
        }
        if let refused { throw refused }
        switch rendered {
        case .success(let value): return value.stringValue ?? ""
        case .failure(let error):
            throw Refusal(.unbuildable, "the path could not be computed: \(error.message)")
        }
    }

    /// The name of an object in a store: it may hold slashes, and each of its segments must stand for itself.
    private func renderTail(_ tail: Template, _ variables: [String: Value]) throws(Refusal) -> String {
        guard case .success(let value) = tail.render(variables), let text = value.stringValue else {
            throw Refusal(.unbuildable, "the path's tail could not be computed; nothing was sent")
        }
        let segments = text.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        guard !segments.contains(where: { $0.isEmpty || $0 == "." || $0 == ".." }) else {
            throw Refusal(.unbuildable, "a segment of the path's tail is empty, '.' or '..'; nothing was sent")
        }
        return segments.map(percentEncoded).joined(separator: "/")
    }

    private func renderBody(
        _ request: ProviderShape.Request, _ variables: [String: Value]
    ) throws(Refusal) -> (mediaType: String, bytes: [UInt8])? {
        if let json = request.json { return (request.mediaType, try render(json, variables).jsonBytes) }
        if let text = request.text {
            guard let rendered = try render(.template(text), variables).stringValue else {
                throw Refusal(.unbuildable, "the body is no text; nothing was sent")
            }
            return (request.mediaType, Array(rendered.utf8))
        }
        guard !request.form.isEmpty else { return nil }
        let text = try pairs(request.form, "form field", variables).joined(separator: "&")
        return ("application/x-www-form-urlencoded", Array(text.utf8))
    }

    /// Names and values, escaped, in order; what renders to null is left out.
    private func pairs(
        _ fields: [String: Arguments], _ word: String, _ variables: [String: Value]
    ) throws(Refusal) -> [String] {
        var pairs: [String] = []
        for (name, arguments) in fields.sorted(by: { $0.key < $1.key }) {
            guard let text = try scalar(arguments, "\(word) '\(name)'", variables) else { continue }
            pairs.append(percentEncoded(name) + "=" + percentEncoded(text))
        }
        return pairs
    }

    private func scalar(
        _ arguments: Arguments, _ what: String, _ variables: [String: Value]
    ) throws(Refusal) -> String? {
        let value = try render(arguments, variables)
        if value == .null { return nil }
        guard let text = value.scalarText, !text.isEmpty else {
            throw Refusal(.unbuildable, "the \(what) is empty or no scalar; nothing was sent")
        }
        return text
    }

    private func render(_ arguments: Arguments, _ variables: [String: Value]) throws(Refusal) -> Value {
        switch arguments.render(variables) {
        case .success(let value): return value
        case .failure(let error):
            throw Refusal(.unbuildable, "the request could not be computed: \(error.message)")
        }
    }

    // MARK: Who asks

    private func credential(
        _ secrets: [String: Value], to setting: String
    ) throws(Refusal) -> (name: String, value: String)? {
        switch authentication {
        // An assertion goes into the form, and is made at the moment of sending.
        case .none, .assertion: return nil
        case .basic(let user, let password, let isEncoded):
            return ("authorization", try basic(user, password, secrets, isEncoded: isEncoded))
        case .header(_, let name) where shape.optionalSecrets.contains(name) && connection.secrets[name] == nil:
            return nil
        case .header(let scheme, let name):
            guard let secret = secrets[name]?.stringValue else {
                throw Refusal(.unbuildable, "\(connection.id) lacks '\(name)'")
            }
            return ("authorization", scheme.isEmpty ? secret : scheme + " " + secret)
        case .token(let signIn): return (signIn.header, signIn.value("‹token›"))
        case .signed(let signing):
            guard let service = signing.services[setting], let name = signing.regions[setting],
                let region = connection.settings[name]
            else { throw Refusal(.unbuildable, "\(connection.id) has no region for '\(setting)'") }
            return ("authorization", "‹signature for \(service) in \(region)›")
        }
    }

    func basic(
        _ user: String, _ password: String, _ secrets: [String: Value], isEncoded: Bool = true
    ) throws(Refusal) -> String {
        guard let name = connection.settings[user], let secret = secrets[password]?.stringValue else {
            throw Refusal(.unbuildable, "\(connection.id) lacks '\(user)' or '\(password)'")
        }
        let pair = isEncoded ? percentEncoded(name) + ":" + percentEncoded(secret) : name + ":" + secret
        return "Basic " + base64(Array(pair.utf8))
    }
}

extension ProviderShape.SignIn {
    /// What the header holds with this token.
    func value(_ token: String) -> String { prefix.isEmpty ? token : prefix + " " + token }
}

extension Value {
    /// What a scalar looks like in a form or a path; `nil` for lists, maps and null.
    fileprivate var scalarText: String? {
        switch self {
        case .string(let text): text
        case .int(let number): String(number)
        case .bool(let flag): String(flag)
        case .null, .double, .array, .object: nil
        }
    }
}

/// RFC 3986 §2.3: everything but the unreserved characters.
package func percentEncoded(_ text: String) -> String {
    let digits = Array("0123456789ABCDEF".utf8)
    var out: [UInt8] = []
    for byte in text.utf8 {
        switch byte {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
            UInt8(ascii: "~"):
            out.append(byte)
        default: out += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
        }
    }
    return String(decoding: out, as: UTF8.self)
}
