// SPDX-License-Identifier: Apache-2.0

package import CordonCore
package import CordonLanguage

/// One definition that came into force, changed or went, as a person is told of it.
package struct LibraryChange: Sendable, Hashable {
    package var kind: Library.Source.Kind
    package var name: String
    /// `nil` when it went.
    package var digest: String?
    /// `nil` when it is new.
    package var was: String?
    /// A playbook's own.
    package var mode: Playbook.Mode?
    package var modeWas: Playbook.Mode?
    /// It came with the program.
    package var isShipped = false

    package var value: Value {
        var members: [String: Value] = [
            "kind": .string(kind.rawValue), "name": .string(name), "digest": digest.map(Value.string) ?? .null,
            "was": was.map(Value.string) ?? .null, "mode": mode.map { .string($0.rawValue) } ?? .null,
            "mode_was": modeWas.map { .string($0.rawValue) } ?? .null,
        ]
        if isShipped { members["shipped"] = true }
        return .object(members)
    }
}

/// What the installation guards against has changed, as a person is told of it.
package struct GuardsChange: Sendable, Hashable {
    /// `nil` where there is no file: then the standard guards stand.
    package var digest: String?
    package var was: String?
    /// The parts of guards.yaml that are others; none where only its words are.
    package var parts: [String]

    package init(digest: String?, was: String?, parts: [String]) {
        self.digest = digest
        self.was = was
        self.parts = parts
    }

    package var value: Value {
        [
            "digest": digest.map(Value.string) ?? .null, "was": was.map(Value.string) ?? .null,
            "parts": .array(parts.map(Value.string)),
        ]
    }
}

/// Which definitions are in force, since when and by whom, as their own stream of the history tells of them.
package struct LibraryBook: Sendable {
    package static let stream = "library"
    package static let published = "definitionsPublished"
    /// A person says that definitions that are in force already are theirs.
    package static let attributed = "definitionsAttributed"
    static let refused = "definitionsRefused"
    static let guarded = "guardsChanged"
    /// Changes that one entry tells of: an entry has a bound.
    static let changesPerEntry = 40
    static let mistakesPerEntry = 20
    static let mistakeCharactersMax = 400

    package struct Key: Sendable, Hashable {
        package var kind: Library.Source.Kind
        package var name: String

        package init(kind: Library.Source.Kind, name: String) {
            self.kind = kind
            self.name = name
        }
    }

    package struct Line: Sendable, Hashable {
        package var digest: String
        package var mode: Playbook.Mode?
        package var by: String
        package var since: Instant
        /// It came with the program.
        package var isShipped: Bool
    }

    /// What was refused last, unless something was published since.
    package struct Refusal: Sendable, Hashable {
        package var mistakes: [String]
        package var by: String
        package var at: Instant
    }

    package private(set) var lines: [Key: Line] = [:]
    package private(set) var refusal: Refusal?
    /// Who put which definition in force, by its digest; nobody where no line names a person.
    package private(set) var authors: [String: Set<String>] = [:]
    /// The digest of the guards in force; `nil` for those that stand where there is no file.
    package private(set) var guards: String?
    /// The number of the stream's last entry.
    private(set) var number = 0

    package init() {}

    package mutating func apply(_ entry: Entry) throws(EngineError) {
        let body: Value
        do { body = try JSON.parse(entry.bytes)["body"] ?? .null } catch { throw unreadable(entry) }
        let by = body["by"]?.stringValue ?? ""
        switch entry.kind {
        case Self.published:
            for change in body["changes"]?.arrayValue ?? [] {
                try apply(change, by, entry)
                attribute(change, body)
            }
            refusal = nil
        case Self.attributed: for item in body["definitions"]?.arrayValue ?? [] { attribute(item, body) }
        case Self.refused:
            let mistakes = (body["mistakes"]?.arrayValue ?? []).compactMap(\.stringValue)
            refusal = Refusal(mistakes: mistakes, by: by, at: entry.at)
        case Self.guarded: guards = body["digest"]?.stringValue
        default: throw unreadable(entry)
        }
        number = entry.number
    }

    private mutating func apply(_ change: Value, _ by: String, _ entry: Entry) throws(EngineError) {
        guard let kind = change["kind"]?.stringValue.flatMap(Library.Source.Kind.init(rawValue:)),
            let name = change["name"]?.stringValue
        else { throw unreadable(entry) }
        let mode = change["mode"]?.stringValue.flatMap(Playbook.Mode.init(rawValue:))
        lines[Key(kind: kind, name: name)] = change["digest"]?.stringValue.map {
            Line(digest: $0, mode: mode, by: by, since: entry.at, isShipped: change["shipped"] == true)
        }
    }

    private mutating func attribute(_ definition: Value, _ body: Value) {
        // What came with the program is nobody's here, whoever put it in force.
        guard let digest = definition["digest"]?.stringValue, let author = body["author"]?.stringValue,
            definition["shipped"] != true
        else { return }
        authors[digest, default: []].insert(author)
    }

    /// Those of the run's definitions that the person put in force, as they are told.
    package func written(by person: String, among pins: [(kind: Library.Source.Kind, pin: Run.Pin)]) -> [String] {
        pins.filter { authors[$0.pin.digest]?.contains(person) ?? false }.map { "\($0.kind.rawValue) \($0.pin.name)" }
    }

    /// What is in force and is nobody's, of the named playbook and all that it runs, or of the whole library. What came
    /// with the program is no person's.
    func unattributed(in library: Library, playbook name: String?) -> [Key] {
        var wanted: Set<Key>?
        if let name {
            guard let playbook = library.playbooks.first(where: { $0.name == name }) else { return [] }
            let workflow = library.workflows[playbook.workflow]
            let called = workflow.map { library.called(by: $0).map(\.name) + [$0.name] } ?? []
            wanted = Set(called.map { Key(kind: .workflow, name: $0) } + [Key(kind: .playbook, name: name)])
        }
        return lines.filter { key, line in
            key.kind != .connector && !line.isShipped && authors[line.digest] == nil && wanted?.contains(key) ?? true
        }.keys.sorted { ($0.kind.rawValue, $0.name) < ($1.kind.rawValue, $1.name) }
    }

    /// What would change were this library in force; playbooks first, each kind by name.
    func changes(to library: Library) -> [LibraryChange] {
        var changes: [LibraryChange] = []
        for kind in Library.Source.Kind.allCases {
            let sources = library.sources.filter { $0.kind == kind }
            let digests = Dictionary(sources.map { ($0.name, $0.digest) }) { first, _ in first }
            let known = lines.filter { $0.key.kind == kind }
            for name in Set(digests.keys).union(known.keys.map(\.name)).sorted() {
                let before = known[Key(kind: kind, name: name)]
                guard digests[name] != before?.digest else { continue }
                let isShipped = sources.contains { $0.name == name && $0.isShipped }
                let playbook = kind == .playbook ? library.playbooks.first { $0.name == name } : nil
                changes.append(
                    LibraryChange(
                        kind: kind, name: name, digest: digests[name], was: before?.digest, mode: playbook?.mode,
                        modeWas: before?.mode, isShipped: isShipped))
            }
        }
        return changes
    }

    private func unreadable(_ entry: Entry) -> EngineError {
        EngineError(.store, "line \(entry.number) of \(entry.stream) can't be read by this version")
    }
}
