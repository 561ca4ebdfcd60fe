// SPDX-License-Identifier: Apache-2.0

import CordonCore
import CordonEngine
import CordonLanguage
import Foundation
import Logging

/// One JSON object a line on standard error: `at`, `level`, `message`, and the metadata by their keys.
struct JSONLogHandler: LogHandler {
    var metadata: Logger.Metadata = [:]
    var logLevel: Logger.Level = .info

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        var writer = JSONWriter()
        writer.beginObject()
        writer.field("at", SystemClock().now.description)
        writer.field("level", event.level.rawValue)
        writer.field("message", "\(event.message)")
        for (key, value) in metadata.merging(event.metadata ?? [:], uniquingKeysWith: { $1 }).sorted(by: {
            $0.key < $1.key
        }) {
            writer.field(key, "\(value)")
        }
        writer.endObject()
        writer.endLine()
        // A log that can't be written (a full disk, a closed pipe) must not end the server: the store says what matters.
        try? FileHandle.standardError.write(contentsOf: Data(writer.bytes))
    }
}
