// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import CordonCore
import CordonLanguage

struct SourceCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "source", abstract: "Look at where alerts come from.", subcommands: [SourceList.self])
}

struct SourceList: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "List the sources: their last alert, and what was lost on the way.",
        discussion: """
            A source with 'reconcile' in connections.yaml is compared with what its sender says it delivered. What was \
            missing is taken in late (recovered); what the sender no longer has is lost; a gap is a span of which it says \
            nothing any more. Each stands in the history, in the stream source:ID.

            REFUSED counts deliveries that were not the source's own, since the server began; by reason in JSON. The \
            stream source:ID has a line of them for each hour in which there were any.

            EXAMPLES
              cordon source list
              cordon source list --output json
            """)

    @OptionGroup var common: CommonOptions

    func run() async throws {
        let client = try await Client.required(try await common.settings())
        let sources = try await client.get("/sources")["sources"]?.arrayValue ?? []
        Output.many(sources, as: common.output, columns: Self.columns)
    }

    private static let columns: [Output.Column] = [
        .init("SOURCE") { $0["id"]?.stringValue ?? "" },
        .init("CONNECTOR") { $0["connector"]?.stringValue ?? "" },
        .init("LAST ALERT") { $0["last_received_at"]?.stringValue ?? "-" },
        .init("COMPARED UNTIL") { $0.at("reconcile", "until")?.stringValue ?? "-" },
        .init("RECOVERED") { count($0, "recovered") },
        .init("LOST") { count($0, "lost") },
        .init("GAPS") { count($0, "gaps") },
        .init("REFUSED") { source in
            "\((source["rejected"]?.objectValue ?? [:]).values.compactMap(\.intValue).reduce(0, +))"
        },
        .init("FAILING") { $0.at("reconcile", "failure")?.stringValue ?? "-" },
    ]

    private static func count(_ source: Value, _ name: String) -> String {
        source.at("reconcile", name)?.intValue.map { "\($0)" } ?? "-"
    }
}
