// SPDX-License-Identifier: Apache-2.0

import CordonLanguage

extension Run {
    /// The run that these events tell of, or `nil` when the first is no `runOpened`.
    package static func fold(_ history: [(at: Instant, event: Event)]) -> Run? {
        guard let first = history.first, case .runOpened(let opening) = first.event else { return nil }
        var run = Run(opening: opening, at: first.at)
        for line in history { run.apply(line.event, at: line.at) }
        return run
    }

    /// Changes the state as the event says, and decides nothing: whatever is in a stored event holds.
    package mutating func apply(_ event: Event, at now: Instant) {
        number += 1
        updatedAt = now
        switch event {
        case .runOpened: phase = .running
        case .runAsked(let ask):
            phase = .asked(ask)
            if ask.kind == .unknownOutcome, let id = ask.step { change(id) { $0.faceDoubt() } }
        case .runResumed: resume()
        case .runCancelRequested(let by, _): cancelRequestedBy = by
        case .runEnded(let ending, _):
            phase = .ended(ending)
            endedAt = now
        case .stepStarted(let id, let deadline):
            change(id) {
                $0.startedAt = $0.startedAt ?? now
                $0.deadline = deadline
            }
        case .stepSkipped(let id, let reason): end(id, .skipped, reason, now)
        case .stepFinished(let id, let isVerified, let note):
            end(id, .finished, note, now)
            change(id) { $0.isVerified = isVerified }
        case .stepStopped(let id, let reason): end(id, .stopped, reason, now)
        case .callIntended(let id, let call):
            change(id) {
                $0.phase = .calling(call)
                $0.calls = call.number
            }
        case .callRedelivered(let id, _, let delivery, let deadline):
            change(id) { $0.redeliver(delivery: delivery, deadline: deadline) }
        case .callReturned(let id, _, let outcome): change(id) { $0.take(outcome) }
        case .callResolved(let id, _, let tookEffect, _, _): change(id) { $0.resolve(tookEffect: tookEffect) }
        case .retryScheduled(let id, let backOff, _): change(id) { $0.phase = .backingOff(backOff) }
        }
    }

    private mutating func change(_ id: String, _ body: (inout Step) -> Void) {
        guard let index = steps.firstIndex(where: { $0.id == id }) else { return }
        body(&steps[index])
    }

    private mutating func end(_ id: String, _ phase: Step.Phase, _ note: String?, _ now: Instant) {
        change(id) {
            $0.phase = phase
            $0.note = note
            $0.endedAt = now
        }
    }

    /// A person let the run go on: a stopped step begins anew, with a new span of time.
    private mutating func resume() {
        phase = .running
        for index in steps.indices where steps[index].phase == .stopped {
            steps[index].phase = .pending
            steps[index].startedAt = nil
            steps[index].endedAt = nil
            steps[index].note = nil
        }
    }
}

extension Step {
    fileprivate mutating func redeliver(delivery: Int, deadline: Instant) {
        var open: Call? {
            switch phase {
            case .calling(let call): call
            case .backingOff(let backOff): backOff.redelivers
            case .uncertain(let call): call
            case .pending, .finished, .skipped, .stopped: nil
            }
        }
        guard var call = open else { return }
        call.delivery = delivery
        call.deadline = deadline
        phase = .calling(call)
    }

    /// The open call keeps the step in `calling` until the events after this one say where it goes; only an
    /// outcome that nobody knows changes the phase by itself, so that it can never be overlooked.
    fileprivate mutating func take(_ outcome: Outcome) {
        // A reading that polls says the same many times: one blob is named once.
        for item in outcome.evidence where !evidence.contains(item) { evidence.append(item) }
        guard case .calling(let call) = phase else { return }
        switch outcome.kind {
        case .unknown:
            phase = .uncertain(call)
            if call.redeliveryClass.isWrite { doubt = call }
        case .later, .refused: break
        case .done, .already:
            switch call.purpose {
            case .before:
                // What is read after an act that may have taken effect is no before-image any more.
                if doubt == nil || before == nil { before = outcome.result }
            case .act:
                result = outcome.result
                hasActed = true
                doubt = nil
            case .probe, .readBack: after = outcome.result
            }
        }
    }

    /// A person is asked about the act in doubt, whatever was tried since to find out.
    fileprivate mutating func faceDoubt() {
        if let doubt { phase = .uncertain(doubt) }
    }

    fileprivate mutating func resolve(tookEffect: Bool) {
        hasActed = tookEffect
        doubt = nil
        phase = .pending
    }
}
