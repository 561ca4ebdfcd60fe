// SPDX-License-Identifier: Apache-2.0

package import CordonLanguage

/// What a guard makes of a signal when it speaks.
package enum GuardAnswer: String, Sendable, Hashable, CaseIterable {
    case propose, shadow, deny

    package var verdict: Decision.Verdict {
        switch self {
        case .propose: .propose
        case .shadow: .shadow
        case .deny: .deny
        }
    }
}

/// How many distinct identities may be touched within an hour, and how many objects by one run.
package struct IdentityLimits: Sendable, Hashable {
    /// Objects that one run changes unasked: its subject, and each item of a list under a step that changes something.
    package var perRun: Int?
    /// Of each playbook alone.
    package var perPlaybook: Int?
    /// Of all playbooks together, at one provider, and of one owner.
    package var perProvider: Int?
    package var perOwner: Int?
    /// Of all playbooks together.
    package var all: Int?
    /// 0 to 1, of the identities of that kind that the inventory knows.
    package var share: Double?
    package var over: GuardAnswer

    package init(
        perRun: Int? = nil, perPlaybook: Int? = nil, perProvider: Int? = nil, perOwner: Int? = nil, all: Int? = nil,
        share: Double? = nil, over: GuardAnswer = .propose
    ) {
        self.perRun = perRun
        self.perPlaybook = perPlaybook
        self.perProvider = perProvider
        self.perOwner = perOwner
        self.all = all
        self.share = share
        self.over = over
    }

    /// How many of so many identities the share is; a handful is always allowed, so that a small inventory can be served.
    package func allowed(of count: Int) -> Int? {
        share.map { max(Limits.shareIdentitiesMin, Int((Double(count) * $0).rounded(.down))) }
    }
}

/// When so many signals match a playbook that the feed is likelier wrong than the world.
package struct SurgeRule: Sendable, Hashable {
    /// Over the median of the windows before.
    package var factor: Double
    package var windowMilliseconds: Int64
    /// What is no surge however quiet it was before, and all there is to go by until there is a history.
    package var cap: Int
    package var then: GuardAnswer

    package init(factor: Double, windowMilliseconds: Int64, cap: Int, then: GuardAnswer = .propose) {
        self.factor = factor
        self.windowMilliseconds = windowMilliseconds
        self.cap = cap
        self.then = then
    }
}

/// When another actor keeps putting back what Cordon changed.
package struct DriftRule: Sendable, Hashable {
    package var times: Int
    package var windowMilliseconds: Int64

    package init(times: Int, windowMilliseconds: Int64) {
        self.times = times
        self.windowMilliseconds = windowMilliseconds
    }
}

extension Playbook {
    /// How far the playbook lets itself go. Each can only be stricter than the installation's own.
    package struct Guards: Sendable, Hashable {
        package struct Confidence: Sendable, Hashable {
            package var min: Double
            package var below: GuardAnswer

            package init(min: Double, below: GuardAnswer = .propose) {
                self.min = min
                self.below = below
            }
        }

        /// What a signal adds to the score of its identity, and from which score on the playbook acts.
        package struct Risk: Sendable, Hashable {
            package var add: Double
            package var halfLifeMilliseconds: Int64
            package var actAt: Double

            package init(add: Double, halfLifeMilliseconds: Int64, actAt: Double) {
                self.add = add
                self.halfLifeMilliseconds = halfLifeMilliseconds
                self.actAt = actAt
            }
        }

        /// What must hold of the signal and the subject.
        package struct Requirement: Sendable, Hashable {
            package var that: Expression
            package var otherwise: GuardAnswer

            package init(that: Expression, otherwise: GuardAnswer) {
                self.that = that
                self.otherwise = otherwise
            }
        }

        package var confidence: Confidence?
        package var risk: Risk?
        package var protection = Protection()
        package var limits: IdentityLimits?
        package var surge: SurgeRule?
        package var requirements: [Requirement] = []

        package init() {}
    }
}

/// What an installation guards against, whatever its playbooks say: `guards.yaml`.
package struct GuardPolicy: Sendable, Hashable {
    /// The least that a source must be sure; a signal that doesn't say how sure it is goes no further than a proposal.
    package var confidenceMin: Double?
    package var protection = Protection()
    package var limits: IdentityLimits?
    package var surge: SurgeRule?
    package var drift: DriftRule?
    package var breaker: BreakerRule?
    /// `nil`: how far a playbook goes is what its file says.
    package var ladder: LadderRule?
    package var freezes: [CalendarWindow] = []
    package var maintenance: [Maintenance] = []
    /// The identities that Cordon itself signs in as, and the provider at which.
    package var own: [String: String] = [:]
    /// `sha256:` of the file; `nil` where there is none.
    package var digest: String?

    package init() {}

    /// Which of its parts are others than `before` had, as guards.yaml names them.
    package func parts(changedFrom before: GuardPolicy) -> [String] {
        [
            ("confidence", confidenceMin != before.confidenceMin),
            ("protected", protection != before.protection), ("limits", limits != before.limits),
            ("surge", surge != before.surge), ("drift", drift != before.drift), ("breaker", breaker != before.breaker),
            ("ladder", ladder != before.ladder), ("freeze", freezes != before.freezes),
            ("maintenance", maintenance != before.maintenance),
        ].filter(\.1).map(\.0)
    }

    /// Nothing is guarded.
    package static let none = GuardPolicy()

    /// What stands where no file says otherwise.
    package static let standard: GuardPolicy = {
        var policy = GuardPolicy()
        policy.protection = Protection(
            deny: [ProtectedEntry(.tag, "break-glass")],
            ask: [ProtectedEntry(.tag, "tier0"), ProtectedEntry(.tag, "tier-0"), ProtectedEntry(.tier, "0")])
        policy.limits = IdentityLimits(
            perPlaybook: Limits.identitiesPerPlaybook, perProvider: Limits.identitiesPerProvider,
            perOwner: Limits.identitiesPerOwner, all: Limits.identitiesPerHour, share: Limits.identitiesShare)
        policy.surge = SurgeRule(
            factor: Limits.surgeFactor, windowMilliseconds: Limits.surgeWindowMilliseconds, cap: Limits.surgeCap)
        policy.breaker = BreakerRule(
            last: Limits.breakerLast, share: Limits.breakerShare, atLeast: Limits.breakerAtLeast)
        policy.drift = DriftRule(times: Limits.driftTimes, windowMilliseconds: Limits.driftWindowMilliseconds)
        return policy
    }()
}
