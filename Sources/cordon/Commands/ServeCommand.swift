// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import CordonEngine
import Foundation
import Logging

struct ServeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve",
        abstract: "Take alerts and run workflows until told to stop.",
        discussion: """
            Listens on loopback unless told otherwise. SIGTERM and SIGINT stop it in order; SIGKILL loses nothing \
            that was answered with 202.

            EXAMPLES
              cordon serve
              cordon serve --address 0.0.0.0 --port 8787 --log-format json
            """)

    @OptionGroup var common: CommonOptions

    @Option(name: .long, help: "The address to listen on (setting: listen.address; default 127.0.0.1).")
    var address: String?

    @Option(name: .long, help: "The port to listen on, 0 for any free one (setting: listen.port; default 8787).")
    var port: Int?

    @Option(name: .long, help: "text or json (setting: log.format).")
    var logFormat: String?

    @Option(name: .long, help: "trace, debug, info, notice, warning, error or critical (setting: log.level).")
    var logLevel: String?

    @Option(name: .long, help: "The folder with playbooks/ and workflows/ (setting: library).")
    var library: String?

    func run() async throws {
        var flags: [String: String] = [:]
        flags["listen.address"] = address
        flags["listen.port"] = port.map(String.init)
        flags["log.format"] = logFormat
        flags["log.level"] = logLevel
        flags["library"] = library.map { absolute($0, in: FileManager.default.currentDirectoryPath) }
        let settings = try await common.settings(flags)
        let logger = Logger.cordon(settings)
        let composition = try Composition(settings, logger: logger)
        if !FileManager.default.fileExists(atPath: settings.state.tokenPath) {
            try await FirstToken.make(settings.state, composition.access)
            logger.notice("made the first token", metadata: ["file": "\(settings.state.tokenPath)"])
        }
        try await composition.run { _ in }
    }
}
