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
    /// One kind of signal that a delivery, or each item of one, may give. The first rule whose condition holds speaks.
    package struct Rule: Sendable, Hashable {
        package var condition: Expression
        /// `nil`: what it speaks of is known and nothing that concerns us.
        package var kind: String?
        package var severity: Arguments?
        package var occurredAt: Arguments?
        /// How sure the source is, 0 to 1; `nil`, or what gives no such number: it does not say.
        package var confidence: Arguments?
        /// The source's own name of the event: another delivery of the same event gives no second signal.
        package var event: Arguments?
        package var attributes: [String: Arguments]
        /// What of its source the signal is about.
        package var about: Naming?
        /// What of its source is over, where the rule gives no signal.
        package var closes: Naming?

        package init(
            condition: Expression, kind: String?, severity: Arguments?, occurredAt: Arguments?,
            confidence: Arguments? = nil, event: Arguments? = nil, attributes: [String: Arguments],
            about: Naming? = nil, closes: Naming? = nil
        ) {
            self.about = about
            self.closes = closes
            self.confidence = confidence
            self.condition = condition
            self.kind = kind
            self.severity = severity
            self.occurredAt = occurredAt
            self.event = event
            self.attributes = attributes
        }
    }

    /// How a delivery names a matter of its source, and says as of when it speaks of it.
    package struct Naming: Sendable, Hashable {
        /// What gives nothing names nothing.
        package var key: Arguments
        /// `nil`: the source doesn't say.
        package var asOf: Arguments?

        package init(key: Arguments, asOf: Arguments?) {
            self.key = key
            self.asOf = asOf
        }
    }

    /// How the bytes of a body are read. What SNS and security event tokens wrap is read by their authentication.
    package enum Content: String, Sendable, Hashable, CaseIterable {
        case json
        /// One JSON value on each line; `body` is their list.
        case lines
        /// JSON, or where it is none the text itself.
        case text
        /// What Google Pub/Sub pushes: `body` is the JSON in `message.data`.
        case pubsub
    }

    package var authentication: Authentication
    /// How the sender asks, before it sends, whether deliveries are wanted here.
    package var handshake: Handshake?
    package var content: Content
    /// The header that names the delivery; lower case. `nil`: the body's digest does, so a repeat is the same bytes.
    package var deliveryHeader: String?
    /// Where in the body the delivery is named, when no header does.
    package var deliveryPath: [String]?
    /// Further headers that rules read, kept with the alert; lower case.
    package var keptHeaders: [String]
    package var bodyBytesMax: Int
    /// The sender sends again what was answered with 429, so that it may be held off.
    package var resends: Bool
    /// The list whose items are read one by one; `nil`: the body is the one item.
    package var each: Expression?
    package var rules: [Rule]
    /// What is cut out of its bodies before they are stored.
    package var redaction = Redaction()

    package init(
        authentication: Authentication, handshake: Handshake? = nil, content: Content = .json, deliveryHeader: String?,
        deliveryPath: [String]? = nil, keptHeaders: [String], bodyBytesMax: Int, resends: Bool = false,
        each: Expression? = nil, rules: [Rule]
    ) {
        self.authentication = authentication
        self.handshake = handshake
        self.content = content
        self.deliveryHeader = deliveryHeader
        self.deliveryPath = deliveryPath
        self.keptHeaders = keptHeaders
        self.bodyBytesMax = bodyBytesMax
        self.resends = resends
        self.each = each
        self.rules = rules
    }

    /// Takes another scheme in place of its own, with what that says of a delivery's name.
    package mutating func authenticate(by other: Authentication) {
        authentication = other
        if let name = other.deliveryHeader { deliveryHeader = name }
    }

    /// What a connection of this source may set, and whether it must.
    package var settings: [String: Bool] {
        authentication.settings.merging(handshake?.settings ?? [:]) { $0 || $1 }
    }
}

/// A connector put to use: which sources and providers there are, with their settings and where their secrets lie.
package struct Connections: Sendable, Hashable {
    /// A JSON Web Key Set (RFC 7517 §5) at an address.
    package struct PublishedKeys: Sendable, Hashable {
        package var url: String
        package var egress: EgressPolicy

        package init(url: String, egress: EgressPolicy = EgressPolicy()) {
            self.url = url
            self.egress = egress
        }
    }

    package struct Source: Sendable, Hashable {
        package var id: String
        package var connector: String
        /// Several while a secret is being rotated: any of them may have signed.
        package var secrets: [SecretReference]
        /// Where the issuer of its tokens publishes its keys, beside those among the secrets.
        package var keys: PublishedKeys?
        /// The certificate that a message of SNS names is fetched, from Amazon's own host.
        package var fetchesCertificate = false
        /// Where it is asked for what it has, beside what it pushes.
        package var poll: Poll?
        /// Where it is compared with what its sender says it sent.
        package var reconcile: Reconcile?
        /// What the scheme compares with: a topic, an issuer, an audience.
        package var settings: [String: String]
        /// In place of the connector's, where the same alerts come by another channel.
        package var authentication: SourceShape.Authentication?
        /// How many deliveries a second are taken of a sender that sends again; `nil`: as many as the house takes.
        package var perSecondMax: Int?
        /// What is cut out of its bodies beside what the connector names.
        package var redaction = Redaction()

        package init(
            id: String, connector: String, secrets: [SecretReference], settings: [String: String] = [:],
            authentication: SourceShape.Authentication? = nil, keys: PublishedKeys? = nil, poll: Poll? = nil,
            perSecondMax: Int? = nil
        ) {
            self.keys = keys
            self.poll = poll
            self.id = id
            self.connector = connector
            self.secrets = secrets
            self.settings = settings
            self.authentication = authentication
            self.perSecondMax = perSecondMax
        }
    }

    package struct Provider: Sendable, Hashable {
        package var id: String
        package var connector: String
        package var settings: [String: String]
        package var secrets: [String: SecretReference]
        package var egress: EgressPolicy
        /// The only authorities to trust of its certificate, PEM, instead of the system's.
        package var authority: SecretReference?
        package var bounds: Lane.Bounds
        /// The identities of the inventory that Cordon itself signs in as there; `nil`: the connection doesn't say.
        package var signsInAs: [String]?
        /// The label of the key that evidence from there is sealed with; `nil`: that of the installation, if it has one.
        package var evidenceKey: String?

        package init(
            id: String, connector: String, settings: [String: String], secrets: [String: SecretReference],
            egress: EgressPolicy, authority: SecretReference? = nil, bounds: Lane.Bounds = Lane.Bounds(),
            signsInAs: [String]? = nil, evidenceKey: String? = nil
        ) {
            self.evidenceKey = evidenceKey
            self.signsInAs = signsInAs
            self.authority = authority
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
    package var notifications: Notifications
    /// Where secrets lie that are named by `vault`.
    package var vault: Vault?
    /// Who is told of agent sessions by security events; `nil`: nobody.
    package var transmitter: Transmitter?

    package init(sources: [Source], providers: [Provider], notifications: Notifications = Notifications()) {
        self.notifications = notifications
        self.sources = sources
        self.providers = providers
    }

    /// Every secret that the file refers to.
    package var secretReferences: [SecretReference] {
        var all = sources.flatMap { $0.secrets + [$0.poll?.token].compactMap { $0 } }
        for provider in providers { all += Array(provider.secrets.values) + [provider.authority].compactMap { $0 } }
        for channel in notifications.channels {
            switch channel.means {
            case .webhook(let url): all.append(url)
            case .pager(_, let routingKey): all.append(routingKey)
            case .mail(let mail): all += [mail.password, mail.authority].compactMap { $0 }
            }
        }
        return all
    }

    /// The identities that Cordon itself signs in as, each with the provider: those that connections name, and those
    /// whose attribute is what a connection signs in with.
    package func ownIdentities(_ inventory: Inventory, _ connectors: [String: Connector]) -> [String: String] {
        var own: [String: String] = [:]
        for provider in providers {
            for id in provider.signsInAs ?? [] { own[id] = provider.id }
            for (setting, name) in connectors[provider.connector]?.provider?.ownNames ?? [:] {
                guard let user = provider.settings[setting] else { continue }
                for identity in inventory.identities where identity.subject.provider == provider.id {
                    let known = [identity.subject.attributes[name], identity.matches[name]]
                    if known.contains(.string(user)) { own[identity.subject.id] = provider.id }
                }
            }
        }
        return own
    }

    /// A warning for each provider of which nothing tells whether Cordon itself is among the identities that the
    /// inventory has of it: it would contain itself on an alert's word.
    ///
    /// - Parameter bytes: the file that the connections were read of.
    package func unknownSelves(
        _ inventory: Inventory, _ connectors: [String: Connector], bytes: [UInt8], file: String
    ) -> [Diagnostic] {
        let known = Set(inventory.identities.map(\.subject.provider))
        let unknown = providers.filter { provider in
            guard let shape = connectors[provider.connector]?.provider else { return false }
            return known.contains(provider.id) && provider.signsInAs == nil
                && shape.ownNames.keys.allSatisfy { provider.settings[$0] == nil }
                && shape.authentication != .none && shape.actions.values.contains { $0.effectClass.isWrite }
        }
        guard !unknown.isEmpty, let document = try? YAMLDocument.parse(bytes, file: file) else { return [] }
        return unknown.map { provider in
            let entry = document.root["providers"]?.items?.first { $0["id"]?.scalar?.value == .string(provider.id) }
            return document.diagnostic(
                DefinitionCode.unknownSelf.rawValue, at: entry?["id"]?.place ?? document.root.place,
                width: provider.id.count, severity: .warning,
                message: "nothing tells which identities Cordon itself signs in as at '\(provider.id)', "
                    + "so it is not kept from containing itself",
                suggestion: "name them: signs_in_as: [ID of identities.yaml], or signs_in_as: [] if it is none of these"
            )
        }
    }

    package func source(_ id: String) -> Source? { sources.first { $0.id == id } }
    package func provider(_ id: String) -> Provider? { providers.first { $0.id == id } }
}
