// SPDX-License-Identifier: Apache-2.0

package import CordonCore
import CordonLanguage

/// A provider ready to be called: its connector's shape, this instance's settings, and where its secrets lie.
package struct Provider: Sendable {
    package var connection: Connections.Provider
    package var shape: ProviderShape

    package init(connection: Connections.Provider, shape: ProviderShape) {
        self.connection = connection
        self.shape = shape
    }

    package var contracts: [String: Contract] { shape.contracts }

    /// What the request's templates may use. The same names with handles where secrets stand give the sealed form.
    func variables(_ arguments: Value, secrets: [String: Value]) -> [String: Value] {
        [
            "provider": .object(connection.settings.mapValues(Value.string)), "with": arguments,
            "secret": .object(secrets),
        ]
    }

    /// The names of all secrets that a request may use: the instance's and the subject's.
    var secretNames: [String] { shape.secrets + shape.subjectSecrets }

    /// `‹secret:NAME›` for every secret.
    var handles: [String: Value] {
        Dictionary(uniqueKeysWithValues: Set(secretNames).map { ($0, .string("‹secret:\($0)›")) })
    }
}

/// A request that is complete but for what the transport adds: its parts in a form that can be digested and compared.
package struct BuiltRequest: Sendable, Hashable {
    package var method: String
    package var url: String
    package var headers: [String: String]
    package var body: [UInt8]?

    /// Canonical JSON: what the intent's request digest covers.
    var canonical: [UInt8] {
        let value: Value = [
            "method": .string(method), "url": .string(url), "headers": .object(headers.mapValues(Value.string)),
            "body": body.map { .string(String(decoding: $0, as: UTF8.self)) } ?? .null,
        ]
        return value.jsonBytes
    }
}

extension Provider {
    /// Builds the request of a purpose from the call's arguments, with `secrets` as the templates see them. Pure.
    func build(
        _ capability: String, _ purpose: Call.Purpose, _ arguments: Value, secrets: [String: Value],
        idempotencyKey: String?
    ) -> Result<BuiltRequest, Refusal> {
        guard let action = shape.actions[capability], let exchange = exchange(action, purpose) else {
            return .failure(Refusal(.unbuildable, "\(connection.id) does not offer \(capability)"))
        }
        let request = exchange.request
        guard var url = connection.settings[request.to] else {
            return .failure(Refusal(.unbuildable, "\(connection.id) has no setting '\(request.to)'"))
        }
        let variables = variables(arguments, secrets: secrets)
        if let path = request.path {
            switch renderPath(path, variables) {
            case .success(let text): url += text
            case .failure(let refusal): return .failure(refusal)
            }
        }
        var headers = ["accept": "application/json", "user-agent": "cordon"]
        switch authorization(secrets) {
        case .success(let value): if let value { headers["authorization"] = value }
        case .failure(let refusal): return .failure(refusal)
        }
        if let idempotencyKey, !purpose.isRead { headers["idempotency-key"] = idempotencyKey }
        switch renderBody(request, variables) {
        case .failure(let refusal): return .failure(refusal)
        case .success(let body):
            if let body { headers["content-type"] = body.mediaType }
            return .success(BuiltRequest(method: request.method, url: url, headers: headers, body: body?.bytes))
        }
    }

    private func exchange(_ action: ProviderShape.Action, _ purpose: Call.Purpose) -> ProviderShape.Exchange? {
        action.exchange(for: purpose)
    }

    /// A hole that renders empty would address the collection instead of the member, and a slash would address
    /// another path: at least one server deletes everybody's tokens for that.
    private func renderPath(_ path: Template, _ variables: [String: Value]) -> Result<String, Refusal> {
        var refused: Refusal?
        let rendered = path.render(variables) { text in
            if text.isEmpty || text.contains("/") || text == "." || text == ".." {
                refused = Refusal(.unbuildable, "a path parameter is empty or holds a slash; nothing was sent")
            }
            return percentEncoded(text)
        }
        if let refused { return .failure(refused) }
        return rendered.map { $0.stringValue ?? "" }
            .mapError { Refusal(.unbuildable, "the path could not be computed: \($0.message)") }
    }

    private func renderBody(
        _ request: ProviderShape.Request, _ variables: [String: Value]
    ) -> Result<(mediaType: String, bytes: [UInt8])?, Refusal> {
        if let json = request.json {
            return json.render(variables).map { ("application/json", $0.jsonBytes) }.mapError(unbuildable)
        }
        guard !request.form.isEmpty else { return .success(nil) }
        var pairs: [String] = []
        for (name, arguments) in request.form.sorted(by: { $0.key < $1.key }) {
            switch arguments.render(variables) {
            case .failure(let error): return .failure(unbuildable(error))
            case .success(.null): continue
            case .success(let value):
                guard let text = value.scalarText, !text.isEmpty else {
                    return .failure(
                        Refusal(.unbuildable, "the form field '\(name)' is empty or no scalar; nothing was sent"))
                }
                pairs.append(percentEncoded(name) + "=" + percentEncoded(text))
            }
        }
        return .success(("application/x-www-form-urlencoded", Array(pairs.joined(separator: "&").utf8)))
    }

    private func unbuildable(_ error: EvaluationError) -> Refusal {
        Refusal(.unbuildable, "the request could not be computed: \(error.message)")
    }

    private func authorization(_ secrets: [String: Value]) -> Result<String?, Refusal> {
        switch shape.authentication {
        case .none: return .success(nil)
        case .basic(let user, let password):
            guard let name = connection.settings[user], let secret = secrets[password]?.stringValue else {
                return .failure(Refusal(.unbuildable, "\(connection.id) lacks '\(user)' or '\(password)'"))
            }
            let pair = percentEncoded(name) + ":" + percentEncoded(secret)
            return .success("Basic " + base64(Array(pair.utf8)))
        case .header(let scheme, let name):
            guard let secret = secrets[name]?.stringValue else {
                return .failure(Refusal(.unbuildable, "\(connection.id) lacks '\(name)'"))
            }
            return .success(scheme.isEmpty ? secret : scheme + " " + secret)
        }
    }
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
func percentEncoded(_ text: String) -> String {
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
