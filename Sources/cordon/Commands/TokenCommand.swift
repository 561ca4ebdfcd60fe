// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import CordonCore
import CordonEngine
import CordonLanguage
import CordonServer
import CordonStore
import Foundation

struct TokenCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "token", abstract: "Create, list and revoke access tokens.",
        subcommands: [TokenCreate.self, TokenList.self, TokenRevoke.self])
}

extension Role: ExpressibleByArgument {}

/// Tokens are changed by the running server, or in the store itself when none runs.
enum TokenDesk {
    case server(Client)
    case store(SQLiteStore, Access)

    static func open(_ settings: Settings) async throws -> TokenDesk {
        if let client = try await Client.find(settings) { return .server(client) }
        guard FileManager.default.fileExists(atPath: settings.statePath) else {
            throw CommandFailure(
                .notFound, "there is no state folder \(settings.statePath); make one with 'cordon init'")
        }
        let store = try SQLiteStore(.readWrite(settings.statePath))
        return .store(store, Access(store: store, clock: SystemClock()))
    }

    func close() async {
        if case .store(let store, _) = self { await store.close() }
    }
}

struct TokenCreate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "create", abstract: "Make a token for one role; it is shown this once.",
        discussion: """
            EXAMPLES
              cordon token create --role operator --name alice
              cordon token create --role auditor --name audit-2026 --expires-in 30d
            """)

    @OptionGroup var common: CommonOptions
    @Option(name: .long, help: "\(Role.allCases.map(\.rawValue).joined(separator: ", "))") var role: Role
    @Option(name: .long, help: "Whose it is; it stands in the history.") var name: String
    @Option(name: .long, help: "When it ends, as 90m, 24h or 30d from now.") var expiresIn: String?

    func run() async throws {
        let expiry = try expiresIn.map { SystemClock().now.adding(milliseconds: try span($0)) }
        let desk = try await TokenDesk.open(try await common.settings())
        let answer: Value
        switch desk {
        case .server(let client):
            var body: [String: Value] = ["role": .string(role.rawValue), "name": .string(name)]
            if let expiry { body["expires_at"] = .string(expiry.description) }
            answer = try await client.ask("POST", "/tokens", .object(body))
        case .store(_, let access):
            let grant = try await access.grant(name: name, role: role, expiresAt: expiry, by: "cordon token create")
            var view = TokenView.make(grant.record, now: SystemClock().now).objectValue ?? [:]
            view["token"] = .string(grant.token.reveal())
            answer = .object(view)
        }
        await desk.close()
        Output.one(answer, as: common.output) { $0["token"]?.stringValue ?? "" }
        if common.output == .table {
            Output.note("\(role.rawValue) \(name), id \(answer["id"]?.stringValue ?? ""); it is not shown again")
        }
    }

    private func span(_ text: String) throws -> Int64 {
        let units: [Character: Int64] = ["m": 60_000, "h": 3_600_000, "d": 86_400_000]
        guard let unit = text.last.flatMap({ units[$0] }), let number = Int64(text.dropLast()),
            (1...3650).contains(number)
        else {
            throw CommandFailure(.usage, "--expires-in is '\(text)'; it takes a number with m, h or d, as 24h")
        }
        return number * unit
    }
}

struct TokenList: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "List tokens, without the tokens themselves.",
        discussion: """
            EXAMPLES
              cordon token list
              cordon token list -o json
            """)

    @OptionGroup var common: CommonOptions

    func run() async throws {
        let desk = try await TokenDesk.open(try await common.settings())
        let tokens: [Value]
        switch desk {
        case .server(let client): tokens = try await client.get("/tokens")["tokens"]?.arrayValue ?? []
        case .store(_, let access):
            tokens = try await access.tokens().map { TokenView.make($0, now: SystemClock().now) }
        }
        await desk.close()
        Output.many(
            tokens, as: common.output,
            columns: [
                Output.Column("ID") { $0["id"]?.stringValue ?? "" },
                Output.Column("ROLE") { $0["role"]?.stringValue ?? "" },
                Output.Column("NAME") { $0["name"]?.stringValue ?? "" },
                Output.Column("STATE") { $0["state"]?.stringValue ?? "" },
                Output.Column("CREATED") { $0["created_at"]?.stringValue ?? "" },
            ])
    }
}

struct TokenRevoke: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "revoke", abstract: "Revoke a token; nobody is let in by it any more.",
        discussion: """
            EXAMPLES
              cordon token revoke 3k9d7m2xqa
            """)

    @OptionGroup var common: CommonOptions
    @Argument(help: "The token's id, as 'cordon token list' shows it.") var id: String

    func run() async throws {
        let desk = try await TokenDesk.open(try await common.settings())
        switch desk {
        case .server(let client): _ = try await client.ask("DELETE", "/tokens/\(escaped(id))")
        case .store(_, let access): try await access.revoke(id: id, by: "cordon token revoke")
        }
        await desk.close()
        Output.note("revoked \(id)")
    }
}
