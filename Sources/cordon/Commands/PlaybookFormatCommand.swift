// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import CordonCore
import CordonLanguage
import Foundation

struct PlaybookFormat: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "fmt",
        abstract: "Bring playbooks, workflows, connectors and their tests into one form.",
        discussion: """
            Margins, quotes, the order of fields and empty lines become the same everywhere; comments stay beside what \
            they stood beside, and the file means the same. Its digest changes with its bytes. Without FILE the whole \
            library is gone through. A file that can't be read as YAML is left alone and told of; so is one that \
            changes while it is read.

            With --check nothing is written: files that are not in their form are listed, and the command ends with 1.

            EXAMPLES
              cordon playbook fmt
              cordon playbook fmt --check playbooks/*.yaml
            """)

    @OptionGroup var common: CommonOptions

    @Flag(name: .long, help: "Only tell which files are not in their form.")
    var check = false

    @Argument(help: "YAML files.")
    var files: [String] = []

    func run() async throws {
        let settings = try await common.settings()
        let paths = files.isEmpty ? try Self.library(settings) : files
        var mistakes: [Diagnostic] = []
        var unformed: [String] = []
        for path in paths {
            do throws(Diagnostics) {
                guard let formed = try Self.form(path) else { continue }
                guard formed.new.utf8.count <= Limits.definitionBytesMax else {
                    throw Self.told(
                        path, .tooMany,
                        "in form it would have \(formed.new.utf8.count) bytes, the limit is \(Limits.definitionBytesMax) (definitionBytesMax)",
                        "take a part out into a workflow of its own")
                }
                unformed.append(path)
                if !check { try Self.write(formed, to: path) }
            } catch { mistakes += error.all }
        }
        for path in unformed { Output.line(display(path)) }
        guard mistakes.isEmpty else { throw Diagnostics(mistakes) }
        if check, !unformed.isEmpty {
            throw CommandFailure(.failed, "\(count(unformed.count, "file")) not in form; run 'cordon playbook fmt'")
        }
        if unformed.isEmpty { Output.note("\(count(paths.count, "file")) in form") }
    }

    private func count(_ number: Int, _ noun: String) -> String { "\(number) \(noun)\(number == 1 ? "" : "s")" }

    /// The YAML files of the library's folders, tests too.
    private static func library(_ settings: Settings) throws -> [String] {
        var paths: [String] = []
        for folder in ["playbooks", "workflows", "workflows/connectors"] {
            let path = absolute(folder, in: settings.libraryPath)
            guard FileManager.default.fileExists(atPath: path) else { continue }
            paths += try FileManager.default.contentsOfDirectory(atPath: path).sorted().filter { $0.hasSuffix(".yaml") }
                .map { path + "/" + $0 }
        }
        return paths
    }

    /// What was read and what shall stand there; `nil` when that is the same.
    private static func form(_ path: String) throws(Diagnostics) -> (old: [UInt8], new: String)? {
        guard let contents = BoundedFile.contents(path) else {
            throw told(path, .unreadable, "the file can't be read", "name a file that is there and may be read")
        }
        let document = try YAMLDocument.parse(contents, file: display(path), limits: .definition)
        guard let kind = DefinitionForm.kind(of: document) else {
            let kinds = DefinitionForm.Kind.allCases.map(\.rawValue).joined(separator: ", ")
            throw told(path, .unreadable, "this is no definition", "its first field is one of: \(kinds)")
        }
        guard let text = DefinitionForm.text(of: document, kind: kind) else {
            throw told(
                path, .unreadable, "no form of this file could be proved to say the same", "write it in a simpler way")
        }
        return Array(text.utf8) == contents ? nil : (contents, text)
    }

    private static func write(_ formed: (old: [UInt8], new: String), to path: String) throws(Diagnostics) {
        guard BoundedFile.contents(path) == formed.old else {
            throw told(path, .unreadable, "the file changed while it was read", "run the command again")
        }
        do { try AtomicFile.replace(path, with: formed.new) } catch {
            throw told(path, .unreadable, "\(error)", "nothing was changed")
        }
    }

    private static func told(
        _ path: String, _ code: DefinitionCode, _ message: String, _ suggestion: String
    ) -> Diagnostics {
        Diagnostics([
            Diagnostic(
                code: code.rawValue, place: Place(file: display(path), line: 1, column: 1), message: message,
                suggestion: suggestion)
        ])
    }
}
