// SPDX-License-Identifier: Apache-2.0

package import CordonCore
package import CordonLanguage

/// One foreign system, both ways, as its YAML file describes it: how its webhooks are signed and what they mean, and
/// how its capabilities are called and their answers read.
package struct Connector: Sendable, Hashable {
    package var name: String
    package var title: String
    /// The vendor's page that this file follows.
    package var vendor: String
    package var source: SourceShape?
    package var provider: ProviderShape?
    package var digest: String

    package init(
        name: String, title: String, vendor: String, source: SourceShape?, provider: ProviderShape?, digest: String
    ) {
        self.name = name
        self.title = title
        self.vendor = vendor
        self.source = source
        self.provider = provider
        self.digest = digest
    }
}

/// How a source's deliveries are authenticated, told apart and read.
package struct SourceShape: Sendable, Hashable {
    /// How a delivery shows whose it is.
    package enum Authentication: Sendable, Hashable {
        case hmac(Signature)
        /// It shows nothing. Only a server that listens on loopback alone takes such deliveries.
        case none

        package var signature: Signature? { if case .hmac(let signature) = self { signature } else { nil } }
    }

    /// An HMAC over the raw body. The header's value is the prefix and the code's text.
    package struct Signature: Sendable, Hashable {
        package enum Encoding: String, Sendable, Hashable, CaseIterable { case hex, base64 }

        /// Lower case.
        package var header: String
        package var prefix: String
        package var encoding: Encoding

        package init(header: String, prefix: String, encoding: Encoding) {
            self.header = header
            self.prefix = prefix
            self.encoding = encoding
        }
    }

    /// One kind of signal that a delivery may give. The first rule whose condition holds speaks.
    package struct Rule: Sendable, Hashable {
        package var condition: Expression
        /// `nil`: the delivery is known and says nothing that concerns us.
        package var kind: String?
        package var severity: Arguments?
        package var occurredAt: Arguments?
        package var attributes: [String: Arguments]

        package init(
            condition: Expression, kind: String?, severity: Arguments?, occurredAt: Arguments?,
            attributes: [String: Arguments]
        ) {
            self.condition = condition
            self.kind = kind
            self.severity = severity
            self.occurredAt = occurredAt
            self.attributes = attributes
        }
    }

    package var authentication: Authentication
    /// The header that names the delivery; lower case. `nil`: the body's digest does, so a repeat is the same bytes.
    package var deliveryHeader: String?
    /// Further headers that rules read, kept with the alert; lower case.
    package var keptHeaders: [String]
    package var bodyBytesMax: Int
    package var rules: [Rule]

    package init(
        authentication: Authentication, deliveryHeader: String?, keptHeaders: [String], bodyBytesMax: Int, rules: [Rule]
    ) {
        self.authentication = authentication
        self.deliveryHeader = deliveryHeader
        self.keptHeaders = keptHeaders
        self.bodyBytesMax = bodyBytesMax
        self.rules = rules
    }
}

/// How a provider is called.
package struct ProviderShape: Sendable, Hashable {
    package enum Authentication: Sendable, Hashable {
        case none
        /// HTTP Basic (RFC 7617, form-encoded parts as RFC 6749 §2.3.1 asks): a setting and a secret, by name.
        case basic(user: String, password: String)
        /// `Authorization: SCHEME SECRET`.
        case header(scheme: String, secret: String)
    }

    package enum SettingKind: String, Sendable, Hashable, CaseIterable { case url, string }

    package struct Setting: Sendable, Hashable {
        package var kind: SettingKind
        package var isRequired: Bool

        package init(kind: SettingKind, isRequired: Bool) {
            self.kind = kind
            self.isRequired = isRequired
        }
    }

    package struct Request: Sendable, Hashable {
        package var method: String
        /// The setting that holds the URL.
        package var to: String
        /// Appended to it. What its holes give is percent-encoded and may be neither empty nor hold a slash.
        package var path: Template?
        package var form: [String: Arguments]
        package var json: Arguments?

        package init(method: String, to: String, path: Template?, form: [String: Arguments], json: Arguments?) {
            self.method = method
            self.to = to
            self.path = path
            self.form = form
            self.json = json
        }
    }

    /// Which status means what. A status in none of the sets is classified by its hundred: see `read`.
    package struct Answers: Sendable, Hashable {
        package var done: Set<Int>
        package var already: Set<Int>
        package var later: Set<Int>
        package var refused: Set<Int>

        package init(done: Set<Int>, already: Set<Int> = [], later: Set<Int> = [], refused: Set<Int> = []) {
            self.done = done
            self.already = already
            self.later = later
            self.refused = refused
        }
    }

    /// One request with how its answer is read.
    package struct Exchange: Sendable, Hashable {
        package var request: Request
        package var answers: Answers
        /// The members of the answer's JSON that are kept; everything else is cut before it is stored.
        package var keep: [String]

        package init(request: Request, answers: Answers, keep: [String]) {
            self.request = request
            self.answers = answers
            self.keep = keep
        }
    }

    package struct Action: Sendable, Hashable {
        package var effectClass: EffectClass
        package var act: Exchange
        /// Reads the subject's state: before the change, after it, and when in doubt.
        package var state: Exchange?
        /// The members of the state that tell whether it is still what was written; `nil`: all that are kept.
        package var compared: [String]?
        /// Sets the state back to the before-image, which its templates see as `with.before`.
        package var undo: Exchange?
        package var timeoutMilliseconds: Int64

        package init(
            effectClass: EffectClass, act: Exchange, state: Exchange?, compared: [String]? = nil,
            undo: Exchange? = nil, timeoutMilliseconds: Int64
        ) {
            self.effectClass = effectClass
            self.act = act
            self.state = state
            self.compared = compared
            self.undo = undo
            self.timeoutMilliseconds = timeoutMilliseconds
        }

        package var contract: Contract {
            Contract(
                effectClass: effectClass, readsState: state != nil, canUndo: undo != nil, compared: compared,
                timeoutMilliseconds: timeoutMilliseconds)
        }

        package func exchange(for purpose: Call.Purpose) -> Exchange? {
            switch purpose {
            case .act, .measure: act
            case .before, .probe, .readBack: state
            case .undo: undo
            }
        }
    }

    package var settings: [String: Setting]
    /// The secrets that an instance must have.
    package var secrets: [String]
    /// The secrets that a subject must have to be acted on.
    package var subjectSecrets: [String]
    package var authentication: Authentication
    package var actions: [String: Action]

    package init(
        settings: [String: Setting], secrets: [String], subjectSecrets: [String], authentication: Authentication,
        actions: [String: Action]
    ) {
        self.settings = settings
        self.secrets = secrets
        self.subjectSecrets = subjectSecrets
        self.authentication = authentication
        self.actions = actions
    }

    package var contracts: [String: Contract] { actions.mapValues(\.contract) }
}

/// A connector put to use: which sources and providers there are, with their settings and where their secrets lie.
package struct Connections: Sendable, Hashable {
    package struct Source: Sendable, Hashable {
        package var id: String
        package var connector: String
        /// Several while a secret is being rotated: any of them may have signed.
        package var secrets: [SecretReference]

        package init(id: String, connector: String, secrets: [SecretReference]) {
            self.id = id
            self.connector = connector
            self.secrets = secrets
        }
    }

    package struct Provider: Sendable, Hashable {
        package var id: String
        package var connector: String
        package var settings: [String: String]
        package var secrets: [String: SecretReference]
        package var egress: EgressPolicy
        package var bounds: Lane.Bounds

        package init(
            id: String, connector: String, settings: [String: String], secrets: [String: SecretReference],
            egress: EgressPolicy, bounds: Lane.Bounds = Lane.Bounds()
        ) {
            self.bounds = bounds
            self.id = id
            self.connector = connector
            self.settings = settings
            self.secrets = secrets
            self.egress = egress
        }
    }

    package var sources: [Source]
    package var providers: [Provider]

    package init(sources: [Source], providers: [Provider]) {
        self.sources = sources
        self.providers = providers
    }

    package func source(_ id: String) -> Source? { sources.first { $0.id == id } }
    package func provider(_ id: String) -> Provider? { providers.first { $0.id == id } }
}
