// SPDX-License-Identifier: Apache-2.0

/// What each room may import. SwiftPM lets a room import whatever its neighbors depend on; this table does not.
enum Walls {
    /// A name ending in `*` stands for all that begin so. `Sources/README.md` shows the same table.
    static let allowed: [String: [String]] = [
        // Glibc and Synchronization for the one file that reads the system's time zones.
        "CordonLanguage": ["Glibc", "Synchronization", "Yams"],
        "CordonCore": ["CordonLanguage"],
        "CordonEvidence": ["Crypto", "Foundation", "FoundationEssentials", "Glibc"],
        "CordonStore": [
            "CordonCore", "CordonLanguage", "CSQLite", "Dispatch", "Foundation", "FoundationEssentials", "Glibc",
            "Synchronization",
        ],
        "CordonConnectors": [
            "CCurl", "CordonCore", "CordonLanguage", "Crypto", "CryptoExtras", "Foundation", "FoundationEssentials",
            "FoundationXML", "Glibc", "SwiftASN1", "Synchronization", "X509",
        ],
        "CordonEngine": [
            "CordonConnectors", "CordonCore", "CordonEvidence", "CordonLanguage", "CordonStore", "Crypto", "Dispatch",
            "Foundation", "FoundationEssentials", "Glibc", "Logging", "ServiceLifecycle", "Synchronization",
        ],
        "CordonServer": [
            "CordonConnectors", "CordonCore", "CordonEngine", "CordonEvidence", "CordonLanguage", "CordonStore",
            "Crypto", "Foundation", "FoundationEssentials", "Glibc", "HTTPTypes", "Hummingbird*", "Logging", "NIO*",
            "ServiceLifecycle", "Synchronization",
        ],
        "cordon": ["*"],
        "TidyTests": ["Foundation", "TestKit", "Testing"],
    ]

    /// Modules with a home: nobody else names them, not even the tests of another room.
    /// (The program's tests lay the database of a foreign identity server with SQLite.)
    static let homes: [(module: String, rooms: [String])] = [
        ("Hummingbird*", ["CordonServer", "ServerTests"]),
        // What is measured beside async-http-client speaks its words.
        ("NIO*", ["CordonServer", "ServerTests", "Benchmarks"]),
        ("HTTPTypes", ["CordonServer", "ServerTests"]),
        ("CSQLite", ["CordonStore", "StoreTests", "ProgramTests"]),
        ("CCurl", ["CordonConnectors", "ConnectorTests"]),
        ("Yams", ["CordonLanguage", "LanguageTests"]),
        ("CAssets", ["cordon", "ProgramTests"]),
    ]

    static func check(_ source: Source) -> [Violation] {
        guard source.isSwift, let room = source.room else { return [] }
        return imports(source).compactMap { line, module in
            if let home = homes.first(where: { matches(module, $0.module) }), !home.rooms.contains(room) {
                return Violation(
                    source.path, line,
                    "imports \(module), whose home is \(home.rooms[0]); ask for what you need through that room's API")
            }
            guard let names = allowed[room] ?? (source.isUnderSources ? [] : nil) else { return nil }
            guard !names.contains(where: { matches(module, $0) }) else { return nil }
            let list = names.isEmpty ? "nothing (it is not in the table)" : names.joined(separator: ", ")
            return Violation(
                source.path, line,
                "\(room) may not import \(module), only \(list); move the code outward, or hand the value in")
        }
    }

    /// Yams is met in one file, so that the day it is replaced, one file changes; and the language touches the system
    /// in one file, so that nothing else of it can come to depend on the machine.
    static func checkSingleFile(_ repository: Repository) -> [Violation] {
        let language = repository.sources.filter { $0.isSwift && $0.isUnderSources && $0.room == "CordonLanguage" }
        return ["Yams", "Glibc", "Synchronization"].flatMap { module in
            let users = language.filter { source in imports(source).contains { $0.module == module } }
            return users.dropFirst().map { source in
                Violation(
                    source.path, imports(source).first { $0.module == module }?.line ?? 0,
                    "a second file of the language imports \(module); use what \(users[0].path) gives")
            }
        }
    }

    private static func matches(_ module: String, _ pattern: String) -> Bool {
        pattern.hasSuffix("*") ? module.hasPrefix(pattern.dropLast()) : module == pattern
    }

    static func imports(_ source: Source) -> [(line: Int, module: String)] {
        let kinds: Set<Substring> = ["struct", "class", "enum", "protocol", "func", "var", "let", "typealias"]
        return source.code.enumerated().compactMap { index, line in
            let words = line.split { $0 == " " || $0 == "." || $0 == "\t" }
            guard let place = words.firstIndex(of: "import"),
                words[..<place].allSatisfy({ $0.hasPrefix("@") || accessLevels.contains($0) })
            else { return nil }
            let module = words[(place + 1)...].first { !kinds.contains($0) }
            return module.map { (index + 1, String($0.prefix { $0 != ";" })) }
        }
    }

    private static let accessLevels: Set<Substring> = [
        "public", "package", "internal", "fileprivate", "private",
    ]
}
