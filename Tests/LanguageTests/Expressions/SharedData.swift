// SPDX-License-Identifier: Apache-2.0
import Foundation

/// Finds real data that lies beside the repository, by walking up from this file.
enum SharedData {
    static func folder(_ name: String, from start: String = #filePath) -> URL? {
        var here = URL(fileURLWithPath: start)
        while here.path != "/" {
            here.deleteLastPathComponent()
            let candidate = here.appending(path: "shared/data/\(name)", directoryHint: .isDirectory)
            if FileManager.default.fileExists(atPath: candidate.path) { return candidate }
        }
        return nil
    }

    static func files(in folder: URL) throws -> [URL] {
        try FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)
            .sorted { $0.lastPathComponent < $1.lastPathComponent }
    }
}
