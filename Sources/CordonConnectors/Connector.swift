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
