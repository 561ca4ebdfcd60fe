// SPDX-License-Identifier: Apache-2.0
import Foundation

/// A new empty folder, removed with everything in it when the value is released.
package final class ScratchFolder: Sendable {
    package let path: String

    package init(_ prefix: String = "cordon-test") throws {
        let parent = FileManager.default.temporaryDirectory
        let folder = parent.appending(path: "\(prefix)-\(UUID().uuidString.lowercased())")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        path = folder.path
    }

    deinit {
        do {
            try FileManager.default.removeItem(atPath: path)
        } catch {
            FileHandle.standardError.write(Data("scratch folder \(path) stays behind: \(error)\n".utf8))
        }
    }

    /// The path of a file or folder inside; nothing is created.
    package func path(_ name: String) -> String { path + "/" + name }

    @discardableResult
    package func write(_ text: String, to name: String) throws -> String {
        let file = URL(fileURLWithPath: path(name))
        try FileManager.default.createDirectory(at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(text.utf8).write(to: file)
        return file.path
    }

    package func read(_ name: String) throws -> String {
        String(decoding: try Data(contentsOf: URL(fileURLWithPath: path(name))), as: UTF8.self)
    }
}
