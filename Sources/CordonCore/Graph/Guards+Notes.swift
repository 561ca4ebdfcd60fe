// SPDX-License-Identifier: Apache-2.0

import CordonLanguage

extension Playbook.Guards {
    /// How far the playbook lets itself go, a line for each guard, as its picture tells it.
    var notes: [String] {
        var notes: [String] = []
        if let confidence {
            notes.append("confidence from \(confidence.min.short) on, else \(confidence.below.rawValue)")
        }
        if let risk { notes.append("risk score from \(risk.actAt.short) on, \(risk.add.short) a signal") }
        if !protection.deny.isEmpty { notes.append("denies " + protection.deny.map(\.text).joined(separator: ", ")) }
        if !protection.ask.isEmpty { notes.append("asks for " + protection.ask.map(\.text).joined(separator: ", ")) }
        if let limits {
            let most = [
                limits.perRun.map { "\($0) a run" }, limits.perPlaybook.map { "\($0) an hour" },
                limits.share.map { "\(($0 * 100).short) % of all" },
            ].compactMap { $0 }
            notes.append("at most " + most.joined(separator: ", ") + ", else \(limits.over.rawValue)")
        }
        if let surge {
            notes.append(
                "\(surge.factor.short) times what is usual in \(spanText(surge.windowMilliseconds)): "
                    + surge.then.rawValue)
        }
        notes += requirements.map { "requires \($0.that.source), else \($0.otherwise.rawValue)" }
        return notes
    }
}
