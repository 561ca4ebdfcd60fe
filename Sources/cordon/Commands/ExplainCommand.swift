// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import CordonConnectors
import CordonCore
import CordonLanguage
import Foundation

struct ExplainCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "explain",
        abstract: "Say what the number of a mistake means, with an example and the way out.",
        discussion: """
            Numbers stand in brackets in what 'cordon playbook check' and 'cordon expr' tell: error[P014]. Without CODE \
            all of them are listed.

            EXAMPLES
              cordon explain P014
              cordon explain
              cordon explain X050 -o json
            """)

    @Argument(help: "The number: P014, X050.") var code: String?
    @Option(name: [.customShort("o"), .long], help: "table, json or jsonl.")
    var output: OutputFormat = .table

    func run() throws {
        guard let code else {
            return Output.many(
                DiagnosticPage.all.map(\.value), as: output,
                columns: [
                    Output.Column("CODE") { $0["code"]?.stringValue ?? "" },
                    Output.Column("MEANING") { $0["title"]?.stringValue ?? "" },
                ])
        }
        guard let page = DiagnosticPage.of(code) else {
            let near = nearest(to: code.uppercased(), among: DiagnosticPage.all.map(\.code))
            let way = near.map { "did you mean \($0)?" } ?? "'cordon explain' lists all"
            throw CommandFailure(.notFound, "no mistake has the number '\(code)'; \(way)")
        }
        Output.one(page.value, as: output) { _ in page.text }
    }
}

extension DiagnosticExample {
    /// What the loaders of this very program say.
    func told(_ text: [UInt8]) -> [Diagnostic] {
        told(text) { bytes, file in
            if case .failure(let found) = Connector.load(bytes, file: file, digest: "") { found.all } else { [] }
        }
    }
}

extension DiagnosticPage {
    var value: Value {
        var members: [String: Value] = [
            "code": .string(code), "title": .string(title), "explanation": .string(explanation),
        ]
        if let example {
            members["example"] = [
                "kind": .string(example.kind.rawValue), "file": example.file.map(Value.string) ?? .null,
                "wrong": .string(String(decoding: example.wrong, as: UTF8.self)), "right": .string(example.right),
                "says": .array(example.told(example.wrongText).map { .string($0.text) }),
            ]
        }
        return .object(members)
    }

    /// A page of 80 columns.
    var text: String {
        var lines = ["\(code)  \(title)", ""] + wrapped(explanation)
        guard let example else {
            return (lines + ["", "No text yields it, so there is no example."]).joined(separator: "\n")
        }
        lines += ["", "WRONG\(example.file.map { ", in \($0)" } ?? "")"] + shown(example.wrong)
        lines += ["", "RIGHT"] + shown(Array(example.right.utf8))
        if let setting = example.setting { lines += ["", setting] }
        lines += ["", "WHAT CORDON SAYS OF THE WRONG ONE"]
        lines += example.told(example.wrongText).flatMap { $0.text.split(separator: "\n").map { "  " + $0 } }
        return lines.joined(separator: "\n")
    }

    private static let columnsMax = 80

    private func shown(_ bytes: [UInt8]) -> [String] {
        String(decoding: bytes, as: UTF8.self).split(separator: "\n").map { line in
            let text = printable(String(line).replacingOccurrences(of: "\t", with: "→"))
            return "  " + (text.count > Self.columnsMax ? text.prefix(Self.columnsMax) + "…" : text)
        }
    }

    private func wrapped(_ text: String) -> [String] {
        var lines: [String] = []
        for word in text.split(separator: " ") {
            if let last = lines.last, last.count + 1 + word.count <= Self.columnsMax {
                lines[lines.count - 1] = last + " " + word
            } else {
                lines.append("  " + word)
            }
        }
        return lines
    }
}

extension DiagnosticExample {
    /// What the names of an expression stand for.
    fileprivate var setting: String? {
        switch kind {
        case .playbook, .workflow, .connector, .inventory, .test: nil
        case .condition: "'signal' is that of a playbook on secret.exposed."
        case .evaluation: "'alert' is \(Self.sample.json)."
        case .decision: "'alert' is \(Self.sample.json); true or false is wanted."
        }
    }
}
