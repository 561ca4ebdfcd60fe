// SPDX-License-Identifier: Apache-2.0

package import CordonCore
package import CordonLanguage

package enum TrackRecordView {
    /// With what is lacking for the next rung, where there is a ladder.
    package static func make(
        _ record: TrackRecord, _ playbook: Playbook, _ library: Library, _ standing: Standing
    ) -> Value {
        let worst = library.workflows[playbook.workflow].map { WorstCase(of: $0, among: library.workflows) }
        var all = record.value(playbook.pin, playbook.mode, worst ?? WorstCase()).objectValue ?? [:]
        if let rule = library.guards.ladder {
            let rung = standing.ladder.mode(of: library.version(of: playbook))
            all["rung"] = .string(rung.rawValue)
            if let next = rung.above {
                all["next"] = [
                    "mode": .string(next.rawValue),
                    "lacks": .array(record.lacks(for: next, from: rung, rule).map(Value.string)),
                ]
            }
        }
        return .object(all)
    }
}
