// SPDX-License-Identifier: Apache-2.0

/// How a command ends. The numbers are part of the interface: scripts rely on them.
enum Exit: Int32, Sendable, CaseIterable {
    case ok = 0
    case failed = 1
    case notFound = 3
    case notSignedIn = 4
    case refused = 5
    case conflict = 6
    case runFailed = 7
    case waitsForPerson = 8
    case notVerified = 9
    case definitionWrong = 10
    /// An expression that has no value for these variables.
    case undecided = 11
    case usage = 64
    case tryAgain = 75
    case timedOut = 124
    case interrupted = 130
}

/// A command that can't do what it was asked: one sentence with the way out, and the code it ends with.
struct CommandFailure: Error, CustomStringConvertible {
    var exit: Exit
    var reason: String

    init(_ exit: Exit, _ reason: String) {
        self.exit = exit
        self.reason = reason
    }

    var description: String { reason }
}
