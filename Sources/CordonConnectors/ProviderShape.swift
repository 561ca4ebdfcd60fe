// SPDX-License-Identifier: Apache-2.0

package import CordonCore
package import CordonLanguage

/// How a provider is called.
package struct ProviderShape: Sendable, Hashable {
    package enum SettingKind: String, Sendable, Hashable, CaseIterable {
        case url, string, duration
        /// `smtp://HOST:PORT`, upgraded to TLS, or `smtps://HOST:PORT`.
        case mailServer = "mail_server"
        case mailAddress = "mail_address"
    }

    package struct Setting: Sendable, Hashable {
        package var kind: SettingKind
        package var isRequired: Bool

        package init(kind: SettingKind, isRequired: Bool) {
            self.kind = kind
            self.isRequired = isRequired
        }
    }

    /// One thing that the provider can be asked for, with all that must be known before it is asked: what it does, how
    /// its state is read, what shows that it took effect, how it is undone and what the undo gives back.
    package struct Action: Sendable, Hashable {
        package var effectClass: EffectClass
        package var act: Exchange
        /// Reads the subject's state: before the change, after it, and when in doubt.
        package var state: Exchange?
        /// The members of the state that tell whether it is still what was written; `nil`: all that are kept.
        package var compared: [String]?
        /// Whether `after`, the state read, shows the effect.
        package var probe: Expression?
        /// Uses what the subject holds, before the act and after it. Without it a `proof` looks at the state.
        package var verify: Exchange?
        /// What that has to show.
        package var proof: ProofRule?
        /// How long the provider is known to take until a change shows.
        /// How long the provider remembers the key of a keyed call.
        package var keyWindowMilliseconds: Int64
        package var lagMilliseconds: Int64?
        /// What must hold of `before`, the state just read, for the act to be done.
        package var precondition: Expression?
        /// Takes back what was changed and nothing else; its templates see the before-image as `with.before`.
        package var undo: Exchange?
        package var reversibility: Reversibility
        /// What was issued before and outlives the act.
        package var residual: Residual?
        /// The setting that says how long that lives in this installation.
        package var residualSetting: String?
        /// The parts of the contract that it has not, each with the reason.
        package var lacks: [Part: String]
        /// Of whom it can be asked, by `subject`, where that is not everybody whom the provider knows.
        package var suits: Expression?
        package var timeoutMilliseconds: Int64

        /// What a capability that changes something is expected to say of itself.
        package enum Part: String, Sendable, Hashable, CaseIterable {
            case state, probe, undo, already, residual, verify, lag, etag
        }

        package init(
            effectClass: EffectClass, act: Exchange, state: Exchange?, compared: [String]? = nil,
            probe: Expression? = nil, verify: Exchange? = nil, proof: ProofRule? = nil, lagMilliseconds: Int64? = nil,
            precondition: Expression? = nil, undo: Exchange? = nil,
            reversibility: Reversibility? = nil, residual: Residual? = nil, residualSetting: String? = nil,
            lacks: [Part: String] = [:], timeoutMilliseconds: Int64,
            keyWindowMilliseconds: Int64 = Limits.keyWindowMillisecondsDefault
        ) {
            self.keyWindowMilliseconds = keyWindowMilliseconds
            self.verify = verify
            self.proof = proof
            self.lagMilliseconds = lagMilliseconds
            self.residual = residual
            self.residualSetting = residualSetting
            self.lacks = lacks
            self.effectClass = effectClass
            self.act = act
            self.state = state
            self.compared = compared
            self.probe = probe
            self.precondition = precondition
            self.undo = undo
            self.reversibility = reversibility ?? (undo == nil ? .none : .full)
            self.timeoutMilliseconds = timeoutMilliseconds
        }

        /// What it promises under these settings of a connection.
        package func contract(_ settings: [String: String]) -> Contract {
            var residual = residual
            if let own = residualSetting.flatMap({ settings[$0] }).flatMap(YAMLDuration.milliseconds) {
                residual?.milliseconds = own
            }
            var contract = Contract(
                effectClass: effectClass, readsState: state != nil, canUndo: undo != nil, compared: compared,
                probe: probe, precondition: precondition, revivesCredentials: reversibility == .revivesCredentials,
                residual: residual, proof: proof, lagMilliseconds: lagMilliseconds, issuesSecret: act.issues != nil,
                undoTakesResult: undo?.request.takesResult ?? false, suits: suits,
                timeoutMilliseconds: timeoutMilliseconds, keyWindowMilliseconds: keyWindowMilliseconds)
            contract.actTakesBefore = state != nil && act.request.takesBefore
            return contract
        }

        package func exchange(for purpose: Call.Purpose) -> Exchange? {
            switch purpose {
            case .act, .measure: act
            case .before, .probe, .readBack: state
            case .control, .verify: verify
            case .undo: undo
            }
        }
    }

    /// What an undo gives back.
    package enum Reversibility: String, Sendable, Hashable, CaseIterable {
        case full
        /// Less than was there.
        case partial
        case none
        /// Also what the subject held before, whoever has a copy.
        case revivesCredentials = "revives-credentials"
    }

    package var settings: [String: Setting]
    /// The secrets that an instance must have.
    package var secrets: [String]
    /// Those that it may have.
    package var optionalSecrets: [String]
    /// The secrets that a subject must have for the requests that name them.
    package var subjectSecrets: [String]
    /// How it is told who asks, the preferred way first; never empty.
    package private(set) var ways: [Way]
    /// The preferred way, or the only one.
    package var authentication: Authentication {
        get { ways[0].authentication }
        set { ways = [Way(newValue)] }
    }
    /// The settings that say whom Cordon itself signs in as, each with the attribute by which the inventory names such
    /// an identity.
    package var ownNames: [String: String]
    /// What is shown when a connection is made, where this instance has it.
    package var certificate: ClientCertificate?
    package var rates: RateHeaders?
    package var actions: [String: Action]
    /// How it is asked whom an alert means; the first that fits is asked.
    package var lookups: [Lookup]
    /// How it is asked what it delivered to a source.
    package var reconcile: Reconcile?

    package init(
        settings: [String: Setting], secrets: [String], optionalSecrets: [String] = [], subjectSecrets: [String],
        authentication: Authentication, signsInAs: [String: String] = [:], certificate: ClientCertificate? = nil,
        rates: RateHeaders? = nil, actions: [String: Action], lookups: [Lookup] = [], reconcile: Reconcile? = nil
    ) {
        self.init(
            settings: settings, secrets: secrets, optionalSecrets: optionalSecrets, subjectSecrets: subjectSecrets,
            ways: [Way(authentication)], signsInAs: signsInAs, certificate: certificate, rates: rates,
            actions: actions, lookups: lookups, reconcile: reconcile)
    }

    /// - Parameter ways: at least one.
    init(
        settings: [String: Setting], secrets: [String], optionalSecrets: [String], subjectSecrets: [String],
        ways: [Way], signsInAs: [String: String], certificate: ClientCertificate?, rates: RateHeaders?,
        actions: [String: Action], lookups: [Lookup], reconcile: Reconcile?
    ) {
        precondition(!ways.isEmpty, "a provider is asked in some way, 'none' is one")
        self.ways = ways
        ownNames = Dictionary(ways.flatMap(\.authentication.userSettings).map { ($0, $0) }) { first, _ in first }
            .merging(signsInAs) { _, said in said }
        self.reconcile = reconcile
        self.lookups = lookups
        self.settings = settings
        self.secrets = secrets
        self.optionalSecrets = optionalSecrets
        self.subjectSecrets = subjectSecrets
        self.certificate = certificate
        self.rates = rates
        self.actions = actions
    }

    /// What it promises where no connection says more.
    package var contracts: [String: Contract] { contracts([:]) }

    package func contracts(_ settings: [String: String]) -> [String: Contract] {
        actions.mapValues { $0.contract(settings) }
    }

    var secretNames: [String] { secrets + optionalSecrets + subjectSecrets }
}

/// How a provider says that its patience is at an end, where it has headers of its own for that. Lower case.
package struct RateHeaders: Sendable, Hashable {
    package enum Reset: String, Sendable, Hashable, CaseIterable {
        /// Seconds from now.
        case seconds
        /// Seconds since 1970.
        case epoch
    }

    package var remaining: String
    package var reset: String
    package var resetAs: Reset

    package init(remaining: String, reset: String, resetAs: Reset) {
        self.remaining = remaining
        self.reset = reset
        self.resetAs = resetAs
    }
}
