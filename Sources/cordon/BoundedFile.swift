// SPDX-License-Identifier: Apache-2.0

import CordonCore
import Glibc

/// Reads files that anybody may have put where definitions lie: regular ones only, and of one that is too long no more
/// than what shows that it is.
enum BoundedFile {
    enum Fault: Error, Hashable {
        case unreadable, notRegular, tooLong
    }

    static func load(_ path: String, max: Int = Limits.definitionFileBytesMax) -> Result<[UInt8], Fault> {
        // Without waiting: a pipe that nobody writes to would keep the reader for ever.
        let descriptor = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC)
        guard descriptor >= 0 else { return .failure(.unreadable) }
        defer { close(descriptor) }
        var about = stat()
        guard fstat(descriptor, &about) == 0 else { return .failure(.unreadable) }
        guard about.st_mode & S_IFMT == S_IFREG else { return .failure(.notRegular) }
        guard about.st_size <= max else { return .failure(.tooLong) }
        var bytes: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 64 << 10)
        while bytes.count <= max {
            let count = read(descriptor, &piece, Swift.min(piece.count, max + 1 - bytes.count))
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { return .failure(.unreadable) }
            if count == 0 { return .success(bytes) }
            bytes += piece[..<count]
        }
        // It grew while it was read.
        return .failure(.tooLong)
    }

    /// `nil` where it can't be read, is no file, or is longer than a definition may be.
    static func contents(_ path: String) -> [UInt8]? { try? load(path).get() }
}

extension BoundedFile.Fault {
    var words: String {
        switch self {
        case .unreadable: "the file can't be read"
        case .notRegular: "this is no regular file"
        case .tooLong:
            "the file has more than \(Limits.definitionFileBytesMax >> 20) MiB (definitionFileBytesMax)"
        }
    }
}
