// SPDX-License-Identifier: Apache-2.0

package import CordonLanguage

/// What `NAME.test.yaml` says of the playbook beside it: cases, each an alert with the world around it, and what must
/// come of it. Run on virtual time through the engine, against a provider that answers as the case says.
package struct PlaybookTest: Sendable, Hashable {
    package var playbook: String
    package var file: String
    package var cases: [Case]

    package init(playbook: String, file: String, cases: [Case]) {
        self.playbook = playbook
        self.file = file
        self.cases = cases
    }

    package struct Case: Sendable, Hashable {
        package var name: String
        package var place: Place
        /// Cases run as `enforce` unless they say otherwise, whatever the playbook's own mode is.
        package var mode: Playbook.Mode
        package var arrival: Arrival
        package var world: World
        /// What providers answer, by capability or by `step.ID`.
        package var fakes: [String: Fake]
        /// What people answer, by the step that asks them.
        package var answers: [String: [Answer]]
        /// What operators do beside answering.
        package var deeds: [Deed]
        package var crash: Crash?
        package var expect: Expectation
    }

    /// What comes in, and how often.
    package struct Arrival: Sendable, Hashable {
        package enum Content: Sendable, Hashable {
            /// A delivery as the source of that connector sends it.
            case alert(connector: String, headers: [String: String], body: Value)
            /// What the alert would be read as: the kind's fields.
            case signal(Value, Signal.Severity)
        }

        package var content: Content
        /// How sure the signal is said to be; an alert says it itself.
        package var confidence: Double?
        package var times: Int
        /// The span from the first to the last.
        package var overMilliseconds: Int64
        /// The path of the text that is another in each: each repeat then accuses another identity.
        package var varied: [String]?
    }

    /// What the installation knows when the alert comes.
    package struct World: Sendable, Hashable {
        package enum Identity: Sendable, Hashable {
            case known(Subject)
            case unknown
            /// Two identities match.
            case ambiguous(Subject)
        }

        package var identity: Identity
        /// How many live identities of a kind there are.
        package var inventory: [Subject.Kind: Int]
        /// The connector through which the subject is acted on.
        package var connector: String
        /// The connector of each connection at which a step is done, by the connection's id.
        package var connections: [String: String] = [:]
        package var before = Before()
    }

    /// What guards remember when the alert comes.
    package struct Before: Sendable, Hashable {
        /// Other identities that the playbook touched within the hour.
        package var touched = 0
        /// Signals that it matched just before.
        package var matched = 0
        /// The subject's score.
        package var risk = 0.0
        /// How often others put back what was changed of the subject.
        package var putBack = 0
        package var isFrozen = false

        package init() {}
    }

    /// How a provider answers for one capability, or for one step.
    package struct Fake: Sendable, Hashable {
        /// What becomes of one request.
        package enum Fate: String, Sendable, Hashable, CaseIterable {
            case ok
            /// The provider refuses: nothing happened.
            case refused
            /// The provider asks to wait: nothing happened.
            case later
            /// The provider could not be reached: nothing left.
            case unsent
            /// It took effect, and the answer was lost on the way.
            case unknown
            /// The line was cut on the way there: no effect, and nobody knows.
            case cut
            /// No answer within the call's time, and no effect.
            case timeout
            /// It took effect, and this process ended before the answer was stored.
            case crash
        }

        /// One fate for every request, or one for each in turn; what comes after the last is fine.
        package enum Fates: Sendable, Hashable {
            case always(Fate)
            case inTurn([Fate])

            package func fate(_ number: Int) -> Fate {
                switch self {
                case .always(let fate): fate
                case .inTurn(let fates): number <= fates.count ? fates[number - 1] : .ok
                }
            }
        }

        /// False: the provider says that it was done, and it was not.
        package var takesEffect = true
        /// What the provider says of the subject before, and once the act took effect.
        package var before: Value?
        package var after: Value?
        /// What the act or the measurement answers, in turn; the last for all that follow.
        package var answers: [Value] = []
        package var acts: Fates = .inTurn([])
        package var reads: Fates = .inTurn([])
        package var undos: Fates = .inTurn([])
        package var takesMilliseconds: Int64 = 100
        package var drift: Drift?

        package init() {}
    }

    /// Somebody else changes the subject at the provider.
    package struct Drift: Sendable, Hashable {
        /// Counted from the act.
        package var atMilliseconds: Int64
        package var to: Value
    }

    package struct Answer: Sendable, Hashable {
        package var choice: String
        /// Counted from the question.
        package var atMilliseconds: Int64
        package var by: String?
    }

    /// Something that an operator does, counted from the first alert.
    package struct Deed: Sendable, Hashable {
        package enum Verb: String, Sendable, Hashable, CaseIterable {
            case resume, skip, pause, cancel, undo, resolve, keep, lift, halt, unhalt

            package var needsStep: Bool {
                switch self {
                case .skip, .keep, .lift: true
                case .resume, .pause, .cancel, .undo, .resolve, .halt, .unhalt: false
                }
            }
        }

        package var verb: Verb
        package var atMilliseconds: Int64
        package var step: String?
        package var tookEffect: Bool
        package var isForced: Bool
        package var by: String
        package var place: Place
    }

    /// This process ends while the step's act is under way; the next one goes on from the store.
    package struct Crash: Sendable, Hashable {
        package enum Moment: String, Sendable, Hashable, CaseIterable {
            /// The intent is stored, and nothing has left.
            case before
            /// The provider did it, and its answer is not stored.
            case after
        }

        package var step: String
        package var moment: Moment
    }

    package struct Expectation: Sendable, Hashable {
        package enum End: String, Sendable, Hashable, CaseIterable {
            case completed, cancelled, undone, stopped
            /// Ended, and what it did and can be undone was undone.
            case restored
            /// A person is asked, and nothing else will move it.
            case asked
            /// No run was opened.
            case none
        }

        package enum StepEnd: String, Sendable, Hashable, CaseIterable {
            case finished, skipped, failed, stopped, undone, pending
        }

        package var verdict: Decision.Verdict?
        /// Guards, or words of the reasons.
        package var because: [String] = []
        package var calls: [String]?
        package var notCalled: [String] = []
        /// How many requests left for a call, each try counted.
        package var requests: [String: Int] = [:]
        package var containedWithinMilliseconds: Int64?
        package var end: End?
        package var asked: [String]?
        package var runs: Int?
        package var steps: [String: StepEnd] = [:]

        package var isEmpty: Bool { self == Expectation() }

        package init() {}
    }

    /// What a test's file is read against.
    package struct Setting {
        package var playbooks: [Playbook]
        package var workflows: [Workflow]
        /// The signals that a connector's source can give, by the connector's name.
        package var sources: [String: Set<String>]
        /// The capabilities that a connector's provider offers.
        package var providers: [String: Set<String>]
        /// The bytes of a file beside the test; `nil` when it can't be read.
        package var fixture: (String) -> [UInt8]?

        package init(
            playbooks: [Playbook], workflows: [Workflow], sources: [String: Set<String>],
            providers: [String: Set<String>], fixture: @escaping (String) -> [UInt8]?
        ) {
            self.playbooks = playbooks
            self.workflows = workflows
            self.sources = sources
            self.providers = providers
            self.fixture = fixture
        }
    }
}
