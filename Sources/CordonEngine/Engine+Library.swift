// SPDX-License-Identifier: Apache-2.0

import CordonCore
package import CordonLanguage
package import CordonStore
import Dispatch
import Logging
import Synchronization

/// What became of reading the definitions anew.
package enum Reload: Sendable, Hashable {
    case unchanged
    /// `guards`: they are others than before; then there may be no other change.
    case published([LibraryChange], guards: GuardsChange?)
    /// One mistake anywhere leaves everything as it was.
    case refused(Diagnostics)
}

/// What a person who publishes says to be theirs.
package enum Attribution: Sendable, Hashable {
    /// What their publishing changes.
    case changes
    /// That, and what is in force and nobody's: of one playbook and all that it runs, or of the whole library.
    case playbook(String)
    case all
}

extension Run {
    /// All that it runs on.
    var pins: [(kind: Library.Source.Kind, pin: Pin)] {
        [(.playbook, playbook), (.workflow, workflow)] + called.map { (.workflow, $0) }
    }
}

extension Engine {
    /// Which definitions are in force, since when, by whom, and what was refused since.
    package var libraryBook: LibraryBook { publisher.book }

    /// Connectors whose files are no longer what this process started with. They hold what open calls were sealed by, so
    /// the next start reads them.
    package var connectorsWaiting: [String] { waitingConnectors.withLock { $0 } }

    /// Reads the definitions anew and puts them in force for what is decided from now on, all or none. Runs go on by
    /// what they are pinned to.
    ///
    /// - Parameters:
    ///   - author: whose work the changes are; `nil`: nobody can know, as when a file in the folder changed.
    ///   - attributing: what is in force already and nobody's becomes the author's too.
    package func reload(
        by: String, author: DefinitionAuthor? = nil, attributing: Attribution = .changes
    ) async throws(StoreError) -> Reload {
        guard let loadLibrary else { return .unchanged }
        let result: Result<Reload, StoreError> = await libraryLocks.whileLocked([LibraryBook.stream]) {
            do throws(StoreError) {
                switch await offThePool(loadLibrary) {
                case .failure(let mistakes): return .success(try await refuse(mistakes, by: by))
                case .success(let read):
                    // With a playbook's name it is that one and its workflows that are theirs, whatever else changes.
                    let ofAll = if case .playbook = attributing { DefinitionAuthor?.none } else { author }
                    let reload = try await replace(kept(read), by: by, author: ofAll)
                    try await attribute(attributing, to: author, by: by)
                    return .success(reload)
                }
            } catch { return .failure(error) }
        }
        return try result.get()
    }

    /// Reading and checking the files blocks for as long as the disk and their number want: the shared pool has runs to
    /// move meanwhile.
    private func offThePool(
        _ load: @escaping @Sendable () -> Result<Library, Diagnostics>
    ) async -> Result<Library, Diagnostics> {
        await withCheckedContinuation { continuation in
            libraryQueue.async { continuation.resume(returning: load()) }
        }
    }

    /// At the start: what was loaded comes into force as it would by a reload.
    func publishFirst() async throws {
        if loadLibrary != nil {
            _ = try await publisher.publish(library, by: "start")
        } else {
            for source in library.sources {
                try await store.publish(
                    Definition(
                        digest: source.digest, kind: source.kind, name: source.name, source: source.bytes,
                        publishedAt: clock.now))
            }
        }
    }

    /// The library as read, with what this process keeps until its end: the connectors, and whom alerts may mean.
    private func kept(_ read: Library) -> Library {
        let own = library
        let before = own.sources.filter { $0.kind == .connector }
        let after = read.sources.filter { $0.kind == .connector }
        let changed = Set(before.map(\.digest)).symmetricDifference(after.map(\.digest))
        waitingConnectors.withLock { waiting in
            waiting = Set((before + after).filter { changed.contains($0.digest) }.map(\.name)).sorted()
        }
        var kept = Library(
            playbooks: read.playbooks, workflows: Array(read.workflows.values), inventory: own.inventory,
            sources: read.sources.filter { $0.kind != .connector } + before, guards: read.guards)
        kept.configuration =
            own.configuration.filter { $0.what != ConfigurationFile.guards }
            + read.configuration.filter { $0.what == ConfigurationFile.guards }
        return kept
    }

    private func attribute(
        _ attribution: Attribution, to author: DefinitionAuthor?, by: String
    ) async throws(StoreError) {
        guard let author else { return }
        switch attribution {
        case .changes: return
        case .all: try await publisher.attribute(library, to: author, by: by, playbook: nil)
        case .playbook(let name): try await publisher.attribute(library, to: author, by: by, playbook: name)
        }
    }

    /// The person, with what the history says that they put in force of the run's own definitions.
    func knowing(_ person: Person, of run: Run) async throws(StoreError) -> Person {
        // Another process may have published since.
        try await publisher.read()
        var person = person
        person.wrote = libraryBook.written(by: person.name, among: run.pins)
        return person
    }

    private func replace(
        _ read: Library, by: String, author: DefinitionAuthor?
    ) async throws(StoreError) -> Reload {
        let changes = try await publisher.publish(read, by: by, author: author)
        // Durable from here: a start finds these definitions in the folder and in the history, and changes nothing.
        let before = library.guards
        let isGuardedAnew = before != read.guards
        libraryBox.replace(read)
        if isGuardedAnew {
            logger.notice("guards are read anew", metadata: ["by": "\(by)"])
            // A breaker may look further back than before.
            do { try await recallTrials() } catch {
                logger.error("the latest runs can't be read for breakers", metadata: ["error": "\(error)"])
            }
        }
        let guards = GuardsChange(
            digest: read.guards.digest, was: before.digest, parts: read.guards.parts(changedFrom: before))
        guard !changes.isEmpty else { return isGuardedAnew ? .published([], guards: guards) : .unchanged }
        func names(_ isRemoved: Bool) -> String {
            changes.filter { ($0.digest == nil) == isRemoved }.map { "\($0.kind.rawValue) \($0.name)" }
                .joined(separator: ", ")
        }
        logger.notice(
            "definitions are published",
            metadata: ["by": "\(by)", "changed": "\(names(false))", "removed": "\(names(true))"])
        return .published(changes, guards: isGuardedAnew ? guards : nil)
    }

    private func refuse(_ mistakes: Diagnostics, by: String) async throws(StoreError) -> Reload {
        for text in try await publisher.refuse(mistakes, by: by) {
            // The line and its caret are for a terminal: a log has one line.
            let line = text.prefix { $0 != "\n" }
            logger.error("definitions are refused", metadata: ["by": "\(by)", "mistake": "\(line)"])
        }
        return .refused(mistakes)
    }
}
