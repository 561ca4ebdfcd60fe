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
              cordon serve --address 0.0.0.0 --tls-certificate chain.pem --tls-key key.pem --client-ca clients.pem

            With a certificate the port takes TLS alone, from 1.2 on; the commands of this machine use another port, on \
            loopback. A renewed certificate, key or authority is read when its file changes or on SIGHUP; connections \
            that stand keep theirs.
            """)

    @OptionGroup var common: CommonOptions

    @Option(name: .long, help: "The address to listen on (setting: listen.address; default 127.0.0.1).")
    var address: String?

    @Option(name: .long, help: "The port to listen on, 0 for any free one (setting: listen.port; default 8787).")
    var port: Int?

    @Option(
        name: .long,
        help: "The server's certificate in PEM, then those up to its authority (setting: listen.certificate).")
    var tlsCertificate: String?

    @Option(name: .long, help: "Its private key in PEM, for its owner's eyes alone (setting: listen.key).")
    var tlsKey: String?

    @Option(
        name: .long,
        help:
            "Authorities in PEM; with it clients may show certificates, and sources of mtls must (setting: listen.client_ca)."
    )
    var clientCA: String?

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
        let here = FileManager.default.currentDirectoryPath
        flags["listen.certificate"] = tlsCertificate.map { absolute($0, in: here) }
        flags["listen.key"] = tlsKey.map { absolute($0, in: here) }
        flags["listen.client_ca"] = clientCA.map { absolute($0, in: here) }
        flags["log.format"] = logFormat
        flags["log.level"] = logLevel
        flags["library"] = library.map { absolute($0, in: here) }
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
