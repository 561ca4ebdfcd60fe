// SPDX-License-Identifier: Apache-2.0

package import CordonCore
package import CordonEngine
package import CordonLanguage
import CordonStore
import Hummingbird

extension API {
    @Sendable func library(_ inquiry: Inquiry) async throws -> Response {
        _ = try inquiry.query()
        return .json(LibraryView.make(engine.libraryBook, engine.library, waiting: engine.connectorsWaiting))
    }

    @Sendable func reloadLibrary(_ inquiry: Inquiry) async throws -> Response {
        // Whoever publishes may say that what is in force already and nobody's is theirs: `*`, or a playbook's name.
        let attribution = try inquiry.query("attribute").text("attribute").map { name in
            name == "*" ? Attribution.all : .playbook(name)
        }
        let caller = try inquiry.knownCaller()
        let author = DefinitionAuthor(name: caller.name, knownBy: .token)
        let result: Reload
        do throws(StoreError) {
            result = try await engine.reload(by: caller.by, author: author, attributing: attribution ?? .changes)
        } catch {
            throw Problem.unavailable(retryAfterSeconds: 5)
        }
        let waiting = Value.array(engine.connectorsWaiting.map(Value.string))
        switch result {
        case .unchanged: return .json(["result": "unchanged", "changes": [], "waiting": waiting])
        case .published(let changes, let guards):
            return .json([
                "result": "published", "changes": .array(changes.map(\.value)), "guards": guards?.value ?? .null,
                "waiting": waiting,
            ])
        case .refused(let mistakes):
            return .json([
                "result": "refused", "changes": [], "waiting": waiting,
                "mistakes": .array(mistakes.all.map { .string($0.text) }),
            ])
        }
    }

    /// A definition as its author wrote it, whatever became of its file.
    @Sendable func definition(_ inquiry: Inquiry) async throws -> Response {
        _ = try inquiry.query()
        let digest = inquiry.parameters.get("digest") ?? ""
        let mayReadSettings = try inquiry.knownCaller().role.may(.administer)
        guard let found = try await store.definition(digest), found.kind != .configuration || mayReadSettings else {
            throw Problem.notFound("definition", digest)
        }
        return .json([
            "digest": .string(found.digest), "kind": .string(found.kind.rawValue), "name": .string(found.name),
            "published_at": Value(found.publishedAt),
            "source": .string(String(decoding: found.source, as: UTF8.self)),
        ])
    }
}

/// The definitions in force, and what became of the last try to change them.
package enum LibraryView {
    package static func make(_ book: LibraryBook, _ library: Library?, waiting: [String] = []) -> Value {
        let workflows = Dictionary((library?.playbooks ?? []).map { ($0.name, $0.workflow) }) { first, _ in first }
        let lines = book.lines.sorted { ($0.key.kind.rawValue, $0.key.name) < ($1.key.kind.rawValue, $1.key.name) }
        return [
            "definitions": .array(
                lines.map { key, line in
                    [
                        "kind": .string(key.kind.rawValue), "name": .string(key.name), "digest": .string(line.digest),
                        "mode": line.mode.map { .string($0.rawValue) } ?? .null, "by": .string(line.by),
                        "since": Value(line.since), "shipped": .bool(line.isShipped),
                        "authors": .array((book.authors[line.digest] ?? []).sorted().map(Value.string)),
                        "workflow": key.kind == .playbook
                            ? workflows[key.name].map(Value.string) ?? Value.null : Value.null,
                    ]
                }),
            "refused": book.refusal.map { refusal -> Value in
                [
                    "at": Value(refusal.at), "by": .string(refusal.by),
                    "mistakes": .array(refusal.mistakes.map(Value.string)),
                ]
            } ?? Value.null,
            "waiting": .array(waiting.map(Value.string)),
        ]
    }
}
