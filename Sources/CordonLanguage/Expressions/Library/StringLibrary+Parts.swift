// SPDX-License-Identifier: Apache-2.0

extension StringLibrary {
    /// Where `part` stands in `scalars`, without overlaps, at most `limit` times; an empty part stands everywhere.
    private static func places(_ part: Scalars, in scalars: Scalars, limit: Int) -> [Int] {
        let search = ScalarSearch(part)
        var found: [Int] = []
        var start = 0
        while found.count < limit, start <= scalars.count, let place = search.first(in: scalars, from: start) {
            found.append(place)
            start = place + max(part.count, 1)
        }
        return found
    }

    static func replace(_ text: String, _ call: Call, _ budget: inout Budget) throws(Fault) -> Datum {
        let old = Array(try call.string(1).unicodeScalars)
        let new = try call.string(2)
        var limit = call.count > 3 ? try call.int(3) : -1
        if limit < 0 { limit = Int.max }
        let scalars = Array(text.unicodeScalars)
        let places = places(old, in: scalars, limit: limit)
        // Counted before it is made: many places times a long text would be any size.
        let (growth, isOver) = places.count.multipliedReportingOverflow(by: new.utf8.count)
        let bytes = isOver ? Int.max - text.utf8.count : min(growth, Int.max - text.utf8.count)
        try budget.make(text.utf8.count + bytes)
        try budget.scan(text.utf8.count + bytes)
        // In an array, because a scalar view that is added to piece by piece may be copied at each piece.
        let added = Array(new.unicodeScalars)
        var out: Scalars = []
        var start = 0
        for place in places {
            out += scalars[start..<place]
            out += added
            start = place + old.count
        }
        out += scalars[start...]
        return .string(string(out))
    }

    /// At most `limit` parts, the last with the rest; negative means all, 0 none. An empty separator cuts every scalar.
    static func split(_ text: String, _ call: Call, _ budget: inout Budget) throws(Fault) -> Datum {
        let separator = Array(try call.string(1).unicodeScalars)
        let limit = call.count > 2 ? try call.int(2) : -1
        if limit == 0 { return .list([]) }
        let scalars = Array(text.unicodeScalars)
        var parts: [Datum] = []
        if separator.isEmpty {
            let count = limit < 0 ? scalars.count : min(limit, scalars.count)
            try budget.make(count * Budget.elementBytes + text.utf8.count)
            for place in 0..<count {
                let isLast = place == count - 1
                parts.append(.string(isLast ? string(scalars[place...]) : String(scalars[place])))
            }
            return .list(parts)
        }
        let places = places(separator, in: scalars, limit: limit < 0 ? Int.max : limit - 1)
        try budget.make((places.count + 1) * Budget.elementBytes + text.utf8.count)
        var start = 0
        for place in places {
            parts.append(.string(string(scalars[start..<place])))
            start = place + separator.count
        }
        parts.append(.string(string(scalars[start...])))
        return .list(parts)
    }

    static func join(_ call: Call, _ budget: inout Budget) throws(Fault) -> Datum {
        guard call[0].isList else { throw call.mismatch }
        try budget.spend(1 + (call[0].count ?? 0) / 10)
        let separator = call.count > 1 ? try call.string(1) : ""
        var out = ""
        for (index, element) in try call[0].elements().enumerated() {
            guard case .string(let text) = element else { throw call.mismatch }
            let bytes = text.utf8.count + (index > 0 ? separator.utf8.count : 0)
            try budget.make(bytes)
            try budget.scan(bytes)
            if index > 0 { out += separator }
            out += text
        }
        return .string(out)
    }
}
