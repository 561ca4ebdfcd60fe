// SPDX-License-Identifier: Apache-2.0

import CCurl
package import CordonCore
import Glibc

/// A secret in memory. It has no description but `‹secret›`; whoever reads it says so by `reveal()`.
package struct Secret: Sendable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    private let bytes: [UInt8]

    package init(_ bytes: [UInt8]) { self.bytes = bytes }

    package func reveal() -> [UInt8] { bytes }
    package var description: String { "‹secret›" }
    package var debugDescription: String { "‹secret›" }
    /// Dumps and crash reports show no bytes either.
    package var customMirror: Mirror { Mirror(self, children: []) }
}

/// Keeps secrets that are in memory out of what a crash leaves: no core dump is written, none is piped to a collector,
/// and nobody but root may look into the process. False when the system doesn't agree.
package func keepOutOfDumps() -> Bool { ccurl_refuse_dumps() == 0 }

/// Reads secrets where their references say. Each reading is told to `onRead`, with the reference and never the value.
package struct SecretReader: Sendable {
    /// Relative file references start here.
    package var folder: String
    package var environment: @Sendable (String) -> String?
    /// `nil`: none is configured.
    package var vault: VaultDesk?
    /// All that was read by this reader and its copies.
    package let known = KnownSecrets()

    package init(folder: String, environment: @escaping @Sendable (String) -> String? = systemEnvironment) {
        self.folder = folder
        self.environment = environment
    }

    /// - Parameter isPublic: what anybody may read, such as an authority's certificate.
    package func read(_ reference: SecretReference, isPublic: Bool = false) throws(ConnectorError) -> Secret {
        let secret = try look(reference, isPublic)
        if !isPublic { known.note(secret) }
        return secret
    }

    private func look(_ reference: SecretReference, _ isPublic: Bool) throws(ConnectorError) -> Secret {
        switch reference {
        case .environment(let name):
            guard let text = environment(name), !text.isEmpty else {
                throw ConnectorError(
                    .secretMissing, "the environment variable \(name) is not set; set it, or refer to a file")
            }
            return Secret(Array(text.utf8))
        case .file(let path):
            return Secret(
                try readFile(
                    path.hasPrefix("/") ? path : folder + "/" + path, refusing: isPublic ? 0 : SecretReader.others))
        case .vault(let path, let field):
            guard let vault else {
                throw ConnectorError(
                    .secretMissing, "\(reference.text): connections.yaml says nothing under 'vault'; tell it there")
            }
            return try vault.secret(path, field)
        case .credential(let name):
            guard let directory = environment("CREDENTIALS_DIRECTORY"), directory.hasPrefix("/") else {
                throw ConnectorError(
                    .secretMissing,
                    "systemd hands no credentials to this process; add LoadCredential=\(name):PATH to its unit")
            }
            // Where systemd can't give the file away it names the reader in an access list, whose mask shows as the
            // group's right to read.
            return Secret(
                try readFile(directory + "/" + name, refusing: isPublic ? 0 : SecretReader.others & ~0o040))
        }
    }

    /// What anybody but the owner may do with a file.
    private static let others: Int32 = 0o077

    private func readFile(_ path: String, refusing: Int32) throws(ConnectorError) -> [UInt8] {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            throw ConnectorError(
                .secretMissing, "could not open the secret file \(path): \(String(cString: strerror(errno)))")
        }
        defer { close(descriptor) }
        let mode = ccurl_regular_file_mode(descriptor)
        guard mode >= 0 else { throw ConnectorError(.secretMissing, "\(path) is no regular file") }
        guard mode & refusing == 0 else {
            throw ConnectorError(.secretExposed, "others may read the secret file \(path); run: chmod 600 \(path)")
        }
        var bytes = [UInt8](repeating: 0, count: secretBytesMax + 1)
        let count = Glibc.read(descriptor, &bytes, bytes.count)
        guard count > 0 else { throw ConnectorError(.secretMissing, "the secret file \(path) is empty") }
        guard count <= secretBytesMax else {
            throw ConnectorError(.secretMissing, "the secret file \(path) is over \(secretBytesMax) bytes")
        }
        // An editor's line end is not part of the secret.
        var end = count
        while end > 0, bytes[end - 1] == UInt8(ascii: "\n") || bytes[end - 1] == UInt8(ascii: "\r") { end -= 1 }
        guard end > 0 else { throw ConnectorError(.secretMissing, "the secret file \(path) is empty") }
        return Array(bytes[..<end])
    }
}

private let secretBytesMax = 16 * 1024

package let systemEnvironment: @Sendable (String) -> String? = { name in getenv(name).map { String(cString: $0) } }
