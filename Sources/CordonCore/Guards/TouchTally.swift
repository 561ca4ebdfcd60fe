// SPDX-License-Identifier: Apache-2.0

/// How many distinct identities were touched in each scope, told at once however many there are: limits are weighed for
/// every decision, and once more where it is stored. It grows with each touch; to lose one it is made anew.
struct TouchTally: Sendable, Hashable {
    private struct Counted: Sendable, Hashable {
        /// When each identity was touched last, and the same instants in their order.
        var latest: [String: Instant] = [:]
        var instants: [Instant] = []

        mutating func add(_ subject: String, _ at: Instant) {
            if let known = latest[subject] {
                guard known < at else { return }
                instants.remove(at: place(of: known))
            }
            latest[subject] = at
            instants.insert(at, at: place(of: at))
        }

        /// Where the first instant stands that is not before it.
        func place(of instant: Instant) -> Int {
            // Nearly always it is the last.
            if let last = instants.last, last < instant { return instants.count }
            var (low, high) = (0, instants.count)
            while low < high {
                let middle = (low + high) / 2
                if instants[middle] < instant { low = middle + 1 } else { high = middle }
            }
            return low
        }

        func count(from first: Instant, beside subjects: Set<String>) -> Int {
            instants.count - place(of: first) - subjects.count { latest[$0].map { $0 >= first } ?? false }
        }
    }

    private var scopes: [Touch.Scope: Counted] = [:]

    init() {}

    init(_ touches: some Sequence<Touch>) {
        for touch in touches { add(touch) }
    }

    mutating func add(_ touch: Touch) {
        for scope in touch.scopes { scopes[scope, default: Counted()].add(touch.subject, touch.at) }
    }

    /// The distinct identities touched in the scope at that instant or later, but for some.
    func count(in scope: Touch.Scope, from first: Instant, beside subjects: Set<String>) -> Int {
        scopes[scope]?.count(from: first, beside: subjects) ?? 0
    }
}

extension Touch {
    /// All that it is in.
    var scopes: [Scope] {
        var scopes: [Scope] = [.all, .playbook(playbook), .provider(provider), .kind(kind)]
        if let owner { scopes.append(.owner(owner)) }
        return scopes
    }
}
