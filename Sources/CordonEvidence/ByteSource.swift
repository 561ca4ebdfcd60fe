// SPDX-License-Identifier: Apache-2.0
import Glibc

/// Bytes that are read a piece at a time, from memory or from a file, so that what is large is never held whole.
package struct ByteSource: Sendable {
    /// The bytes from an offset on, exactly as many as asked for.
    private typealias Read = @Sendable (_ offset: Int, _ count: Int) throws(EvidenceError) -> [UInt8]

    /// How much is held at once by those that go through all of it.
    package static let chunkBytes = 1 << 18

    package let count: Int
    private let read: Read

    package init(_ bytes: [UInt8]) {
        count = bytes.count
        read = { offset, count throws(EvidenceError) in Array(bytes[offset..<offset + count]) }
    }

    /// A regular file, as large as it is now; nothing when there is none.
    package init?(file path: String) throws(EvidenceError) {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)  // a pipe in a file's place must not hold us
        if descriptor < 0, errno == ENOENT || errno == ENOTDIR { return nil }
        if descriptor < 0 { throw EvidenceError.system(.readFailed, "open", path) }
        let file = OpenFile(descriptor)
        var status = stat()
        if fstat(descriptor, &status) != 0 { throw EvidenceError.system(.readFailed, "examine", path) }
        guard status.st_mode & S_IFMT == S_IFREG else {
            throw EvidenceError(.readFailed, "could not read \(path): it is no regular file")
        }
        self.init(file, count: Int(status.st_size), path)
    }

    init(_ file: OpenFile, count: Int, _ path: String) {
        self.count = count
        read = { offset, count throws(EvidenceError) in try file.read(offset, count, path) }
    }

    package func bytes(_ range: Range<Int>) throws(EvidenceError) -> [UInt8] {
        precondition(range.lowerBound >= 0 && range.upperBound <= count, "nobody asks for bytes behind the end")
        return try read(range.lowerBound, range.count)
    }

    /// Goes through a part of it in order.
    package func eachChunk(
        of range: Range<Int>, _ body: ([UInt8]) throws(EvidenceError) -> Void
    ) throws(EvidenceError) {
        var at = range.lowerBound
        while at < range.upperBound {
            let end = min(range.upperBound, at + ByteSource.chunkBytes)
            try body(try bytes(at..<end))
            at = end
        }
    }

    package func digest(of range: Range<Int>) throws(EvidenceError) -> Digest {
        var stream = DigestStream()
        try eachChunk(of: range) { chunk throws(EvidenceError) in stream.update(chunk) }
        return stream.digest
    }
}

/// An open file, closed with its last reader. The descriptor never changes, and `pread` moves nothing.
final class OpenFile: Sendable {
    let descriptor: Int32

    init(_ descriptor: Int32) { self.descriptor = descriptor }

    deinit { _ = close(descriptor) }

    func read(_ offset: Int, _ count: Int, _ path: String) throws(EvidenceError) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        var done = 0
        while done < count {
            let got = bytes.withUnsafeMutableBytes {
                pread(
                    descriptor, UnsafeMutableRawBufferPointer(rebasing: $0[done...]).baseAddress, count - done,
                    off_t(offset + done))
            }
            if got == 0 { throw EvidenceError(.readFailed, "could not read \(path): it became shorter meanwhile") }
            if got < 0, errno != EINTR { throw EvidenceError.system(.readFailed, "read", path) }
            done += max(got, 0)
        }
        return bytes
    }
}
