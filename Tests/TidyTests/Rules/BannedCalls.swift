// SPDX-License-Identifier: Apache-2.0

/// Calls that the house does without, each with what to use instead.
struct BannedCall {
    enum Reach { case everywhere, sources, sourcesButProgram, tests }

    let name: String
    let instead: String
    var reach = Reach.everywhere
    /// A comment on the line or before it may give the reason; where `false` no reason is good enough.
    var acceptsReason = true
    /// Files that may, each with its reason.
    var exempt: [String: String] = [:]
    /// Bytes that a line must hold before the pattern is tried; keeps the test fast.
    let needle: String
    let pattern: @Sendable (Substring) -> Bool

    func reaches(_ source: Source) -> Bool {
        guard exempt[source.path] == nil else { return false }
        return switch reach {
        case .everywhere: true
        case .sources: source.isUnderSources
        case .sourcesButProgram: source.isUnderSources && source.room != "cordon"
        case .tests: source.isUnderTests
        }
    }
}

enum BannedCalls {
    // table
    static let all: [BannedCall] = [
        BannedCall(
            name: "Date()", instead: "take an Instant as input; only the shell asks WallClock.now", needle: "Date",
            pattern: { $0.contains(#/\bDate(\.init)?\(\s*\)/#) }),
        BannedCall(
            name: "Date.now", instead: "take an Instant as input; only the shell asks WallClock.now",
            needle: "Date.now",
            pattern: { $0.contains(#/\bDate\.now\b/#) }),
        BannedCall(
            name: "Task.detached", instead: "make it a child of the engine's task group", needle: "Task.detached",
            pattern: { $0.contains("Task.detached") }),
        BannedCall(
            name: "try!", instead: "a typed throw, or `precondition` with a sentence; in a test `try #require`",
            needle: "try!", pattern: { $0.contains(#/\btry!/#) }),
        BannedCall(
            name: "fatalError without a reason", instead: "`precondition` with a sentence that names what was broken",
            needle: "fatalError", pattern: { $0.contains(#/\bfatalError\(\s*\)/#) }),
        BannedCall(
            name: "preconditionFailure without a reason", instead: "say in a sentence what was broken",
            needle: "preconditionFailure", pattern: { $0.contains(#/\bpreconditionFailure\(\s*\)/#) }),
        BannedCall(
            name: "a blocking sleep", instead: "wait for the event itself, or commit a timer as the run's wake",
            reach: .sources, needle: "sleep",
            pattern: { $0.contains(#/\bThread\.sleep\b|(^|[^.\w])(Glibc\.)?(u|nano)?sleep\(/#) }),
        BannedCall(
            name: "a sleep in a test", instead: "a virtual clock, a Gate, or waiting for the event itself",
            reach: .tests, acceptsReason: false, exempt: sleepingFiles,
            needle: "sleep",
            pattern: { line in
                line.contains(#/\b(Thread|Task)\.sleep\b|(^|[^.\w])(Glibc\.)?(u|nano)?sleep\(/#)
                    && !line.contains("func sleep(")
            }),
        BannedCall(
            name: "a timed assertion", instead: "count what the machine's mood can't change: calls, commits, syncs",
            reach: .tests, acceptsReason: false, needle: "#",
            pattern: {
                $0.contains(#/#(expect|require)\(.*\b(elapsed|took|duration)\w*(\(\))?\b.*[<>]/#)
                    || $0.contains(#/#(expect|require)\(.*[<>].*\b(elapsed|took|duration)\w*\b/#)
            }),
        BannedCall(
            name: "print", instead: "return a value or an error; only Engine and Server log, only cordon prints",
            reach: .sourcesButProgram, needle: "print", pattern: { $0.contains(#/(^|[^.\w])(debugPrint|print)\(/#) }),
        BannedCall(
            name: "DispatchQueue.main", instead: "a serial queue of its own, or a task", needle: "DispatchQueue.main",
            pattern: { $0.contains("DispatchQueue.main") }),
        BannedCall(
            name: "@unchecked Sendable", instead: "Mutex, Atomic or an actor; or the reason why it is safe",
            needle: "@unchecked", pattern: { $0.contains("@unchecked") }),
        BannedCall(
            name: "nonisolated(unsafe)", instead: "Mutex, Atomic or an actor; or the reason why it is safe",
            needle: "(unsafe)", pattern: { $0.contains("(unsafe)") }),
        BannedCall(
            name: "as!", instead: "`as?` with an error that names what was found, or the reason why it holds",
            needle: "as!", pattern: { $0.contains(#/\bas!/#) }),
        BannedCall(
            name: "an empty catch", instead: "handle the error, pass it on, or say why nothing is to be done",
            needle: "catch", pattern: { $0.contains(#/\bcatch\b[^{]*\{\s*\}/#) }),
        BannedCall(
            name: "a force unwrap",
            instead: "`guard let` with an error, in a test `try #require`; or the reason why it holds",
            needle: "!", pattern: hasForceUnwrap),
    ]

    /// What is another process gives no event to wait for.
    static let sleepingFiles: [String: String] = [
        "Tests/ProgramTests/Web.swift": "`eventually` asks another process",
        "Tests/ProgramTests/CrashTests.swift": "a kill at a random moment: the moment is what is tried",
        "Tests/ProgramTests/CrashLoop/CrashLeg.swift": "a kill at a random moment: the moment is what is tried",
        "Tests/TestKit/ProgramUnderTest.swift": "the watchdog ends a wait that nothing else would end",
    ]

    static func check(_ source: Source) -> [Violation] {
        guard source.isSwift else { return [] }
        let reaching = all.filter { $0.reaches(source) }
        var found: [Violation] = []
        for (index, line) in source.code.enumerated() {
            for call in reaching where line.holds(call.needle) && call.pattern(line) {
                if call.acceptsReason, source.hasReason(at: index) { continue }
                let reason = call.acceptsReason ? ", or give the reason in a comment there" : ""
                found.append(Violation(source.path, index + 1, "\(call.name): use \(call.instead)\(reason)"))
            }
        }
        return found
    }

    /// `Task {` starts what nobody waits for: rooms hand work to the engine's group instead.
    /// Tests hold the task they start, so only the sources are asked.
    static func checkTasks(_ source: Source) -> [Violation] {
        guard source.isSwift, source.isUnderSources else { return [] }
        return source.code.enumerated().compactMap { index, line in
            guard line.holds("Task"), line.contains(#/(^|[^.\w])Task\s*(\([^)]*\))?\s*\{/#) else { return nil }
            return Violation(
                source.path, index + 1,
                "Task { make it a child of a task group")
        }
    }

    /// What a sender or a caller shows is compared in time that tells nothing: by the one function for it, or by the
    /// cryptographic library's check of a code or a signature.
    static func checkComparisons(_ source: Source) -> [Violation] {
        let rooms = ["Sources/CordonConnectors/Inbound/", "Sources/CordonServer/Access/"]
        guard source.isSwift, rooms.contains(where: source.path.hasPrefix) else { return [] }
        return source.code.enumerated().compactMap { index, line in
            guard
                line.contains(#/reveal\(\)[^,{&|?:]*(==|!=)|(==|!=)[^,{&|?:]*reveal\(\)/#)
                    || line.contains(
                        #/\b(code|codes|mac|hmac|password|hash)\s*(==|!=)|(==|!=)\s*(code|mac|hmac|password|hash)\b/#)
                    || line.contains(#/[aA]uthenticationCode\(.*\)\s*(==|!=)/#)
                    || line.contains(#/reveal\(\)\.(elementsEqual|starts|hasPrefix)\(/#)
            else { return nil }
            return Violation(
                source.path, index + 1,
                "a secret is compared byte by byte; use isSameSecret, or the library's check of a code or a signature")
        }
    }

    /// A `!` right behind a name, `)` or `]` that is not the start of `!=`. Types written `T!` count too.
    private static func hasForceUnwrap(_ line: Substring) -> Bool {
        for match in line.matches(of: #/(?<before>[\w`]+|[\)\]"])!(?!=[^=])/#)
        where match.before != "try" && match.before != "as" { return true }
        return false
    }
}

extension Substring {
    /// Whether the bytes of `needle` stand in it: a quick look before a pattern is tried.
    func holds(_ needle: String) -> Bool {
        let wanted = Array(needle.utf8)
        guard let first = wanted.first else { return true }
        var rest = utf8[...]
        while let place = rest.firstIndex(of: first) {
            rest = rest[place...]
            if rest.starts(with: wanted) { return true }
            rest = rest.dropFirst()
        }
        return false
    }
}
