// SPDX-License-Identifier: Apache-2.0

import CAssets
import CordonConnectors
import CordonCore
import CordonLanguage
import Foundation
import Logging

/// Everything that authors write, read from the library's folders or, where these are missing, from the binary.
struct Shelf: Sendable {
    var library: Library
    var connectors: [String: Connector]
    var connections: Connections
    /// What keeps nothing from being loaded and may not be what its authors want.
    var warnings: [Diagnostic]

    struct File: Sendable {
        /// As messages name it.
        var path: String
        var bytes: [UInt8]
        /// It is the binary's, not one of the library's folder.
        var isShipped = false
    }

    /// All or nothing: with one mistake anywhere nothing is loaded, and every mistake is told.
    ///
    /// - Parameter isStart: a server starts with it, or a command only looks at what there is. What its providers can't do,
    ///   and what rules refuse that are younger than files that were in force before, is a warning then: runs that are
    ///   under way wait for this start, and a run that asks for too much asks a person.
    static func load(_ settings: Settings, isStart: Bool = false) throws(Diagnostics) -> Shelf {
        var mistakes: [Diagnostic] = []
        // Read once: what is stored under a digest is what was checked.
        let texts = [
            Library.Source.Kind.connector: files("workflows/connectors", settings, &mistakes),
            .workflow: files("workflows", settings, &mistakes), .playbook: files("playbooks", settings, &mistakes),
        ]
        let connectors = loadAll(texts[.connector] ?? [], &mistakes, isStart: isStart) {
            Connector.load($0.bytes, file: $0.path, digest: digestText($0.bytes), bearsYoung: $1)
        }
        let admitted = loadAll(texts[.workflow] ?? [], &mistakes, isStart: isStart) {
            Workflow.admit($0.bytes, file: $0.path, digest: digestText($0.bytes), bearsYoung: $1)
        }
        let unread = names(texts[.workflow] ?? []).subtracting(admitted.map(\.name))
        let workflows = whole(admitted, unread: unread, isStart: isStart, &mistakes)
        let playbooks = loadAll(texts[.playbook] ?? [], &mistakes, isStart: isStart) {
            Playbook.load(
                $0.bytes, file: $0.path, digest: digestText($0.bytes), workflows: workflows, unread: unread,
                bearsYoung: $1)
        }
        mistakes += abovePolicy(playbooks, workflows, texts[.playbook] ?? [], settings)
        let inventory = load(settings.identitiesPath, &mistakes) {
            Inventory.load($0.bytes, file: $0.path, digest: digestText($0.bytes))
        }
        let connectorsByName = Dictionary(connectors.map { ($0.name, $0) }) { first, _ in first }
        let connections = connections(settings, connectorsByName, &mistakes, isStart: isStart)
        var guards = Self.guards(settings, &mistakes)
        mistakes += looserThan(guards, playbooks, texts[.playbook] ?? [])
        if let inventory, let connections {
            guards.own = connections.ownIdentities(inventory, connectorsByName)
            if let file = read(settings.connectionsPath, &mistakes) {
                mistakes += connections.unknownSelves(inventory, connectorsByName, bytes: file.bytes, file: file.path)
                mistakes += connections.closedAddresses(connectorsByName, bytes: file.bytes, file: file.path)
            }
        }
        mistakes += unfit(
            providerFit(connections, connectorsByName, inventory), playbooks, workflows, texts[.playbook] ?? [],
            isOwn: !isStart)
        if playbooks.count > Limits.playbooksMax {
            mistakes.append(
                unusable(
                    "playbooks", "\(playbooks.count) playbooks, the limit is \(Limits.playbooksMax) (playbooksMax)",
                    .tooMany, nil))
        }
        let files = configuration(settings)
        guard !mistakes.contains(where: { $0.severity == .error }) else { throw Diagnostics(mistakes) }
        var library = Library(
            playbooks: playbooks, workflows: workflows,
            inventory: inventory ?? Inventory(identities: [], digest: digestText([])), sources: sources(texts),
            guards: guards)
        library.configuration = files
        return Shelf(
            library: library,
            connectors: connectorsByName, connections: connections ?? Connections(sources: [], providers: []),
            warnings: mistakes)
    }

    /// The files by which the installation is set, for the history. They name secrets by where those lie; of one
    /// that holds one all the same the digest alone is told.
    private static func configuration(_ settings: Settings) -> [ConfigurationFile] {
        var files: [ConfigurationFile] = []
        for (what, path) in [
            (ConfigurationFile.inventory, settings.identitiesPath),
            (ConfigurationFile.connections, settings.connectionsPath), (ConfigurationFile.guards, settings.guardsPath),
            (ConfigurationFile.settings, settings.filePath),
        ] {
            let name = (path as NSString).lastPathComponent
            guard FileManager.default.fileExists(atPath: path) else {
                // Decisions name the empty inventory too.
                if what == ConfigurationFile.inventory {
                    files.append(ConfigurationFile(what: what, name: name, digest: digestText([]), bytes: []))
                }
                continue
            }
            // One that can't be read was told of where it was to be loaded.
            guard let contents = FileManager.default.contents(atPath: path) else { continue }
            let bytes = Array(contents)
            let isKept = what == ConfigurationFile.inventory || !ConfigurationFile.holdsSecret(bytes)
            files.append(
                ConfigurationFile(what: what, name: name, digest: digestText(bytes), bytes: isKept ? bytes : nil))
        }
        return files
    }

    /// A start is only warned of what a young rule refuses: runs that are under way wait for it.
    private static func connections(
        _ settings: Settings, _ connectors: [String: Connector], _ mistakes: inout [Diagnostic], isStart: Bool
    ) -> Connections? {
        var borne: [Diagnostic] = []
        defer { mistakes += borne }
        return load(settings.connectionsPath, &mistakes) { file -> Result<Connections, Diagnostics> in
            let strict = Connections.load(file.bytes, file: file.path, connectors: connectors)
            guard isStart, case .failure(let found) = strict else { return strict }
            let loaded = Connections.load(file.bytes, file: file.path, connectors: connectors, bearsYoung: true)
            guard case .success = loaded else { return strict }
            borne = found.all.map(\.asWarning)
            return loaded
        }
    }

    /// The definitions alone, for a server that runs; it logs what its authors are only warned of.
    static func library(_ settings: Settings, logger: Logger) -> Result<Library, Diagnostics> {
        do throws(Diagnostics) {
            let shelf = try load(settings)
            shelf.logWarnings(logger)
            return .success(shelf.library)
        } catch { return .failure(error) }
    }

    func logWarnings(_ logger: Logger) {
        for warning in warnings {
            // The line and its caret are for a terminal: a log has one line.
            let line = warning.text.prefix { $0 != "\n" }
            logger.warning("a definition may not do what it is for", metadata: ["warning": "\(line)"])
        }
    }

    /// What the installation's policy doesn't let one run be able to do.
    static func abovePolicy(
        _ playbooks: [Playbook], _ workflows: [Workflow], _ files: [File], _ settings: Settings
    ) -> [Diagnostic] {
        let named = Dictionary(workflows.map { ($0.name, $0) }) { first, _ in first }
        return playbooks.flatMap { playbook -> [Diagnostic] in
            guard let file = files.first(where: { digestText($0.bytes) == playbook.digest }) else { return [] }
            return settings.policy.mistakes(of: playbook, among: named, bytes: file.bytes, file: file.path)
        }
    }

    /// What the installation guards against.
    static func guards(_ settings: Settings, _ mistakes: inout [Diagnostic]) -> GuardPolicy {
        load(settings.guardsPath, &mistakes) { file in
            GuardPolicy.load(file.bytes, file: file.path).map { policy in
                var policy = policy
                policy.digest = digestText(file.bytes)
                return policy
            }
        } ?? .standard
    }

    /// Where playbooks would let themselves go further than the installation does.
    static func looserThan(_ guards: GuardPolicy, _ playbooks: [Playbook], _ files: [File]) -> [Diagnostic] {
        playbooks.flatMap { playbook -> [Diagnostic] in
            guard let file = files.first(where: { digestText($0.bytes) == playbook.digest }) else { return [] }
            return guards.mistakes(of: playbook, bytes: file.bytes, file: file.path)
        }
    }

    /// Playbooks whose workflow asks for what the providers of their subjects can't do.
    static func unfit(
        _ fit: ProviderFit, _ playbooks: [Playbook], _ workflows: [Workflow], _ files: [File], isOwn: Bool
    ) -> [Diagnostic] {
        playbooks.flatMap { playbook -> [Diagnostic] in
            guard let file = files.first(where: { digestText($0.bytes) == playbook.digest }) else { return [] }
            return fit.mistakes(
                of: playbook, among: workflows, bytes: file.bytes, file: file.path, isOwn: isOwn && !file.isShipped)
        }
    }

    static func providerFit(
        _ connections: Connections?, _ connectors: [String: Connector], _ inventory: Inventory?
    ) -> ProviderFit {
        let contracts = connectors.compactMapValues { $0.provider?.contracts }
        let own = (connections?.providers ?? []).compactMap { provider in
            contracts[provider.connector].map { (provider.id, $0) }
        }
        return ProviderFit(
            offered: Dictionary(own) { first, _ in first }, connectors: contracts,
            inventory: inventory ?? Inventory(identities: [], digest: digestText([])))
    }

    /// The same for files that are checked by themselves: whoever checks a file need not have providers.
    static func providerFit(_ settings: Settings, _ mistakes: inout [Diagnostic]) -> ProviderFit {
        let connectors = loadAll(files("workflows/connectors", settings, &mistakes), &mistakes) {
            Connector.load($0.bytes, file: $0.path, digest: digestText($0.bytes))
        }
        let named = Dictionary(connectors.map { ($0.name, $0) }) { first, _ in first }
        let inventory = load(settings.identitiesPath, &mistakes) {
            Inventory.load($0.bytes, file: $0.path, digest: digestText($0.bytes))
        }
        let connections = load(settings.connectionsPath, &mistakes) {
            Connections.load($0.bytes, file: $0.path, connectors: named)
        }
        return providerFit(connections, named, inventory)
    }

    /// The names that files of a folder give what stands in them.
    static func names(_ files: [File]) -> Set<String> {
        Set(files.map { (($0.path as NSString).lastPathComponent as NSString).deletingPathExtension })
    }

    static func sources(_ texts: [Library.Source.Kind: [File]]) -> [Library.Source] {
        Library.Source.Kind.allCases.flatMap { kind in
            // A file that is the binary's own, byte for byte, has no other author than the program.
            let own = Set(shipped(kind.folder).map { digestText($0.bytes) })
            return (texts[kind] ?? []).map { file -> Library.Source in
                let digest = digestText(file.bytes)
                return Library.Source(
                    kind: kind, name: ((file.path as NSString).lastPathComponent as NSString).deletingPathExtension,
                    digest: digest, bytes: file.bytes, isShipped: own.contains(digest))
            }
        }
    }

    /// The YAML files of one folder of the library, by name, and of those of the binary the ones that none of them takes
    /// the place of. Playbooks of the binary act: they stand beside the library's own only where the settings say so,
    /// because whoever wrote their own may have relied on nothing else acting.
    static func files(_ folder: String, _ settings: Settings, _ mistakes: inout [Diagnostic]) -> [File] {
        let own = ownFiles(folder, settings, &mistakes)
        if folder == Library.Source.Kind.playbook.folder {
            switch settings.shippedPlaybooks {
            case .beside?: break
            case nil where own == nil: break
            case nil, .absent?: return own ?? []
            }
        }
        let taken = Set((own ?? []).map { ($0.path as NSString).lastPathComponent })
        return (own ?? []) + shipped(folder).filter { !taken.contains(($0.path as NSString).lastPathComponent) }
    }

    /// Those in the folder; `nil` where there is none. What is there and can't be read is a mistake: to go on without it
    /// would be to forget a playbook silently.
    private static func ownFiles(
        _ folder: String, _ settings: Settings, _ mistakes: inout [Diagnostic]
    ) -> [File]? {
        let path = absolute(folder, in: settings.libraryPath)
        guard FileManager.default.fileExists(atPath: path) else { return nil }
        let names: [String]
        do { names = try FileManager.default.contentsOfDirectory(atPath: path) } catch {
            mistakes.append(unusable(display(path), "the folder can't be listed"))
            return []
        }
        var files: [File] = []
        for name in names.sorted() where name.hasSuffix(".yaml") && !name.hasSuffix(".test.yaml") {
            guard isInside(path + "/" + name, settings.libraryPath) else {
                // Not even a line of it is quoted: it may be anything that this user may read.
                mistakes.append(
                    unusable(
                        display(path + "/" + name), "the file is a link that leaves the library",
                        .unreadable, "put the file itself there"))
                continue
            }
            if let file = read(path + "/" + name, &mistakes) { files.append(file) }
        }
        return files
    }

    /// Workflows whose calls fit. One of the binary that calls what a library's own has taken the place of is left out where
    /// it doesn't fit any more: nobody here wrote it, and nothing that fitted before stops to.
    static func whole(
        _ admitted: [Workflow], unread: Set<String>, isStart: Bool = false, _ mistakes: inout [Diagnostic]
    ) -> [Workflow] {
        let own = Set(shipped(Library.Source.Kind.workflow.folder).map { digestText($0.bytes) })
        var workflows = admitted
        while true {
            let misfits = workflows.map { workflow in
                workflow.checkCalls(among: workflows, unread: unread)
                    .map { $0.isYoung && isStart ? $0.asWarning : $0 }
            }
            let left = zip(workflows, misfits).filter { workflow, found in
                !own.contains(workflow.digest) || !found.contains { $0.severity == .error }
            }
            if left.count == workflows.count {
                mistakes += misfits.flatMap { $0 }
                return workflows
            }
            workflows = left.map(\.0)
        }
    }

    /// Whether it lies in the folder wherever its links lead.
    static func isInside(_ path: String, _ folder: String) -> Bool {
        URL(filePath: path).resolvingSymlinksInPath().pathComponents
            .starts(with: URL(filePath: folder).resolvingSymlinksInPath().pathComponents)
    }

    private static func read(_ path: String, _ mistakes: inout [Diagnostic]) -> File? {
        switch BoundedFile.load(path) {
        case .success(let bytes): return File(path: display(path), bytes: bytes)
        case .failure(.unreadable): mistakes.append(unusable(display(path), "the file can't be read"))
        case .failure(.notRegular):
            mistakes.append(
                unusable(display(path), BoundedFile.Fault.notRegular.words, .unreadable, "put a file there"))
        case .failure(.tooLong):
            mistakes.append(
                unusable(
                    display(path), BoundedFile.Fault.tooLong.words, .tooMany, "this is no definition: move it away"))
        }
        return nil
    }

    static func unusable(
        _ file: String, _ message: String, _ code: DefinitionCode = .unreadable,
        _ suggestion: String? = "let the user that Cordon runs as read it"
    ) -> Diagnostic {
        Diagnostic(
            code: code.rawValue, severity: .error, place: Place(file: file, line: 1, column: 1), message: message,
            suggestion: suggestion)
    }

    /// The folder's files as they came with this binary.
    static func shipped(_ folder: String) -> [File] {
        var files: [File] = []
        guard var asset = cordon_assets() else { return [] }
        while let name = asset.pointee.path {
            let path = String(cString: name)
            if (path as NSString).deletingLastPathComponent == folder {
                files.append(
                    File(
                        path: path,
                        bytes: Array(UnsafeBufferPointer(start: asset.pointee.bytes, count: asset.pointee.count)),
                        isShipped: true))
            }
            asset += 1
        }
        return files
    }

    static func loadAll<Name, Item>(
        _ files: [Name], _ mistakes: inout [Diagnostic], _ load: (Name) -> Result<Item, Diagnostics>
    ) -> [Item] {
        files.compactMap { file in
            switch load(file) {
            case .success(let item): return item
            case .failure(let found):
                mistakes += found.all
                return nil
            }
        }
    }

    /// The same for a start, which is only warned of what a young rule refuses.
    private static func loadAll<Item>(
        _ files: [File], _ mistakes: inout [Diagnostic], isStart: Bool,
        _ load: (File, _ bearsYoung: Bool) -> Result<Item, Diagnostics>
    ) -> [Item] {
        var warnings: [Diagnostic] = []
        defer { mistakes += warnings }
        return loadAll(files, &mistakes) { file in
            let strict = load(file, false)
            guard isStart, case .failure(let found) = strict, case .success(let item) = load(file, true) else {
                return strict
            }
            warnings += found.all.map(\.asWarning)
            return .success(item)
        }
    }

    private static func load<Item>(
        _ path: String, _ mistakes: inout [Diagnostic], _ load: (File) -> Result<Item, Diagnostics>
    ) -> Item? {
        guard FileManager.default.fileExists(atPath: path), let file = read(path, &mistakes) else { return nil }
        return loadAll([file], &mistakes, load).first
    }
}

extension Library.Source.Kind {
    /// Where files of this kind stand in a library.
    fileprivate var folder: String {
        switch self {
        case .playbook: "playbooks"
        case .workflow: "workflows"
        case .connector: "workflows/connectors"
        case .configuration: "settings"
        }
    }
}

/// A path as a person in this folder would type it.
func display(_ path: String) -> String {
    let here = FileManager.default.currentDirectoryPath + "/"
    return path.hasPrefix(here) ? String(path.dropFirst(here.count)) : path
}
