// SPDX-License-Identifier: Apache-2.0

/// Orders that wait for a free place, first come first served, each with its deadline.
struct WaitingLine {
    /// Removed orders leave a hole, so that cancelling one of many costs the same as cancelling one of few.
    private var orders: [CurlOrder?] = []
    private var first = 0
    private var places: [UInt64: Int] = [:]
    /// Never later than the earliest deadline in the line.
    private(set) var earliestDeadline: Int64?

    var count: Int { places.count }

    mutating func append(_ order: CurlOrder) {
        places[order.number] = orders.count
        orders.append(order)
        earliestDeadline = min(earliestDeadline ?? .max, order.deadlineMilliseconds)
    }

    mutating func popFirst() -> CurlOrder? {
        while first < orders.count {
            let order = orders[first]
            orders[first] = nil
            first += 1
            guard let order else { continue }
            places[order.number] = nil
            tidy()
            return order
        }
        tidy()
        return nil
    }

    mutating func remove(_ number: UInt64) -> CurlOrder? {
        guard let place = places.removeValue(forKey: number) else { return nil }
        defer { tidy() }
        let order = orders[place]
        orders[place] = nil
        return order
    }

    mutating func removeExpired(now: Int64) -> [CurlOrder] {
        guard let earliest = earliestDeadline, earliest <= now else { return [] }
        let live = orders[first...].compactMap(\.self)
        let expired = live.filter { $0.deadlineMilliseconds <= now }
        self = WaitingLine()
        for order in live where order.deadlineMilliseconds > now { append(order) }
        return expired
    }

    private mutating func tidy() {
        if places.isEmpty {
            orders.removeAll(keepingCapacity: true)
            first = 0
            earliestDeadline = nil
        } else if first > 1024 && first > orders.count / 2 {
            // Moves what is left to the front, at most once per that many orders.
            let live = orders[first...].compactMap(\.self)
            orders = live
            first = 0
            for (place, order) in live.enumerated() { places[order.number] = place }
        }
    }
}
