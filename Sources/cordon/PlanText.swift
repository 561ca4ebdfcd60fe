// SPDX-License-Identifier: Apache-2.0

import CordonLanguage

/// What a proposed run would change, for whoever is to agree to it.
enum PlanText {
    /// `nil` for a run that has no plan with it.
    static func page(_ run: Value) -> String? {
        guard let plan = run["plan"], let digest = plan["digest"]?.stringValue, let id = run["id"]?.stringValue else {
            return nil
        }
        let acts = plan["acts"]?.arrayValue ?? []
        var lines = ["WOULD DO, at most"]
        if acts.isEmpty { lines.append("  nothing") }
        for act in acts {
            let only = act["changes"] == false ? ", which only reads" : ""
            lines.append("  \(text(act["step"])): \(text(act["do"])) at \(text(act["at"]))\(only)")
            guard only.isEmpty else { continue }
            lines.append("    now    \(act["before"].flatMap { $0 == .null ? nil : $0.json } ?? unread(act))")
            lines.append("    after  \(text(act["do"])) with \((act["with"] ?? .null).json)")
            lines.append("    \(act["undoable"] == true ? "can be undone" : "can not be undone")")
        }
        lines.append("")
        lines.append("To agree to exactly this, as long as the states are as now:")
        lines.append("  cordon run resume \(id) --plan \(digest) --reason …")
        return lines.joined(separator: "\n")
    }

    private static func text(_ value: Value?) -> String { value?.stringValue ?? "" }

    private static func unread(_ act: Value) -> String {
        act["unread"]?.stringValue ?? "not read: it changes no state that can be read"
    }
}
