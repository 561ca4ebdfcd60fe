// SPDX-License-Identifier: Apache-2.0

import CordonCore

/// What sources closed, in the order in which it was stored.
struct ClosingBook {
    private var places: [EventKey: Int] = [:]
    private var rows: [Int: Closing] = [:]
    private var last = 0
    /// No row stands before it.
    private var oldest = 1

    subscript(_ matter: EventKey) -> Closing? { places[matter].flatMap { rows[$0] } }

    mutating func keep(_ closing: Closing) {
        if let known = self[closing.matter], known.asOf >= closing.asOf { return }
        if let place = places[closing.matter] { rows[place] = nil }
        last += 1
        places[closing.matter] = last
        rows[last] = closing
        forget(asOf: closing.receivedAt)
    }

    /// Looks at the oldest few, as a database does, and then whether too many are left: the oldest go.
    private mutating func forget(asOf now: Instant) {
        forget { $0.receivedAt.milliseconds < now.milliseconds - Limits.closingMillisecondsKept }
        while rows.count > Limits.closingsMax { drop(oldestKept) }
    }

    private mutating func forget(_ isOld: (Closing) -> Bool) {
        var place = oldest
        var seen = 0
        while place <= last, seen < StoreLimits.closingsForgottenAtOnce {
            if let row = rows[place] {
                seen += 1
                if isOld(row) { drop(place) }
            }
            place += 1
        }
    }

    private var oldestKept: Int { (oldest...last).first { rows[$0] != nil } ?? last }

    private mutating func drop(_ place: Int) {
        if let row = rows.removeValue(forKey: place) { places[row.matter] = nil }
        while oldest <= last, rows[oldest] == nil { oldest += 1 }
    }
}

extension Model {
    mutating func keep(_ closings: [Closing], _ concerns: [Concern]) {
        for closing in closings { self.closings.keep(closing) }
        for concern in concerns where runs[concern.run].map({ $0.endedAt == nil }) ?? false {
            let isKnown = self.concerns.contains { $0.run == concern.run && $0.signal == concern.signal }
            if !isKnown { self.concerns.append(concern) }
        }
    }

    func matters(_ keys: [EventKey]) -> [EventKey: KnownMatter] {
        var known: [EventKey: KnownMatter] = [:]
        for key in keys {
            let concerns = self.concerns.filter { $0.matter == key }
                .sorted { ($0.run.text, $0.signal.text) < ($1.run.text, $1.signal.text) }
            let matter = KnownMatter(
                closing: closings[key], concerns: Array(concerns.prefix(Limits.runsPerMatterMax)))
            if matter != KnownMatter() { known[key] = matter }
        }
        return known
    }
}
