// SPDX-License-Identifier: Apache-2.0
import Glibc

/// Bytes that wait on disk until their place in an archive is known: a file without a name, gone with its last reader.
package final class Spool {
    private static let bufferBytes = 1 << 18

    private let file: OpenFile
    private let folder: String
    private let disk: Disk
    private var buffer: [UInt8] = []
    private var written = 0
    private var stream = DigestStream()

    /// The disk of this folder holds them.
    package init(in folder: String, disk: Disk = .real) throws(EvidenceError) {
        let path = folder + "/" + Disk.draftPrefix + Hex.text(BigEndian.bytes(UInt64.random(in: 0...UInt64.max)))
        let descriptor = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
        if descriptor < 0 { throw EvidenceError.system(.writeFailed, "create", path) }
        file = OpenFile(descriptor)
        self.folder = folder
        self.disk = disk
        // Nobody finds it by name, and no crash leaves it behind.
        guard try disk.remove(path) else { throw EvidenceError(.writeFailed, "could not hold \(path): it is gone") }
    }

    package var count: Int { written + buffer.count }

    /// SHA-256 of all that came so far.
    package var digest: Digest { stream.digest }

    package func append(_ bytes: [UInt8]) throws(EvidenceError) {
        stream.update(bytes)
        buffer += bytes
        if buffer.count >= Spool.bufferBytes { try flush() }
    }

    /// All that came so far. What comes later is not part of it.
    package func source() throws(EvidenceError) -> ByteSource {
        try flush()
        return ByteSource(file, count: written, "what was put aside in \(folder)")
    }

    private func flush() throws(EvidenceError) {
        try disk.write(file.descriptor, buffer)
        written += buffer.count
        buffer.removeAll(keepingCapacity: true)
    }
}
