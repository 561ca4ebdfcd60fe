// SPDX-License-Identifier: Apache-2.0

import CordonCore
import CordonLanguage
import CordonStore

/// What the simulation promises to check, one checker each. Planting a bug against one shows that its checker sees it.
enum Promise: String, Sendable, CaseIterable {
    case gapFree
    case foldsToSnapshot
    case oneOpenIntent
    case wakes
    case sentOnce
    case intendedFirst
    case notDoubled
    case holdsEnd
    case quietAfterEnd
    case quietWhileForbidden
    case quietOnTheWire
    case answeredInTime
    case partsEnd
    case consented
    case inOrder
    case endsWhole
    case restored
    case finishes
}

struct Violation: Sendable, Hashable {
    var promise: Promise
    var text: String
}

/// One stored commit, as read back from the store: bytes decoded, nothing taken from the process that wrote it.
struct Commit: Sendable {
    struct Line: Sendable {
        var number: Int
        var at: Instant
        var event: Event
    }

    /// The fold of everything before it; `nil` for the commit that opens the run.
    var before: Run?
    var lines: [Line]
    /// The fold with it.
    var folded: Run
    /// The stored row, and the run that it gives: its snapshot with the entries after it.
    var row: RunRecord
    var run: Run
    /// What was forbidden when it was decided.
    var halts: Halts

    var events: [Event] { lines.map(\.event) }
    var at: Instant { row.updatedAt }
}

/// One request that left for a provider.
struct Send: Sendable, Hashable {
    var step: String
    var call: Call
    /// What forbade it when it left.
    var obstacle: String?
}

/// What a checker may look at besides the newest commit: all that was intended and sent, and how people behaved.
struct Record: Sendable {
    let scenario: Scenario
    var intents = Intents()
    var sends: [Send] = []
    var world = World()
    var kinds: Set<String> = []
    var commits = 0
    /// People say of a call in doubt what the provider's books say.
    var isTruthful = true
    /// Somebody left an undo out, or forced it.
    var wasUndoOverruled = false

    init(_ scenario: Scenario) { self.scenario = scenario }
}

/// The intents of a journal, and which are open.
struct Intents: Sendable {
    private(set) var last: [String: Int] = [:]
    private(set) var open: [String: Int] = [:]
    private(set) var deliveries: [String: Int] = [:]
    private(set) var calls: [String: Call] = [:]

    func call(_ step: String, _ number: Int) -> Call? { calls["\(step)#\(number)"] }
    func deliveries(_ step: String, _ number: Int) -> Int { deliveries["\(step)#\(number)"] ?? 0 }

    /// Takes an event in; tells what is wrong with it.
    mutating func take(_ event: Event) -> String? {
        switch event {
        case .callIntended(let step, let call):
            defer {
                last[step] = call.number
                open[step] = call.number
                calls["\(step)#\(call.number)"] = call
                deliveries["\(step)#\(call.number)"] = 1
            }
            if let number = open[step] { return "\(step)#\(call.number) is intended while #\(number) is open" }
            return call.number == (last[step] ?? 0) + 1 ? nil : "\(step)#\(call.number) follows #\(last[step] ?? 0)"
        case .callRedelivered(let step, let number, let delivery, _):
            defer {
                open[step] = number
                deliveries["\(step)#\(number)"] = delivery
            }
            guard calls["\(step)#\(number)"] != nil else { return "\(step)#\(number) is sent again, and was no intent" }
            if open[step] != nil { return "\(step)#\(number) is sent again while a call is open" }
            return delivery == deliveries(step, number) + 1 ? nil : "\(step)#\(number) skips a delivery"
        case .callReturned(let step, let number, _):
            defer { open[step] = nil }
            return open[step] == number ? nil : "\(step)#\(number) returned and was not open"
        default: return nil
        }
    }
}
