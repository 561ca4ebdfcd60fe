// SPDX-License-Identifier: Apache-2.0

import CordonConnectors
import CordonCore
import Foundation
import TestKit
import Testing

/// Where secrets are read from, and who else may not.
@Suite struct SecretReaderTests {
    private let folder: ScratchFolder

    init() throws { folder = try ScratchFolder() }

    private func write(_ text: String, to name: String, mode: Int) throws {
        let path = try folder.write(text, to: name)
        try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: path)
    }

    private func reader(_ directory: String?) -> SecretReader {
        SecretReader(folder: folder.path, environment: { $0 == "CREDENTIALS_DIRECTORY" ? directory : nil })
    }

    private func text(_ reader: SecretReader, _ reference: SecretReference) throws -> String {
        String(decoding: try reader.read(reference).reveal(), as: UTF8.self)
    }

    @Test(arguments: [0o400, 0o600, 0o440])
    func `a credential is what systemd laid into its directory`(_ mode: Int) throws {
        try write("from systemd\n", to: "hook", mode: mode)
        #expect(try text(reader(folder.path), .credential("hook")) == "from systemd")
    }

    @Test(arguments: [0o444, 0o460, 0o404])
    func `one that others may read, or that a group may write, is refused`(_ mode: Int) throws {
        try write("from systemd", to: "hook", mode: mode)
        #expect(throws: ConnectorError(.secretExposed, "")) { try reader(folder.path).read(.credential("hook")) }
    }

    @Test func `a process that systemd hands nothing says how it would`() throws {
        for directory in [nil, "", "relative"] {
            let error = #expect(throws: ConnectorError.self) { try reader(directory).read(.credential("hook")) }
            #expect(
                error?.reason
                    == "systemd hands no credentials to this process; add LoadCredential=hook:PATH to its unit")
        }
        #expect(throws: ConnectorError(.secretMissing, "")) { try reader(folder.path).read(.credential("absent")) }
    }

    @Test func `a file of one's own is read by its owner alone`() throws {
        try write("own", to: "own", mode: 0o440)
        #expect(throws: ConnectorError(.secretExposed, "")) { try reader(nil).read(.file("own")) }
        #expect(try reader(nil).read(.file("own"), isPublic: true).reveal() == Array("own".utf8))
    }

    @Test func `a reference says where a secret lies, and never what it is`() {
        #expect(SecretReference.credential("hook").text == "credential:hook")
    }
}
