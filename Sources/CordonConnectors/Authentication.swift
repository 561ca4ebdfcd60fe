// SPDX-License-Identifier: Apache-2.0

package import CordonCore

extension ProviderShape {
    /// How a provider is told who asks. Settings and secrets by name.
    package enum Authentication: Sendable, Hashable {
        case none
        /// HTTP Basic (RFC 7617): a setting and a secret, form-encoded where the provider is an authorization server
        /// (RFC 6749 §2.3.1).
        case basic(user: String, password: String, isEncoded: Bool = true)
        /// `Authorization: SCHEME SECRET`; without it where the secret is optional and this instance has none.
        case header(scheme: String, secret: String)
        /// A token that the provider itself gives, for a time.
        case token(SignIn)
        /// AWS Signature Version 4.
        case signed(Signing)
        /// An assertion that is signed here, in the form of each request (RFC 7523 §2.2): OAuth's private_key_jwt.
        case assertion(WebToken)

        /// The settings that name whom Cordon signs in as.
        package var userSettings: [String] {
            switch self {
            case .basic(let user, _, _): [user]
            case .token(let signIn): signIn.client.map { [$0.user] } ?? []
            case .none, .header, .signed, .assertion: []
            }
        }

        /// The secrets that it takes.
        var secrets: Set<String> {
            switch self {
            case .none: []
            case .basic(_, let password, _): [password]
            case .header(_, let secret): [secret]
            case .token(let signIn): signIn.exchange.secrets.union(signIn.client.map { [$0.password] } ?? [])
            case .signed(let signing): [signing.accessKey, signing.secretKey]
            case .assertion(let token): [token.key]
            }
        }
    }

    /// One of the ways to say who asks, with what a connection must have for it.
    package struct Way: Sendable, Hashable {
        package var authentication: Authentication
        package var secrets: Set<String>
        package var settings: Set<String>

        package init(_ authentication: Authentication, secrets: Set<String> = [], settings: Set<String> = []) {
            self.authentication = authentication
            self.secrets = secrets
            self.settings = settings
        }
    }

    /// The way of a connection that has these secrets: the first of which it lacks none; `nil`: it has those of no way.
    package func way(having secrets: Set<String>) -> Way? {
        ways.count == 1 ? ways[0] : ways.first { $0.secrets.isSubset(of: secrets) }
    }

    /// Asks for a token (RFC 6749 §4.4, or whatever the provider does instead) and says where the answer has it.
    package struct SignIn: Sendable, Hashable {
        /// The client's own name and secret, as HTTP Basic.
        package struct Client: Sendable, Hashable {
            package var user: String
            package var password: String

            package init(user: String, password: String) {
                self.user = user
                self.password = password
            }
        }

        package var exchange: Exchange
        package var client: Client?
        /// Of `status`, `headers` and `body`.
        package var token: Arguments
        /// A number of seconds, or a time in RFC 3339.
        package var expires: Arguments?
        /// Where calls carry it, in lower case, and what stands before it.
        package var header: String
        package var prefix: String

        package init(
            exchange: Exchange, client: Client? = nil, token: Arguments, expires: Arguments? = nil,
            header: String = "authorization", prefix: String = "Bearer"
        ) {
            self.exchange = exchange
            self.client = client
            self.token = token
            self.expires = expires
            self.header = header
            self.prefix = prefix
        }
    }

    package struct Signing: Sendable, Hashable {
        /// Secrets.
        package var accessKey: String
        package var secretKey: String
        /// An optional secret: what temporary keys have beside them.
        package var sessionToken: String?
        /// The setting that holds the region, by the setting that a request goes to.
        package var regions: [String: String]
        /// The service that is signed for, by the setting that a request goes to.
        package var services: [String: String]

        package init(
            accessKey: String, secretKey: String, sessionToken: String? = nil, regions: [String: String],
            services: [String: String]
        ) {
            self.accessKey = accessKey
            self.secretKey = secretKey
            self.sessionToken = sessionToken
            self.regions = regions
            self.services = services
        }
    }
}
