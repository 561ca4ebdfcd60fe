// SPDX-License-Identifier: Apache-2.0

package import CordonCore
package import CordonLanguage

/// What a run would do, line by line, as the API and the command line show it.
package enum ForecastView {
    package static func make(_ forecast: Forecast, from now: Instant) -> Value {
        [
            "run": .string(forecast.run.id.text),
            "workflow": [
                "name": .string(forecast.run.workflow.name), "digest": .string(forecast.run.workflow.digest),
            ],
            "lines": .array(forecast.lines.map { line($0, now) }),
            "phase": .string(forecast.run.phaseWord),
            "ending": forecast.run.ending.map { .string($0.rawValue) } ?? .null,
            "whole": .bool(forecast.isWhole),
        ]
    }

    private static func line(_ line: Forecast.Line, _ now: Instant) -> Value {
        let told = tell(line.doing, line.at)
        return [
            "at": .string(line.at.description), "after_ms": .int(max(0, line.at.since(now))),
            "step": told.step.map(Value.string) ?? .null, "does": .string(told.word), "text": .string(told.text),
            "writes": .bool(told.writes),
        ]
    }

    private struct Told {
        var step: String?
        var word: String
        var text: String
        var writes = false
    }

    private static func tell(_ doing: Forecast.Doing, _ at: Instant) -> Told {
        switch doing {
        case .call(let step, let call):
            return Told(
                step: step, word: call.purpose.rawValue, text: "\(call.capability) at \(call.provider)",
                writes: call.redeliveryClass != .read)
        case .ask(let step, let question, let answer):
            let whom = question.by.joined(separator: ", ")
            let said = answer.map { "assumed: \($0)" } ?? "assumed: nobody answers"
            return Told(step: step, word: "ask", text: "\(whom): \(question.text) (\(said))")
        case .stop(let ask): return Told(step: ask.step, word: "stop", text: ask.reason)
        case .hold(let step, let until):
            return Told(step: step, word: "hold", text: "stands for \(spanText(until.since(at)))")
        case .holdEnd(let step, let state, let reason):
            return Told(step: step, word: "hold_end", text: "\(state.rawValue): \(reason)")
        case .wait(let step, let until):
            return Told(step: step, word: "wait", text: "for \(spanText(until.since(at)))")
        case .skip(let step, let reason): return Told(step: step, word: "skip", text: reason)
        case .fail(let step, let reason): return Told(step: step, word: "fail", text: reason)
        case .end(let ending, let reason): return Told(word: "end", text: "\(ending.rawValue): \(reason)")
        }
    }
}
