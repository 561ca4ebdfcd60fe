// SPDX-License-Identifier: Apache-2.0

import CordonConnectors
import CordonCore
import CordonLanguage
import Foundation
import Testing

/// A connector as this repository ships it.
func shippedConnector(_ name: String) throws -> Connector {
    let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()
    let file = root.appending(path: "workflows/connectors/\(name).yaml")
    return try Connector.load(Array(Data(contentsOf: file)), file: file.path, digest: "sha256:\(name)").get()
}

/// A connector of a test's own; `name` is the one inside the text.
func connector(_ name: String, _ text: String) throws -> Connector {
    try Connector.load(Array(text.utf8), file: "\(name).yaml", digest: "sha256:\(name)").get()
}

/// Real alerts, read in place when a folder `shared/data` lies beside one of the folders above this file; without it
/// says loudly what is not tested.
func sharedAlerts(_ name: String) throws -> [UInt8]? {
    var folder = URL(fileURLWithPath: #filePath)
    while folder.path != "/" {
        folder.deleteLastPathComponent()
        let candidate = folder.appending(path: "shared/data/alerts/\(name)")
        if FileManager.default.fileExists(atPath: candidate.path) { return Array(try Data(contentsOf: candidate)) }
    }
    print("skipped: no shared/data/alerts/\(name) above this file; its alerts are not tested")
    return nil
}

extension Instant {
    static let start = Instant(milliseconds: 1_700_000_000_000)
}

extension Secret {
    init(_ text: String) { self.init(Array(text.utf8)) }
}
