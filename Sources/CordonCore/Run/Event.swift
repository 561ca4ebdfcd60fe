// SPDX-License-Identifier: Apache-2.0

/// What happened to a run. Past tense; stored for ever under `kind`, so a case is never renamed or reused.
package enum Event: Sendable, Hashable {
    case runOpened(Opening)
    case runAsked(Run.Ask)
    case runResumed(by: String, reason: String)
    case runCancelRequested(by: String, reason: String)
    case runEnded(Run.Ending, reason: String)
    case stepStarted(step: String, deadline: Instant)
    case stepSkipped(step: String, reason: String)
    case stepFinished(step: String, isVerified: Bool, note: String?)
    case stepStopped(step: String, reason: String)
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
        case .runCancelRequested: "runCancelRequested"
        case .runEnded: "runEnded"
        case .stepStarted: "stepStarted"
        case .stepSkipped: "stepSkipped"
        case .stepFinished: "stepFinished"
        case .stepStopped: "stepStopped"
        case .callIntended: "callIntended"
        case .callRedelivered: "callRedelivered"
        case .callReturned: "callReturned"
        case .callResolved: "callResolved"
        case .retryScheduled: "retryScheduled"
        }
    }
}
