// SPDX-License-Identifier: Apache-2.0

import CAssets
import CordonConnectors
import CordonCore
import CordonLanguage
import Foundation

/// Everything that authors write, read from the library's folders or, where these are missing, from the binary.
struct Shelf: Sendable {
    var library: Library
    var connectors: [String: Connector]
    var connections: Connections

    struct File: Sendable {
        /// As messages name it.
        var path: String
        var bytes: [UInt8]
    }

    /// All or nothing: with one mistake anywhere nothing is loaded, and every mistake is told.
    static func load(_ settings: Settings) throws(Diagnostics) -> Shelf {
        var mistakes: [Diagnostic] = []
        let connectors = loadAll(files("workflows/connectors", settings), &mistakes) { Connector.load($0.bytes, file: $0.path, digest: digestText($0.bytes)) }
        let workflows = loadAll(files("workflows", settings), &mistakes) { Workflow.load($0.bytes, file: $0.path, digest: digestText($0.bytes)) }
        let playbooks = loadAll(files("playbooks", settings), &mistakes) {
            Playbook.load($0.bytes, file: $0.path, digest: digestText($0.bytes), workflows: workflows)
        }
        let inventory = load(settings.identitiesPath, &mistakes) { Inventory.load($0.bytes, file: $0.path, digest: digestText($0.bytes)) }
        let connectorsByName = Dictionary(connectors.map { ($0.name, $0) }) { first, _ in first }
        let connections = load(settings.connectionsPath, &mistakes) {
            Connections.load($0.bytes, file: $0.path, connectors: connectorsByName)
        }
        guard !mistakes.contains(where: { $0.severity == .error }) else { throw Diagnostics(mistakes) }
        return Shelf(
            library: Library(
                playbooks: playbooks, workflows: workflows,
                inventory: inventory ?? Inventory(identities: [], digest: digestText([])), sources: sources(settings)),
            connectors: connectorsByName, connections: connections ?? Connections(sources: [], providers: []))
    }

    private static func sources(_ settings: Settings) -> [Library.Source] {
        [("playbooks", Library.Source.Kind.playbook), ("workflows", .workflow), ("workflows/connectors", .connector)]
            .flatMap { folder, kind in
                files(folder, settings).map {
                    Library.Source(
                        kind: kind, name: (($0.path as NSString).lastPathComponent as NSString).deletingPathExtension,
                        digest: digestText($0.bytes), bytes: $0.bytes)
                }
            }
    }

    /// The YAML files of one folder of the library, by name.
    static func files(_ folder: String, _ settings: Settings) -> [File] {
        let path = absolute(folder, in: settings.libraryPath)
        guard let names = try? FileManager.default.contentsOfDirectory(atPath: path) else { return shipped(folder) }
        return names.filter { $0.hasSuffix(".yaml") && !$0.hasSuffix(".test.yaml") }.sorted().compactMap { name in
            FileManager.default.contents(atPath: path + "/" + name).map { File(path: display(path + "/" + name), bytes: Array($0)) }
        }
    }

    /// The folder's files as they came with this binary.
    static func shipped(_ folder: String) -> [File] {
        var files: [File] = []
        guard var asset = cordon_assets() else { return [] }
        while let name = asset.pointee.path {
            let path = String(cString: name)
            if (path as NSString).deletingLastPathComponent == folder {
                files.append(
                    File(path: path, bytes: Array(UnsafeBufferPointer(start: asset.pointee.bytes, count: asset.pointee.count))))
            }
            asset += 1
        }
        return files
    }

    private static func loadAll<Item>(
        _ files: [File], _ mistakes: inout [Diagnostic], _ load: (File) -> Result<Item, Diagnostics>
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

    private static func load<Item>(
        _ path: String, _ mistakes: inout [Diagnostic], _ load: (File) -> Result<Item, Diagnostics>
    ) -> Item? {
        guard let contents = FileManager.default.contents(atPath: path) else { return nil }
        return loadAll([File(path: display(path), bytes: Array(contents))], &mistakes, load).first
    }
}

/// A path as a person in this folder would type it.
func display(_ path: String) -> String {
    let here = FileManager.default.currentDirectoryPath + "/"
    return path.hasPrefix(here) ? String(path.dropFirst(here.count)) : path
}
