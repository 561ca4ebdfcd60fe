// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import CordonCore
import CordonLanguage

struct PlaybookGraph: AsyncParsableCommand {
    enum Format: String, Sendable, CaseIterable, ExpressibleByArgument { case svg, dot, mermaid }

    static let configuration = CommandConfiguration(
        commandName: "graph",
        abstract: "Draw a playbook and its workflow: what triggers it, what is done, who is asked, what undoes what.",
        discussion: """
            The SVG stands for itself, without scripts or fonts, and is light or dark as its reader has it.

            EXAMPLES
              cordon playbook graph secret-leaked > secret-leaked.svg
              cordon playbook graph secret-leaked --format mermaid
            """)

    @OptionGroup var common: CommonOptions
    @Argument(help: "A playbook of the library, or a workflow.") var name: String
    @Option(name: .long, help: "svg, dot or mermaid.") var format: Format = .svg

    func run() async throws {
        let library = try Shelf.load(try await common.settings()).library
        let playbook = library.playbooks.first { $0.name == name }
        guard let workflow = library.workflows[playbook?.workflow ?? name] else {
            let known = library.playbooks.map(\.name) + library.workflows.keys.sorted()
            let near = nearest(to: name, among: known).map { "did you mean '\($0)'?" }
            throw CommandFailure(
                .notFound,
                "the library has no playbook or workflow '\(name)'; \(near ?? "it has: \(known.joined(separator: ", "))")"
            )
        }
        let graph = DefinitionGraph(playbook, workflow, called: library.workflows)
        let text =
            switch format {
            case .svg: graph.svg
            case .dot: graph.dot
            case .mermaid: graph.mermaid
            }
        Output.line(String(text.dropLast()))
    }
}
