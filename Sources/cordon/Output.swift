// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import CordonLanguage
import Foundation

enum OutputFormat: String, Sendable, CaseIterable, ExpressibleByArgument { case table, json, jsonl }

/// What every command takes.
struct CommonOptions: ParsableArguments {
    @Option(name: [.customShort("c"), .long], help: "The settings file (default: CORDON_CONFIG or ./cordon.yaml).")
    var config: String?

    @Option(name: .long, help: "The state folder (setting: state).")
    var state: String?

    @Option(name: [.customShort("o"), .long], help: "Print a table, one JSON document, or one JSON object a line.")
    var output: OutputFormat = .table

    func settings(_ more: [String: String] = [:]) async throws -> Settings {
        var flags = more
        // A path on the command line starts where the person stands, not where the settings file lies.
        if let state { flags["state"] = absolute(state, in: FileManager.default.currentDirectoryPath) }
        return try await Settings.read(file: config, flags: flags)
    }
}

/// Data goes to standard output, words to standard error.
enum Output {
    static func line(_ text: String) { write(text + "\n", to: FileHandle.standardOutput) }
    /// Bytes as they are, for formats that are signed or hashed.
    static func raw(_ bytes: [UInt8]) {
        do { try FileHandle.standardOutput.write(contentsOf: Data(bytes)) } catch {
            Foundation.exit(Exit.failed.rawValue)
        }
    }
    static func note(_ text: String) { write(text + "\n", to: FileHandle.standardError) }

    private static func write(_ text: String, to handle: FileHandle) {
        // A reader that went away (a closed pipe) is no failure of ours.
        do { try handle.write(contentsOf: Data(text.utf8)) } catch { Foundation.exit(Exit.failed.rawValue) }
    }

    static func one(_ value: Value, as format: OutputFormat, table: (Value) -> String) {
        switch format {
        case .table: line(table(value))
        case .json: line(value.prettyJSON)
        case .jsonl: line(value.json)
        }
    }

    static func many(_ values: [Value], as format: OutputFormat, columns: [Column]) {
        switch format {
        case .table: line(Output.table(values, columns))
        case .json: line(Value.array(values).prettyJSON)
        case .jsonl: for value in values { line(value.json) }
        }
    }

    struct Column: Sendable {
        var title: String
        var cell: @Sendable (Value) -> String

        init(_ title: String, _ cell: @escaping @Sendable (Value) -> String) {
            self.title = title
            self.cell = cell
        }
    }

    static func table(_ values: [Value], _ columns: [Column]) -> String {
        let rows = [columns.map(\.title)] + values.map { value in columns.map { printable($0.cell(value)) } }
        let widths = columns.indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
        return rows.map { row in
            var text = ""
            for (column, cell) in row.enumerated() {
                text += cell
                if column < row.count - 1 { text += String(repeating: " ", count: widths[column] - cell.count + 2) }
            }
            return text
        }.joined(separator: "\n")
    }
}

/// Text of an alert may hold anything: a terminal must not be steered by it.
func printable(_ text: String) -> String {
    // Nearly every text is plain, and a long report holds very many.
    if text.utf8.allSatisfy({ (0x20..<0x7F).contains($0) }) { return text }
    return String(
        String.UnicodeScalarView(
            text.unicodeScalars.map { scalar in
                switch scalar.properties.generalCategory {
                case .control, .format, .lineSeparator, .paragraphSeparator, .privateUse, .surrogate, .unassigned: "�"
                default: scalar
                }
            }))
}

/// `6m`, `3h`, `12 d`: how long ago.
func age(_ milliseconds: Int64) -> String {
    let seconds = max(0, milliseconds / 1000)
    switch seconds {
    case ..<60: return "\(seconds)s"
    case ..<3600: return "\(seconds / 60)m"
    case ..<86_400: return "\(seconds / 3600)h"
    default: return "\(seconds / 86_400)d"
    }
}
