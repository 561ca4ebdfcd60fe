// SPDX-License-Identifier: Apache-2.0

import CordonLanguage

/// What runs mean for a script: the code that `--exit-status` and `run wait` end with.
enum RunVerdict {
    /// `nil` for a run that completed, and for one that still goes on by itself.
    ///
    /// - Parameter run: as the API shows it, with its `phase`, `ending` and `next`.
    static func failure(_ run: Value) -> CommandFailure? {
        let id = run["id"]?.stringValue ?? ""
        switch exit(run) {
        case .runFailed:
            return CommandFailure(.runFailed, "\(id) did not complete: it was \(run["ending"]?.stringValue ?? "ended")")
        case .waitsForPerson:
            return CommandFailure(.waitsForPerson, "\(id) waits for a person; see 'cordon run why \(id)'")
        default: return nil
        }
    }

    /// The gravest of many: one that did not complete weighs more than one that waits.
    static func failure(among runs: [Value]) -> CommandFailure? {
        let exits = runs.map(exit)
        let failed = exits.count { $0 == .runFailed }
        let waiting = exits.count { $0 == .waitsForPerson }
        guard failed + waiting > 0 else { return nil }
        return CommandFailure(
            failed > 0 ? .runFailed : .waitsForPerson,
            "of \(runs.count) listed, \(failed) did not complete and \(waiting) wait\(waiting == 1 ? "s" : "") for a person"
        )
    }

    private static func exit(_ run: Value) -> Exit {
        switch run["phase"] {
        case "ended": run["ending"] == "completed" ? .ok : .runFailed
        case "asked": .waitsForPerson
        default: .ok
        }
    }
}
