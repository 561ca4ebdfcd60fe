// SPDX-License-Identifier: Apache-2.0

import Logging

/// The log as text, one line an event whatever it tells of: the name of a file or the words of an alert may hold a line
/// break, and what follows it would read as a line of the log.
struct TextLogHandler: LogHandler {
    private var lines: StreamLogHandler

    init(label: String) { lines = StreamLogHandler.standardError(label: label) }

    var metadata: Logger.Metadata {
        get { lines.metadata }
        set { lines.metadata = newValue.mapValues(TextLogHandler.oneLine) }
    }
    var logLevel: Logger.Level {
        get { lines.logLevel }
        set { lines.logLevel = newValue }
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { lines[metadataKey: key] }
        set { lines[metadataKey: key] = newValue.map(TextLogHandler.oneLine) }
    }

    func log(event: LogEvent) {
        var event = event
        event.message = "\(printable("\(event.message)"))"
        event.metadata = event.metadata?.mapValues(TextLogHandler.oneLine)
        lines.log(event: event)
    }

    private static func oneLine(_ value: Logger.Metadata.Value) -> Logger.Metadata.Value {
        .string(printable("\(value)"))
    }
}
