// SPDX-License-Identifier: Apache-2.0
import Foundation

/// The files that the rules are kept in: all that a person wrote, nothing that was built or fetched.
struct Repository {
    let sources: [Source]
    /// Every file's path, those that are no text included.
    let paths: Set<String>

    init(_ sources: [Source], otherPaths: Set<String> = []) {
        self.sources = sources
        paths = otherPaths.union(sources.map(\.path))
    }

    /// The repository that `file` stands in: the nearest folder above it that holds a `Package.swift`.
    init(around file: String) throws {
        var root = URL(fileURLWithPath: file).deletingLastPathComponent()
        while !FileManager.default.fileExists(atPath: root.appendingPathComponent("Package.swift").path) {
            guard root.path != "/" else { throw Unreadable(path: "no Package.swift above \(file)") }
            root.deleteLastPathComponent()
        }
        var sources: [Source] = []
        var others: Set<String> = []
        for path in try Repository.list(root, "") {
            guard let bytes = FileManager.default.contents(atPath: root.appendingPathComponent(path).path) else {
                throw Unreadable(path: path)
            }
            if !bytes.contains(0), let text = String(bytes: bytes, encoding: .utf8) {
                sources.append(Source(path, text))
            } else {
                // A picture or the like; what a person writes must be readable.
                guard !Repository.isWritten(path) else { throw Unreadable(path: path) }
                others.insert(path)
            }
        }
        self.init(sources.sorted { $0.path < $1.path }, otherPaths: others)
    }

    struct Unreadable: Error { var path: String }

    func source(_ path: String) -> Source? { sources.first { $0.path == path } }

    private static func list(_ root: URL, _ folder: String) throws -> [String] {
        var found: [String] = []
        for name in try FileManager.default.contentsOfDirectory(atPath: root.appendingPathComponent(folder).path) {
            let path = folder.isEmpty ? name : folder + "/" + name
            if isSkipped(path) { continue }
            var isFolder: ObjCBool = false
            guard FileManager.default.fileExists(atPath: root.appendingPathComponent(path).path, isDirectory: &isFolder)
            else { continue }  // gone since it was listed, or a link to nowhere
            found += isFolder.boolValue ? try list(root, path) : [path]
        }
        return found
    }

    /// Built, fetched or made at run time: the same that git ignores.
    static func isSkipped(_ path: String) -> Bool {
        if [".git", ".build", "docs", "Package.resolved"].contains(path) { return true }
        if path.hasPrefix(".build-") || path.hasSuffix(".xctest") { return true }
        return path.hasPrefix("state/") && path != "state/README.md"
    }

    /// Written by hand, and so text.
    private static func isWritten(_ path: String) -> Bool {
        if path.hasPrefix(".ci/") { return true }
        let endings = [
            ".swift", ".c", ".h", ".js", ".css", ".html", ".md", ".yaml", ".yml", ".txt", ".sh", ".modulemap",
        ]
        return endings.contains { path.hasSuffix($0) }
    }
}
