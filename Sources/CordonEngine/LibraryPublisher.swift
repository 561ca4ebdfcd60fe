// SPDX-License-Identifier: Apache-2.0

package import CordonCore
package import CordonLanguage
package import CordonStore
import Synchronization

/// Who wrote what comes into force, and how that is known.
package struct DefinitionAuthor: Sendable, Hashable {
    package enum Knowledge: String, Sendable, Hashable {
        /// The access token that published it is theirs.
        case token
        /// Whoever published it on this machine said so.
        case word
    }

    package var name: String
    package var knownBy: Knowledge

    package init(name: String, knownBy: Knowledge) {
        self.name = name
        self.knownBy = knownBy
    }
}

/// Stores definitions under their digests, and tells the history which of them came into force, when and by whom.
package final class LibraryPublisher: Sendable {
    let store: any Store
    let clock: any WallClock
    private let chronicle = Chronicle()
    private let box = Mutex(LibraryBook())

    package init(store: any Store, clock: any WallClock) {
        self.store = store
        self.clock = clock
    }

    package var book: LibraryBook { box.withLock { $0 } }

    /// The changes that are stored, and told of, when it returns. Nothing is told twice.
    ///
    /// - Parameter author: the person whose work the changes are; `nil` where nobody can know.
    package func publish(
        _ library: Library, by: String, author: DefinitionAuthor? = nil
    ) async throws(StoreError) -> [LibraryChange] {
        try await read()
        let changes = book.changes(to: library)
        // Before the history tells of them: what it tells of can be read.
        for source in library.sources where changes.contains(where: { $0.digest == source.digest }) {
            try await store.publish(
                Definition(
                    digest: source.digest, kind: source.kind, name: source.name, source: source.bytes,
                    publishedAt: clock.now))
        }
        let size = LibraryBook.changesPerEntry
        for start in stride(from: 0, to: changes.count, by: size) {
            let part = changes[start..<min(start + size, changes.count)]
            try await append(LibraryBook.published, told(by, author, ["changes": .array(part.map(\.value))]))
        }
        try await tell(library.configuration, by: by)
        let was = book.guards
        if library.guards.digest != was {
            try await append(
                LibraryBook.guarded,
                [
                    "by": .string(by), "digest": library.guards.digest.map(Value.string) ?? .null,
                    "was": was.map(Value.string) ?? .null,
                ])
        }
        // Back to what is in force: the refusal is over, and the history says so.
        if changes.isEmpty, book.refusal != nil {
            try await append(LibraryBook.published, ["by": .string(by), "changes": []])
        }
        return changes
    }

    /// Tells that what is in force and nobody's is this person's: of one playbook with all that it runs, or of all.
    package func attribute(
        _ library: Library, to author: DefinitionAuthor, by: String, playbook: String?
    ) async throws(StoreError) {
        try await read()
        let (keys, lines) = (book.unattributed(in: library, playbook: playbook), book.lines)
        let size = LibraryBook.changesPerEntry
        for start in stride(from: 0, to: keys.count, by: size) {
            let part = keys[start..<min(start + size, keys.count)].map { key -> Value in
                [
                    "kind": .string(key.kind.rawValue), "name": .string(key.name),
                    "digest": .string(lines[key]?.digest ?? ""),
                ]
            }
            try await append(LibraryBook.attributed, told(by, author, ["definitions": .array(part)]))
        }
    }

    private func told(_ by: String, _ author: DefinitionAuthor?, _ members: [String: Value]) -> Value {
        var members = members
        members["by"] = .string(by)
        members["author"] = author.map { .string($0.name) }
        members["author_known_by"] = author.map { .string($0.knownBy.rawValue) }
        return .object(members)
    }

    /// Tells of mistakes, unless they are what was told last. Gives what was told.
    package func refuse(_ mistakes: Diagnostics, by: String) async throws(StoreError) -> [String] {
        let told = mistakes.all.prefix(LibraryBook.mistakesPerEntry).map {
            String($0.text.prefix(LibraryBook.mistakeCharactersMax))
        }
        guard book.refusal?.mistakes != told else { return told }
        try await append(
            LibraryBook.refused,
            ["by": .string(by), "count": .int(Int64(mistakes.all.count)), "mistakes": .array(told.map(Value.string))])
        return told
    }

    /// The stream's next entry; read anew when another was first.
    private func append(_ kind: String, _ body: Value) async throws(StoreError) {
        while true {
            let entry = chronicle.entry(LibraryBook.stream, book.number + 1, clock.now, kind, body)
            do throws(StoreError) {
                try await store.note(entry)
            } catch {
                guard error.code == .conflict else { throw error }
                try await read()
                continue
            }
            return try apply(entry)
        }
    }

    /// Reads what the history told of since.
    package func read() async throws(StoreError) {
        while true {
            let page = try await store.history(LibraryBook.stream, from: book.number + 1, limit: 500)
            for indexed in page { try apply(indexed.entry) }
            if page.count < 500 { return }
        }
    }

    private func apply(_ entry: Entry) throws(StoreError) {
        do throws(EngineError) {
            try box.withLock { (book) throws(EngineError) in
                // Two readers may have fetched the same page.
                if entry.number == book.number + 1 { try book.apply(entry) }
            }
        } catch { throw StoreError(.corrupt, error.reason) }
    }
}
