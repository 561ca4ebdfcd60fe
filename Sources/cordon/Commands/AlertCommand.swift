// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import CordonConnectors
import CordonCore
import CordonEngine
import CordonLanguage
import Foundation

struct AlertCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "alert", abstract: "Send an alert as a source would, look at one, or say whether it was right.",
        subcommands: [AlertSend.self, AlertShow.self, AlertLabel.self])
}

struct AlertSend: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "send", abstract: "Sign a file with a source's secret and post it to the running server.",
        discussion: """
            The secret is the one that connections.yaml refers to; this command must be able to read it.

            EXAMPLES
              cordon alert send leak.json --source github
              cordon alert send leak.json --source github --header x-github-event=secret_scanning_alert
            """)

    @OptionGroup var common: CommonOptions
    @Argument(help: "The file with the body, - for standard input.") var file: String
    @Option(name: .long, help: "The source's id in connections.yaml.") var source: String
    @Option(name: .long, help: "The delivery's id; a new one unless given.") var delivery: String?
    @Option(name: .long, help: "A further header, NAME=VALUE.") var header: [String] = []

    func run() async throws {
        let settings = try await common.settings()
        let body = try readBody()
        let shelf = try Shelf.load(settings, isStart: true)
        guard let connection = shelf.connections.source(source),
            var shape = shelf.connectors[connection.connector]?.source
        else {
            let known = shelf.connections.sources.map(\.id).joined(separator: ", ")
            throw CommandFailure(
                .notFound, "connections.yaml has no source '\(source)'; it has: \(known.isEmpty ? "none" : known)")
        }
        if let own = connection.authentication { shape.authenticate(by: own) }
        let client = try await Client.required(settings)
        var headers = [(name: "content-type", value: "application/json")]
        let delivery = self.delivery ?? UUID().uuidString.lowercased()
        let transport = try CurlTransport()
        let secrets = await SecretReader.ready(settings, shelf.connections, for: connection.secrets, transport)
        await transport.close()
        let secret = try connection.secrets.first.map { try secrets.read($0) }
        guard let signed = shape.authentication.headers(body, delivery: delivery, with: secret, at: SystemClock().now)
        else {
            throw CommandFailure(
                .failed, "what '\(source)' sends is signed with a private key, and Cordon holds only the public one")
        }
        headers += signed
        if let name = shape.deliveryHeader, !headers.contains(where: { $0.name == name }) {
            headers.append((name: name, value: delivery))
        }
        headers += try extraHeaders(connection.connector)
        let answer = await client.send("POST", "/hooks/\(source)", body: body, headers: headers)
        try report(answer)
    }

    private func readBody() throws -> [UInt8] {
        if file == "-" { return Array(FileHandle.standardInput.readDataToEndOfFile()) }
        guard let contents = FileManager.default.contents(atPath: file) else {
            throw CommandFailure(.notFound, "there is no file \(file)")
        }
        return Array(contents)
    }

    /// GitHub says in a header what a body is; a file alone doesn't, so the usual one stands in.
    private func extraHeaders(_ connector: String) throws -> [(name: String, value: String)] {
        var headers: [(name: String, value: String)] = []
        for text in header {
            let parts = text.split(separator: "=", maxSplits: 1).map(String.init)
            guard parts.count == 2 else { throw CommandFailure(.usage, "--header is '\(text)'; it takes NAME=VALUE") }
            headers.append((parts[0].lowercased(), parts[1]))
        }
        if connector == "github", !headers.contains(where: { $0.name == "x-github-event" }) {
            headers.append(("x-github-event", "secret_scanning_alert"))
        }
        return headers
    }

    private func report(_ answer: Delivery) throws {
        guard case .answered(let response) = answer.fate else {
            throw CommandFailure(.tryAgain, "the server did not answer; nobody knows whether it took the alert")
        }
        let value = (try? JSON.parse(response.body)) ?? .null
        guard response.status == 202 else {
            let reason = value.at("error", "message")?.stringValue ?? "no reason given"
            throw CommandFailure(
                response.status == 503 ? .tryAgain : .refused, "the server answered \(response.status): \(reason)")
        }
        Output.one(value, as: common.output) { value in
            let id = value["alert"]?.stringValue ?? ""
            let isRepeat = value["duplicate"] == true
            return "\(id)  \(isRepeat ? "was there already" : "stored")\nNext: cordon run list"
        }
    }
}
