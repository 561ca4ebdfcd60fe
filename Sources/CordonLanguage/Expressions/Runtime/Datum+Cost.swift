// SPDX-License-Identifier: Apache-2.0

/// How much work a value makes, in units of cost. Counted before the work is done, so that no value costs more time
/// than it is charged for: a tenth of a unit for each byte of text, one for each element.
extension Datum {
    /// Finding a key, or adding one to a map.
    var keyCost: Int {
        switch self {
        case .string(let text): text.utf8.count / 10
        default: 0
        }
    }

    /// Putting the keys in order before a loop.
    var orderingCost: Int {
        switch self {
        case .map(let map): map.count
        case .object(let members, _): members.keys.reduce(members.count) { $0 + $1.utf8.count / 10 }
        default: 0
        }
    }

    /// Comparing it with another as large: every element at any depth, counted up to a bound without recursion.
    func comparingCost(upTo bound: Int) -> Int {
        var waiting: [Datum] = [self]
        var json: [Value] = []
        var total = 0
        while total < bound {
            if let value = json.popLast() {
                total += 1 + value.ownCost
                switch value {
                case .array(let items): json += items
                case .object(let members): json += members.values
                default: break
                }
            } else if let datum = waiting.popLast() {
                total += 1 + datum.ownCost
                switch datum {
                case .list(let items): waiting += items
                case .map(let map): waiting += map.entries.map(\.value)
                case .optional(let inner?): waiting.append(inner)
                case .array(let items, _): json += items
                case .object(let members, _): json += members.values
                default: break
                }
            } else {
                break
            }
        }
        return total
    }

    private var ownCost: Int {
        switch self {
        case .string(let text): text.utf8.count / 10
        case .bytes(let bytes): bytes.count / 10
        case .map(let map): map.entries.reduce(0) { $0 + $1.key.keyCost }
        case .object: orderingCost
        default: 0
        }
    }
}

extension Value {
    fileprivate var ownCost: Int {
        switch self {
        case .string(let text): text.utf8.count / 10
        case .object(let members): members.keys.reduce(0) { $0 + $1.utf8.count / 10 }
        default: 0
        }
    }
}
