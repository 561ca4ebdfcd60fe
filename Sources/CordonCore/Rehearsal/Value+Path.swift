// SPDX-License-Identifier: Apache-2.0

import CordonLanguage

/// Where a path into a value came to its end too early.
struct PathEnd: Error, Hashable {
    var word: String
    var known: [String]
}

extension Value {
    func member(at path: ArraySlice<String>) -> Value? {
        guard let word = path.first else { return self }
        switch self {
        case .object(let members): return members[word]?.member(at: path.dropFirst())
        case .array(let items):
            guard let index = Int(word), items.indices.contains(index) else { return nil }
            return items[index].member(at: path.dropFirst())
        case .null, .bool, .int, .double, .string: return nil
        }
    }

    /// The same with another value there. The last word may be new, unless it looks like a slip for one that is there.
    func replacing(at path: ArraySlice<String>, with value: Value) -> Result<Value, PathEnd> {
        guard let word = path.first else { return .success(value) }
        switch self {
        case .object(var members):
            let known = members.keys.sorted()
            let isNew = members[word] == nil
            if isNew, path.count > 1 || nearest(to: word, among: known) != nil {
                return .failure(PathEnd(word: word, known: known))
            }
            return (members[word] ?? .null).replacing(at: path.dropFirst(), with: value).map {
                members[word] = $0
                return .object(members)
            }
        case .array(var items):
            guard let index = Int(word), items.indices.contains(index) else {
                return .failure(PathEnd(word: word, known: items.indices.map(String.init)))
            }
            return items[index].replacing(at: path.dropFirst(), with: value).map {
                items[index] = $0
                return .array(items)
            }
        case .null, .bool, .int, .double, .string: return .failure(PathEnd(word: word, known: []))
        }
    }
}
