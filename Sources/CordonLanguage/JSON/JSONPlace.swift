// SPDX-License-Identifier: Apache-2.0

/// Where values stand in a JSON text: a pointer as RFC 6901 writes it, in which a step may also be `*`, any one member or
/// item, or `**`, any number of them.
package struct JSONPlace: Sendable, Hashable {
    enum Step: Sendable, Hashable {
        case name(String)
        case one
        case many

        func meets(_ name: String) -> Bool {
            switch self {
            case .name(let own): own == name
            case .one, .many: true
            }
        }
    }

    package static let bytesMax = 256

    package let text: String
    let steps: [Step]

    /// Nothing for the text as a whole, or for what would be all of it.
    package init?(_ text: String) {
        guard text.hasPrefix("/"), text.utf8.count <= JSONPlace.bytesMax else { return nil }
        var steps: [Step] = []
        for part in text.dropFirst().split(separator: "/", omittingEmptySubsequences: false) {
            guard let step = JSONPlace.step(String(part)) else { return nil }
            steps.append(step)
        }
        guard steps.last != .many else { return nil }
        self.text = text
        self.steps = steps
    }

    /// The same place in each item of a list.
    package var inEachItem: JSONPlace { JSONPlace(text: "/*" + text, steps: [.one] + steps) }

    private init(text: String, steps: [Step]) { (self.text, self.steps) = (text, steps) }

    private static func step(_ part: String) -> Step? {
        switch part {
        case "*": return .one
        case "**": return .many
        default: break
        }
        var name = ""
        var rest = part[...]
        while let character = rest.popFirst() {
            guard character == "~" else {
                name.append(character)
                continue
            }
            switch rest.popFirst() {
            case "0": name.append("~")
            case "1": name.append("/")
            default: return nil
            }
        }
        return .name(name)
    }
}
