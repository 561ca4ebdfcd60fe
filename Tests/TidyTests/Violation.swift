// SPDX-License-Identifier: Apache-2.0

/// One place where the repository breaks a rule of the house, and the way out.
struct Violation: Hashable, Comparable, CustomStringConvertible {
    let path: String
    /// From 1; 0 when it is the whole file or something that is missing.
    let line: Int
    let message: String

    init(_ path: String, _ line: Int, _ message: String) {
        self.path = path
        self.line = line
        self.message = message
    }

    var description: String { line == 0 ? "\(path): \(message)" : "\(path):\(line): \(message)" }

    static func < (left: Violation, right: Violation) -> Bool {
        (left.path, left.line, left.message) < (right.path, right.line, right.message)
    }
}
