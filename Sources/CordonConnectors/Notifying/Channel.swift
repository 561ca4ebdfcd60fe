// SPDX-License-Identifier: Apache-2.0

package import CordonCore

/// A way to reach people: a chat's webhook, mail, or a pager.
package struct Channel: Sendable, Hashable {
    package enum Means: Sendable, Hashable {
        /// Takes what Slack's incoming webhooks take. The address is a secret: whoever has it can post.
        case webhook(url: SecretReference)
        case mail(Mail)
        /// PagerDuty's Events API v2, or what speaks it.
        case pager(url: String, routingKey: SecretReference)
    }

    package struct Mail: Sendable, Hashable {
        /// `smtp://host:port`, upgraded by STARTTLS, or `smtps://host:port`.
        package var url: String
        package var from: String
        package var user: String?
        package var password: SecretReference?
        /// Without it no mail goes in the clear.
        package var allowsClear: Bool
        /// PEM of the only authority to trust, instead of the system's.
        package var authority: SecretReference?

        package init(
            url: String, from: String, user: String? = nil, password: SecretReference? = nil, allowsClear: Bool = false,
            authority: SecretReference? = nil
        ) {
            self.url = url
            self.from = from
            self.user = user
            self.password = password
            self.allowsClear = allowsClear
            self.authority = authority
        }
    }

    /// Whom a channel reaches, as runs know them: their name, and what they may answer for.
    package struct Person: Sendable, Hashable {
        package var name: String
        package var groups: [String]
        package var address: String?

        package init(name: String, groups: [String] = [], address: String? = nil) {
            self.name = name
            self.groups = groups
            self.address = address
        }
    }

    /// One receiver: a channel, or one of the people whom it writes to one by one.
    package struct Endpoint: Sendable, Hashable {
        package var id: String
        package var channel: Channel
        package var person: Person?
    }

    package var id: String
    package var means: Means
    package var people: [Person]
    /// How long a notice waits for others of its topic.
    package var gatherMilliseconds: Int64
    package var perMinuteMax: Int
    package var egress: EgressPolicy

    package init(
        id: String, means: Means, people: [Person] = [],
        gatherMilliseconds: Int64 = Limits.gatherMillisecondsDefault,
        perMinuteMax: Int = Limits.messagesPerMinuteDefault, egress: EgressPolicy = EgressPolicy()
    ) {
        self.id = id
        self.means = means
        self.people = people
        self.gatherMilliseconds = gatherMilliseconds
        self.perMinuteMax = perMinuteMax
        self.egress = egress
    }

    package var endpoints: [Endpoint] {
        switch means {
        case .mail: people.map { Endpoint(id: "\(id):\($0.name)", channel: self, person: $0) }
        case .webhook, .pager: [Endpoint(id: id, channel: self, person: people.first)]
        }
    }

    package var word: String {
        switch means {
        case .webhook: "webhook"
        case .mail: "smtp"
        case .pager: "pagerduty"
        }
    }

    /// It keeps incidents, and is told when one is over.
    package var keepsIncidents: Bool { if case .pager = means { true } else { false } }
}

/// Which notices go to which channels. All routes that fit a notice apply.
package struct NoticeRoute: Sendable, Hashable {
    package var kinds: Set<Notice.Kind>?
    package var owners: [String]?
    package var groups: [String]?
    package var playbooks: [String]?
    package var severity: Signal.Severity
    package var to: [String]

    package init(
        kinds: Set<Notice.Kind>? = nil, owners: [String]? = nil, groups: [String]? = nil, playbooks: [String]? = nil,
        severity: Signal.Severity = .low, to: [String]
    ) {
        self.kinds = kinds
        self.owners = owners
        self.groups = groups
        self.playbooks = playbooks
        self.severity = severity
        self.to = to
    }

    package func fits(_ notice: Notice) -> Bool {
        // What follows up goes wherever what it follows went.
        (kinds.map { notice.kind.isFollowUp || $0.contains(notice.kind) } ?? true)
            && (owners.map { $0.contains(notice.owner) } ?? true)
            && (groups.map { notice.kind.isFollowUp || !Set($0).isDisjoint(with: notice.to) } ?? true)
            && (playbooks.map { $0.contains(notice.playbook) } ?? true)
            && severity <= notice.severity
    }
}

/// Who is told what; empty: nobody is told anything, and nothing is stored for it.
package struct Notifications: Sendable, Hashable {
    package var channels: [Channel]
    package var routes: [NoticeRoute]

    package init(channels: [Channel] = [], routes: [NoticeRoute] = []) {
        self.channels = channels
        self.routes = routes
    }

    package var endpoints: [Channel.Endpoint] { channels.flatMap(\.endpoints) }

    package func endpoints(for notice: Notice) -> [Channel.Endpoint] {
        let named = Set(routes.filter { $0.fits(notice) }.flatMap(\.to))
        return channels.filter { named.contains($0.id) && (!notice.kind.isFollowUp || $0.keepsIncidents) }
            .flatMap(\.endpoints)
    }
}
