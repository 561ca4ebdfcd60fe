// SPDX-License-Identifier: Apache-2.0

package import CordonLanguage

extension Step {
    /// The members of a step; `Step` shows each of them.
    struct State: Sendable, Hashable {
        var id: String
        var phase: Phase
        var startedAt: Instant?
        /// When the step ends at the latest.
        var deadline: Instant?
        var endedAt: Instant?
        /// Intents made so far.
        var calls: Int
        /// The subject's state before the first change, as the provider told it.
        var before: Value?
        /// The same, read back.
        var after: Value?
        var result: Value?
        /// The effect was seen at the provider.
        var isVerified: Bool
        /// The act took effect, as far as its outcome tells; what is still missing is the proof.
        var hasActed: Bool
        /// The number of the entry that told so: what acted last is undone first.
        var actedNumber: Int?
        /// What the act was called with: its undo is called with the same.
        var arguments: Value?
        /// What it did has been undone.
        var isUndone: Bool
        /// The act of which nobody knows whether it took effect. It outlives the calls that ask about it: until it is
        /// resolved, no new act is intended that could be a second one.
        var doubt: Call?
        /// An act of which nobody learned whether it took effect was done anew: undoing the step sets back that one too.
        var mayHaveActed: Bool
        /// What it issued is in memory no more: it is taken back, and then done anew.
        var isLost: Bool
        /// What a person is asked about it while it is stopped or uncertain.
        var ask: Run.Ask?
        /// Who agreed to it, under which digest of what they were shown.
        var permit: Permit?
        var hold: Hold?
        /// What it left open, unless a later step ended that.
        var exposure: Exposure?
        /// What the use of what the subject holds was answered before the act.
        var control: Value?
        /// The same after it.
        var seen: Value?
        var proof: Proof?
        /// Until when its provider may take to show the effect.
        var proofUntil: Instant?
        /// What a person is asked about its hold: beside whatever else is asked about the step.
        var holdAsk: Run.Ask?
        /// The items of a line under `each`, as its list gave them.
        var items: [Value]?
        /// What a called workflow was handed.
        var inputs: Value?
        /// When its own lines must have ended; `nil` for a part that nobody bounded, and for those opened before bounds were
        /// looked at.
        var openUntil: Instant?
        /// How many rungs of a ladder, or looks of a wait, are done.
        var rounds: Int
        /// A person wants its undo whatever the live state is.
        var isForced: Bool
        var note: String?
        var evidence: [Evidence]

        init(id: String) {
            self.id = id
            phase = .pending
            calls = 0
            isVerified = false
            hasActed = false
            isUndone = false
            mayHaveActed = false
            isLost = false
            rounds = 0
            isForced = false
            evidence = []
        }
    }

    /// `@unchecked Sendable`: a box that two steps share is never written to, each writes to one of its own.
    final class Box: @unchecked Sendable {
        var state: State

        init(_ state: State) { self.state = state }
    }

    /// Makes the box this step's own before it is written to.
    @inline(__always)
    private mutating func own() {
        if !isKnownUniquelyReferenced(&box) { box = Box(box.state) }
    }

    package static func == (left: Step, right: Step) -> Bool {
        left.box === right.box || left.box.state == right.box.state
    }

    package func hash(into hasher: inout Hasher) { box.state.hash(into: &hasher) }
}

extension Step {
    package var id: String {
        get { box.state.id }
        _modify {
            own()
            yield &box.state.id
        }
    }
    package var phase: Phase {
        get { box.state.phase }
        _modify {
            own()
            yield &box.state.phase
        }
    }
    package var startedAt: Instant? {
        get { box.state.startedAt }
        _modify {
            own()
            yield &box.state.startedAt
        }
    }
    package var deadline: Instant? {
        get { box.state.deadline }
        _modify {
            own()
            yield &box.state.deadline
        }
    }
    package var endedAt: Instant? {
        get { box.state.endedAt }
        _modify {
            own()
            yield &box.state.endedAt
        }
    }
    package var openUntil: Instant? {
        get { box.state.openUntil }
        _modify {
            own()
            yield &box.state.openUntil
        }
    }
    package var calls: Int {
        get { box.state.calls }
        _modify {
            own()
            yield &box.state.calls
        }
    }
    package var before: Value? {
        get { box.state.before }
        _modify {
            own()
            yield &box.state.before
        }
    }
    package var after: Value? {
        get { box.state.after }
        _modify {
            own()
            yield &box.state.after
        }
    }
    package var result: Value? {
        get { box.state.result }
        _modify {
            own()
            yield &box.state.result
        }
    }
    package var isVerified: Bool {
        get { box.state.isVerified }
        _modify {
            own()
            yield &box.state.isVerified
        }
    }
    package var hasActed: Bool {
        get { box.state.hasActed }
        _modify {
            own()
            yield &box.state.hasActed
        }
    }
    package var actedNumber: Int? {
        get { box.state.actedNumber }
        _modify {
            own()
            yield &box.state.actedNumber
        }
    }
    package var arguments: Value? {
        get { box.state.arguments }
        _modify {
            own()
            yield &box.state.arguments
        }
    }
    package var isUndone: Bool {
        get { box.state.isUndone }
        _modify {
            own()
            yield &box.state.isUndone
        }
    }
    package var doubt: Call? {
        get { box.state.doubt }
        _modify {
            own()
            yield &box.state.doubt
        }
    }
    package var mayHaveActed: Bool {
        get { box.state.mayHaveActed }
        _modify {
            own()
            yield &box.state.mayHaveActed
        }
    }
    package var isLost: Bool {
        get { box.state.isLost }
        _modify {
            own()
            yield &box.state.isLost
        }
    }
    package var ask: Run.Ask? {
        get { box.state.ask }
        _modify {
            own()
            yield &box.state.ask
        }
    }
    package var permit: Permit? {
        get { box.state.permit }
        _modify {
            own()
            yield &box.state.permit
        }
    }
    package var hold: Hold? {
        get { box.state.hold }
        _modify {
            own()
            yield &box.state.hold
        }
    }
    package var exposure: Exposure? {
        get { box.state.exposure }
        _modify {
            own()
            yield &box.state.exposure
        }
    }
    package var control: Value? {
        get { box.state.control }
        _modify {
            own()
            yield &box.state.control
        }
    }
    package var seen: Value? {
        get { box.state.seen }
        _modify {
            own()
            yield &box.state.seen
        }
    }
    package var proof: Proof? {
        get { box.state.proof }
        _modify {
            own()
            yield &box.state.proof
        }
    }
    package var proofUntil: Instant? {
        get { box.state.proofUntil }
        _modify {
            own()
            yield &box.state.proofUntil
        }
    }
    package var holdAsk: Run.Ask? {
        get { box.state.holdAsk }
        _modify {
            own()
            yield &box.state.holdAsk
        }
    }
    package var items: [Value]? {
        get { box.state.items }
        _modify {
            own()
            yield &box.state.items
        }
    }
    package var inputs: Value? {
        get { box.state.inputs }
        _modify {
            own()
            yield &box.state.inputs
        }
    }
    package var rounds: Int {
        get { box.state.rounds }
        _modify {
            own()
            yield &box.state.rounds
        }
    }
    package var isForced: Bool {
        get { box.state.isForced }
        _modify {
            own()
            yield &box.state.isForced
        }
    }
    package var note: String? {
        get { box.state.note }
        _modify {
            own()
            yield &box.state.note
        }
    }
    package var evidence: [Evidence] {
        get { box.state.evidence }
        _modify {
            own()
            yield &box.state.evidence
        }
    }
}
