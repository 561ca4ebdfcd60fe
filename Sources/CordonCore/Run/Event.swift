// SPDX-License-Identifier: Apache-2.0

package import CordonLanguage

/// What happened to a run. Past tense; stored for ever under `kind`, so a case is never renamed or reused.
package enum Event: Sendable, Hashable {
    case runOpened(Opening)
    case runAsked(Run.Ask)
    /// `step`: the only one that goes on; `nil`: the run with all that was stopped.
    /// `plan`: what they saw who agreed to a proposal; lines that were written before it was told have none.
    case runResumed(step: String?, isForced: Bool, by: String, reason: String, plan: AgreedPlan? = nil)
    case runPaused(by: String, reason: String)
    /// The way forward is over; the run ends so once its calls and holds have ended.
    case runConcluded(Run.Conclusion)
    case rollbackRequested(Run.Rollback)
    case rollbackFinished
    case signalJoined(SignalID, AlertID)
    /// The source itself says, by a later alert, that what the signal told of is over.
    case signalClosed(SignalID, by: AlertID, asOf: Instant)
    /// A person moved it to another version of its workflow.
    case runMigrated(Migration)
    case runEnded(Run.Ending, reason: String)
    case stepStarted(step: String, deadline: Instant)
    /// Its own lines begin: the items of a list, or what a called workflow is handed.
    case stepOpened(step: String, items: [Value]?, inputs: Value?, until: Instant? = nil)
    case stepSkipped(step: String, reason: String)
    case stepFinished(step: String, isVerified: Bool, note: String?)
    case stepFailed(step: String, reason: String)
    case stepStopped(step: String, reason: String)
    /// Its next call waits for the end of a halt or a pause.
    case stepHalted(step: String, Step.BackOff, reason: String)
    case waitScheduled(step: String, until: Instant)
    case rungFinished(step: String, rounds: Int)
    case questionAsked(step: String, Question)
    case questionReminded(step: String, next: Instant?)
    case questionEscalated(step: String, to: String)
    case answerGiven(step: String, Question.Answer)
    case questionClosed(step: String, choice: String, reason: String)
    case holdStarted(step: String, until: Instant)
    case holdChanged(step: String, Step.Hold, by: String, reason: String)
    /// What was issued before the step acted may be used until then.
    case exposureFound(step: String, Step.Exposure)
    /// Another step ended what the step had left.
    case exposureEnded(step: String, by: String)
    /// Its provider may take until then to show the effect.
    case proofAwaited(step: String, until: Instant)
    /// What the use of what the subject holds proved.
    case proofTaken(step: String, Step.Proof)
    /// What the step issued is in memory no more: it is taken back and issued anew, and those who would have used it wait.
    case secretLost(step: String, users: [String], reason: String)
    /// What it did is taken back, and it begins anew.
    case stepReopened(step: String)
    case callIntended(step: String, Call)
    case callRedelivered(step: String, number: Int, delivery: Int, deadline: Instant)
    case callReturned(step: String, number: Int, Outcome)
    case callResolved(step: String, number: Int, tookEffect: Bool, by: String, reason: String)
    case retryScheduled(step: String, Step.BackOff, reason: String)

    package var kind: String {
        switch self {
        case .runOpened: "runOpened"
        case .runAsked: "runAsked"
        case .runResumed: "runResumed"
        case .runPaused: "runPaused"
        case .runConcluded: "runConcluded"
        case .rollbackRequested: "rollbackRequested"
        case .rollbackFinished: "rollbackFinished"
        case .signalJoined: "signalJoined"
        case .signalClosed: "signalClosed"
        case .runMigrated: "runMigrated"
        case .runEnded: "runEnded"
        case .stepStarted: "stepStarted"
        case .stepOpened: "stepOpened"
        case .stepSkipped: "stepSkipped"
        case .stepFinished: "stepFinished"
        case .stepFailed: "stepFailed"
        case .stepStopped: "stepStopped"
        case .stepHalted: "stepHalted"
        case .waitScheduled: "waitScheduled"
        case .rungFinished: "rungFinished"
        case .questionAsked: "questionAsked"
        case .questionReminded: "questionReminded"
        case .questionEscalated: "questionEscalated"
        case .answerGiven: "answerGiven"
        case .questionClosed: "questionClosed"
        case .holdStarted: "holdStarted"
        case .holdChanged: "holdChanged"
        case .exposureFound: "exposureFound"
        case .exposureEnded: "exposureEnded"
        case .proofAwaited: "proofAwaited"
        case .proofTaken: "proofTaken"
        case .secretLost: "secretLost"
        case .stepReopened: "stepReopened"
        case .callIntended: "callIntended"
        case .callRedelivered: "callRedelivered"
        case .callReturned: "callReturned"
        case .callResolved: "callResolved"
        case .retryScheduled: "retryScheduled"
        }
    }
}

extension Event {
    /// The digests of the evidence that it names.
    package var evidence: [String] {
        switch self {
        case .callReturned(_, _, let outcome): outcome.evidence.map(\.digest)
        case .runResumed(_, _, _, _, let plan): plan.map { [$0.kept] } ?? []
        default: []
        }
    }
}
