// SPDX-License-Identifier: Apache-2.0

/// Who waits for a lane: the gravest first, and among equals who came first. Coming, going and leaving cost the same
/// however long the line is: after a stop it may hold every live run.
struct LaneQueue: Sendable, Hashable {
    private struct Line: Sendable, Hashable {
        var tickets: [Int] = []
        /// How many at the front have gone.
        var gone = 0
    }

    private var lines: [Int: Line] = [:]
    /// Those who still stand in some line; who left is passed over when its turn comes.
    private var waiting: Set<Int> = []

    var isEmpty: Bool { waiting.isEmpty }

    mutating func add(_ ticket: Int, rank: Int) {
        lines[rank, default: Line()].tickets.append(ticket)
        waiting.insert(ticket)
    }

    mutating func leave(_ ticket: Int) {
        waiting.remove(ticket)
        if waiting.isEmpty { lines = [:] }
    }

    mutating func takeFirst() -> Int? {
        while let rank = lines.keys.max() {
            while let line = lines[rank], line.gone < line.tickets.count {
                let ticket = line.tickets[line.gone]
                lines[rank]?.gone += 1
                if waiting.remove(ticket) != nil { return ticket }
            }
            lines[rank] = nil
        }
        return nil
    }

    /// How many go before this one.
    func count(before ticket: Int) -> Int {
        var count = 0
        for rank in lines.keys.sorted(by: >) {
            guard let line = lines[rank] else { continue }
            for other in line.tickets[line.gone...] {
                if other == ticket { return count }
                if waiting.contains(other) { count += 1 }
            }
        }
        return count
    }

    mutating func takeAll() -> [Int] {
        var all: [Int] = []
        while let ticket = takeFirst() { all.append(ticket) }
        return all
    }
}
