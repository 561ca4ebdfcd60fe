// SPDX-License-Identifier: Apache-2.0

extension Machine {
    /// What a loop runs over: each element with its index or key.
    private struct Elements {
        let range: Datum
        let keys: [Datum]
        let count: Int

        init(_ range: Datum, _ form: Macro.Form) throws(Fault) {
            self.range = range
            guard let count = range.count else { throw Fault.noOverload(form.rawValue, range) }
            keys = range.keys()
            self.count = count
        }

        func key(_ place: Int) -> Datum { keys.isEmpty ? .int(Int64(place)) : keys[place] }

        func value(_ place: Int) throws(Fault) -> Datum {
            keys.isEmpty ? try range.element(place) : try range.value(forKey: keys[place]) ?? .null
        }
    }

    /// The work of one turn beside its body: reading the element, testing, counting.
    private static let turnCost = 3

    mutating func loop(_ site: Program.LoopSite) throws(Fault) -> Datum {
        let range = try evaluate(site.range)
        // Keys are put in order before the first turn.
        try budget.spend(range.orderingCost)
        let elements = try Elements(range, site.form)
        switch site.form {
        case .all: return try quantify(site, elements, deciding: false)
        case .exists: return try quantify(site, elements, deciding: true)
        case .existsOne: return try count(site, elements)
        case .transformMap, .transformMapEntry: return try transformMap(site, elements)
        default: return try transform(site, elements)
        }
    }

    private mutating func enter(_ site: Program.LoopSite, _ elements: Elements, _ place: Int) throws(Fault) {
        try budget.spend(Self.turnCost)
        if site.second >= 0 {
            slots[Int(site.first)] = .value(elements.key(place))
            slots[Int(site.second)] = .value(try elements.value(place))
        } else if elements.keys.isEmpty {
            slots[Int(site.first)] = .value(try elements.value(place))
        } else {
            slots[Int(site.first)] = .value(elements.keys[place])
        }
    }

    private mutating func holds(_ node: Int32, _ form: Macro.Form) throws(Fault) -> Bool {
        let datum = try evaluate(node)
        guard case .bool(let flag) = datum else { throw Fault.noOverload(form.rawValue, datum).at(Int(node)) }
        return flag
    }

    /// `all` and `exists`: an error counts only when no other element decides.
    private mutating func quantify(
        _ site: Program.LoopSite, _ elements: Elements, deciding: Bool
    ) throws(Fault) -> Datum {
        var pending: Fault?
        for place in 0..<elements.count {
            do throws(Fault) {
                try enter(site, elements, place)
                if try holds(site.body, site.form) == deciding { return .bool(deciding) }
            } catch {
                if error.isFinal { throw error }
                pending = pending ?? error
            }
        }
        if let pending { throw pending }
        return .bool(!deciding)
    }

    private mutating func count(_ site: Program.LoopSite, _ elements: Elements) throws(Fault) -> Datum {
        var hits = 0
        for place in 0..<elements.count {
            try enter(site, elements, place)
            if try holds(site.body, site.form) { hits += 1 }
        }
        return .bool(hits == 1)
    }

    /// `map`, `filter` and `transformList`.
    private mutating func transform(_ site: Program.LoopSite, _ elements: Elements) throws(Fault) -> Datum {
        var items: [Datum] = []
        for place in 0..<elements.count {
            try enter(site, elements, place)
            if site.filter >= 0, try !holds(site.filter, site.form) { continue }
            if site.form == .filter {
                guard try holds(site.body, .filter) else { continue }
                guard case .value(let element) = slots[Int(site.first)] else { continue }
                items.append(element)
            } else {
                items.append(try evaluate(site.body))
            }
            try budget.make(Budget.elementBytes)
        }
        return .list(items)
    }

    private mutating func transformMap(_ site: Program.LoopSite, _ elements: Elements) throws(Fault) -> Datum {
        var entries: [(key: Datum, value: Datum)] = []
        for place in 0..<elements.count {
            try enter(site, elements, place)
            if site.filter >= 0, try !holds(site.filter, site.form) { continue }
            let result = try evaluate(site.body)
            try budget.make(2 * Budget.elementBytes)
            guard site.form == .transformMapEntry else {
                entries.append((elements.key(place), result))
                continue
            }
            guard result.isMap else { throw Fault.noOverload(site.form.rawValue, result) }
            try budget.spend(result.orderingCost)
            for key in result.keys() {
                try budget.make(2 * Budget.elementBytes)
                entries.append((key, try result.value(forKey: key) ?? .null))
            }
        }
        return .map(try keyed(entries))
    }

    /// `cel.bind`: an error in the bound value counts only where the name is read.
    mutating func bind(_ site: Program.LoopSite) throws(Fault) -> Datum {
        try budget.spend(1)
        do throws(Fault) {
            slots[Int(site.first)] = .value(try evaluate(site.range))
        } catch {
            if error.isFinal { throw error }
            slots[Int(site.first)] = .fault(error)
        }
        return try evaluate(site.body)
    }

    mutating func optionalMap(_ op: Op) throws(Fault) -> Datum {
        try budget.spend(1)
        let site = program.loops[Int(op.a)]
        let receiver = try evaluate(site.range)
        guard case .optional(let inner) = receiver else { throw Fault.noOverload(site.form.rawValue, receiver) }
        guard let inner else { return .optional(nil) }
        slots[Int(site.first)] = .value(inner)
        let result = try evaluate(site.body)
        if op.code == .optionalMap { return .optional(result) }
        guard case .optional = result else { throw Fault.noOverload(site.form.rawValue, result) }
        return result
    }
}
