// SPDX-License-Identifier: Apache-2.0

import CordonConnectors
import CordonCore
import CordonLanguage
import Foundation
import TestKit
import Testing

/// Every number that an author can meet has a page, and its example is one that really yields it.
@Suite struct ExplainCommandTests {
    /// Numbers that no text yields, and why.
    static let withoutExample = [
        "P047": "a matter of the folder: see the test below",
        "P087": "a matter of the settings: see BadInputTests",
        "P089": "a matter of the installation's guards: see GuardPolicyTests",
        "P120": "a matter of the installation's providers: see ProviderFitTests",
        "P121": "a matter of the installation's providers: see ProviderFitTests",
        "P122": "a matter of the installation's connections: see BadInputTests",
        "P123": "a matter of the installation's connections: see ProviderFitTests",
        "P070": "a matter of playing cases: see PlaybookTestCommandTests",
        "P072": "a matter of the folder: see PlaybookTestCommandTests",
        "X052": "the checker knows every function",
    ]

    private static func told(_ example: DiagnosticExample, _ text: [UInt8]) -> [Diagnostic] {
        example.told(text) { bytes, file in
            if case .failure(let found) = Connector.load(bytes, file: file, digest: "") { found.all } else { [] }
        }
    }

    @Test func `every number that can be reported has one page`() {
        let codes =
            YAMLCode.allCases.map(\.rawValue) + DefinitionCode.allCases.map(\.rawValue)
            + ExpressionIssue.Code.allCases.map(\.rawValue) + EvaluationError.Code.allCases.map(\.number)
        #expect(DiagnosticPage.all.map(\.code) == codes)
        #expect(Set(codes).count == codes.count)
        let lacking = DiagnosticPage.all.filter { $0.example == nil }.map(\.code)
        #expect(lacking.sorted() == Self.withoutExample.keys.sorted())
    }

    @Test(arguments: DiagnosticPage.all)
    func `the example of a page yields its number and no other, and the mended one none`(_ page: DiagnosticPage) throws
    {
        #expect(!page.title.isEmpty && !page.title.hasSuffix("."))
        #expect(page.explanation.hasSuffix("."), "\(page.code)")
        guard let example = page.example else { return }
        let wrong = Self.told(example, example.wrongText)
        #expect(wrong.map(\.code) == [page.code], "\(wrong.map(\.text))")
        let right = Self.told(example, example.rightText)
        #expect(right.isEmpty, "\(page.code): \(right.map(\.text))")
        #expect(example.wrongText != example.rightText)
    }

    @Test func `the checking command tells the same of an example's file`() async throws {
        let pages = DiagnosticPage.all.filter { ["P014", "P021", "P033", "P043"].contains($0.code) }
        #expect(pages.count == 4)
        for page in pages {
            let example = try #require(page.example)
            let file = try #require(example.file)
            let folder = try ScratchFolder("cordon-explain")
            let workflow = try #require(DiagnosticPage.of("P033")?.example)
            try folder.write(String(decoding: workflow.rightText, as: UTF8.self), to: "workflows/example.yaml")
            try folder.write(String(decoding: example.wrongText, as: UTF8.self), to: file)
            let ended = try await Installation.finish(["playbook", "check", file], in: folder)
            #expect(ended.end == .exited(10))
            #expect(ended.error.components(separatedBy: "error[").count == 2, "\(ended.error)")
            #expect(ended.error.hasPrefix(try #require(Self.told(example, example.wrongText).first).text))
        }
    }

    @Test func `a file that can't be read yields the number that has no example`() async throws {
        let installation = try Installation.alone()
        try FileManager.default.createDirectory(
            atPath: installation.scratch.path("playbooks/folder.yaml"), withIntermediateDirectories: true)
        let ended = try await installation.finish("playbook", "check")
        #expect(ended.end == .exited(10))
        #expect(ended.errorLines.first?.hasPrefix("playbooks/folder.yaml:1:1: error[P047]: ") == true)
    }

    @Test(arguments: ["P014", "p014"])
    func `a page shows what it means, what is wrong, what is right and what is told`(_ code: String) async throws {
        let folder = try ScratchFolder("cordon-explain")
        let ended = try await Installation.finish(["explain", code], in: folder)
        #expect(ended.end == .exited(0))
        #expect(
            ended.output == """
                P014  a colon and a space stand inside an unquoted value

                  YAML takes ': ' for the end of a key, so an expression such as a ? b : c, a
                  map {k: v} after text or a title with a colon is cut in two. Put the whole
                  value in quotes.

                WRONG, in playbooks/example.yaml
                  title: Leak: end it now

                RIGHT
                  title: "Leak: end it now"

                WHAT CORDON SAYS OF THE WRONG ONE
                  playbooks/example.yaml:2:12: error[P014]: a second ': ' makes YAML read this value as a map (put the value in quotes)
                   2 | title: Leak: end it now
                     |            ^

                """)
    }

    @Test func `an expression's page names what its variables stand for`() async throws {
        let ended = try await Installation.finish(["explain", "X050"], in: try ScratchFolder("cordon-explain"))
        #expect(ended.end == .exited(0))
        #expect(ended.output.contains("'alert' is {\"count\":0,"))
        #expect(ended.output.contains("error[X050]: no key 'sevrity' in alert; did you mean 'severity'?"))
    }

    @Test func `without a number all are listed, for people and for scripts`() async throws {
        let folder = try ScratchFolder("cordon-explain")
        let table = try await Installation.finish(["explain"], in: folder)
        #expect(table.outputLines.first == "CODE  MEANING")
        #expect(table.outputLines.dropFirst().map { String($0.prefix(4)) } == DiagnosticPage.all.map(\.code))
        let json = try await Installation.finish(["explain", "-o", "json"], in: folder).json
        #expect(json.arrayValue?.compactMap { $0["code"]?.stringValue } == DiagnosticPage.all.map(\.code))
    }

    @Test(arguments: [("P14", "did you mean P014?"), ("X999", "lists all"), ("nonsense", "lists all")])
    func `a number that there is not ends with 3 and the way out`(_ code: String, _ words: String) async throws {
        let ended = try await Installation.finish(["explain", code], in: try ScratchFolder("cordon-explain"))
        #expect(ended.end == .exited(3))
        #expect(ended.output.isEmpty)
        #expect(ended.errorLines.count == 1 && ended.error.contains(words), "\(ended.error)")
    }
}
