// SPDX-License-Identifier: Apache-2.0

import CordonCore
import CordonLanguage
package import CordonStore

/// By which files the installation is set, as their own stream of the history tells: their digests, and whose bytes are
/// kept.
package struct ConfigurationBook: Sendable {
    package static let stream = "configuration"
    package static let changed = "configurationChanged"
    private static let pageRows = 500

    package struct Line: Sendable, Hashable {
        package var digest: String
        package var isKept: Bool
        package var place: String
    }

    /// By what they are to the installation; those that went are not there.
    package private(set) var lines: [String: Line] = [:]
    private(set) var number = 0

    package init() {}

    mutating func apply(_ entry: Entry) {
        defer { number = entry.number }
        guard entry.kind == Self.changed, let body = (try? JSON.parse(entry.bytes))?["body"] else { return }
        for change in body["changes"]?.arrayValue ?? [] {
            guard let what = change["what"]?.stringValue else { continue }
            lines[what] = change["digest"]?.stringValue.map {
                Line(digest: $0, isKept: change["kept"] == true, place: "\(entry.stream)@\(entry.number)")
            }
        }
    }

    /// Reads what the history told of since.
    package mutating func read(_ store: any Store) async throws(StoreError) {
        while true {
            let page = try await store.history(Self.stream, from: number + 1, limit: Self.pageRows)
            for indexed in page { apply(indexed.entry) }
            guard page.count == Self.pageRows else { return }
        }
    }
}

extension LibraryPublisher {
    /// Stores the files that are others than the history tells of, and then tells of them, and of those that went.
    func tell(_ files: [ConfigurationFile], by: String) async throws(StoreError) {
        // Where nobody knows the files, none of them went.
        guard !files.isEmpty else { return }
        var changes: [Value] = []
        var book = ConfigurationBook()
        try await book.read(store)
        for file in files where book.lines[file.what]?.digest != file.digest {
            if let bytes = file.bytes {
                try await store.publish(
                    Definition(
                        digest: file.digest, kind: .configuration, name: file.name, source: bytes,
                        publishedAt: clock.now))
            }
            changes.append([
                "what": .string(file.what), "name": .string(file.name), "digest": .string(file.digest),
                "was": book.lines[file.what].map { .string($0.digest) } ?? .null, "kept": .bool(file.bytes != nil),
            ])
        }
        let there = Set(files.map(\.what))
        // A command reads no keys: where none is named, none of them went.
        let namesKeys = there.contains { $0.hasPrefix(ConfigurationFile.keyPrefix) }
        for (what, line) in book.lines.sorted(by: { $0.key < $1.key })
        where !there.contains(what) && (namesKeys || !what.hasPrefix(ConfigurationFile.keyPrefix)) {
            changes.append(["what": .string(what), "digest": .null, "was": .string(line.digest)])
        }
        guard !changes.isEmpty else { return }
        try await StreamWriter(ConfigurationBook.stream, store: store, clock: clock).append(
            ConfigurationBook.changed, ["by": .string(by), "changes": .array(changes)])
    }
}
