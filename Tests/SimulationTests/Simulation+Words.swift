// SPDX-License-Identifier: Apache-2.0

import CordonCore
import CordonLanguage

// How a failing seed tells its story: short words for inputs, events and lines.

extension RunInput {
    var short: String {
        switch self {
        case .callReturned(let step, let number, _, let outcome): "\(step)#\(number) returned \(outcome.kind)"
        case .timerFired: "timer"
        case .answer(let step, let person, let choice, _, _): "\(person.name) answers \(step): \(choice)"
        case .resume(let step, let isForced, _, _, _): "resume \(step ?? "all")\(isForced ? " by force" : "")"
        case .skip(let step, _, _): "skip \(step)"
        case .pause: "pause"
        case .cancel(let undo, _, _): undo ? "cancel with undo" : "cancel"
        case .resolve(let step, let tookEffect, _, _): "resolve \(step ?? "the one"): \(tookEffect)"
        case .undo(let steps, _, _): "undo \(steps?.joined(separator: ",") ?? "all")"
        case .endHold(let step, let keep, _, _): "end hold of \(step), \(keep ? "keep" : "undo")"
        case .extendHold(let step, _, _, _): "extend hold of \(step)"
        case .join: "join"
        case .close: "close"
        case .begin: "begin"
        }
    }
}

extension Event {
    var short: String {
        let step = value["step"]?.stringValue.map { ":\($0)" } ?? ""
        switch self {
        case .callIntended(_, let call): return "\(kind)\(step)#\(call.number)(\(call.purpose))"
        case .holdChanged(_, let hold, _, _): return "\(kind)\(step)(\(hold.state))"
        case .stepStopped(_, let reason), .stepFailed(_, let reason), .stepSkipped(_, let reason):
            return "\(kind)\(step)(\(reason))"
        case .runConcluded(let conclusion): return "\(kind)(\(conclusion.ending))"
        case .runEnded(let ending, _): return "\(kind)(\(ending))"
        default: return kind + step
        }
    }
}

extension Scenario {
    /// The workflows, one line each.
    var outline: String {
        let all = [workflow] + called.values.sorted { $0.name < $1.name }
        return all.map { "\($0.name):\n\(Scenario.outline($0.lines, "  "))" }.joined(separator: "\n")
    }

    private static func outline(_ lines: [Workflow.Line], _ indent: String) -> String {
        lines.map { line in
            ([indent + line.words] + line.branches.map { outline($0.lines, indent + "  " + $0.name + " ") })
                .joined(separator: "\n")
        }.joined(separator: "\n")
    }
}

extension Workflow.Line {
    fileprivate var words: String {
        let does =
            switch kind {
            case .act(let act): "do \(act.capability) undo:\(act.undo)\(act.verify == nil ? "" : " verify")"
            case .approve(let consent): "approve quorum:\(consent.quorum) silence:\(consent.silence)"
            case .task(let consent): "task silence:\(consent.silence)"
            case .wait(.span): "wait"
            case .wait(.condition(let until)): "wait until \(until.condition.source)"
            case .parallel: "parallel"
            case .ladder(let ladder): "ladder until \(ladder.condition.source)"
            case .call(let name, _): "call \(name)"
            case .undo(let names): "undo \(names.joined(separator: ","))"
            }
        var parts = ["\(id): \(does)"]
        if let condition { parts.append("if \(condition.source)") }
        if let each { parts.append("each parallel:\(each.parallel)") }
        if let hold { parts.append("hold then \(hold.then)\(hold.unless.map { " unless \($0.source)" } ?? "")") }
        if let after { parts.append("after \(after)") }
        if consent != nil { parts.append("gated") }
        if onError != .page { parts.append("on_error \(onError)") }
        return parts.joined(separator: ", ")
    }
}
