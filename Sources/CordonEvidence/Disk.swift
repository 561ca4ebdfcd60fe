// SPDX-License-Identifier: Apache-2.0
import Glibc

/// The system calls that evidence needs, as values, so that a test can let each of them fail.
package struct Disk: Sendable {
    /// Makes one folder with mode 0700; true when it was not there before.
    package var makeFolder: @Sendable (_ path: String) throws(EvidenceError) -> Bool
    /// Makes a new file with mode 0600 for writing; refuses a path that is taken.
    package var create: @Sendable (_ path: String) throws(EvidenceError) -> Int32
    package var write: @Sendable (_ descriptor: Int32, _ bytes: [UInt8]) throws(EvidenceError) -> Void
    package var sync: @Sendable (_ descriptor: Int32, _ path: String) throws(EvidenceError) -> Void
    package var openFolder: @Sendable (_ path: String) throws(EvidenceError) -> Int32
    /// Says nothing of failure: what matters was synced before.
    package var close: @Sendable (_ descriptor: Int32) -> Void
    package var rename: @Sendable (_ path: String, _ newPath: String) throws(EvidenceError) -> Void
    /// Removes a file or an empty folder; true when there was one.
    package var remove: @Sendable (_ path: String) throws(EvidenceError) -> Bool
    /// The bytes and the permission bits of a regular file; nothing when there is none.
    package var read: @Sendable (_ path: String, _ bytesMax: Int) throws(EvidenceError) -> StoredFile?
    package var exists: @Sendable (_ path: String) throws(EvidenceError) -> Bool
    /// The names in a folder, sorted, without `.` and `..`; none when there is no folder.
    package var names: @Sendable (_ path: String) throws(EvidenceError) -> [String]
}

package struct StoredFile: Sendable {
    package let bytes: [UInt8]
    /// The nine permission bits.
    package let mode: UInt32

    package init(bytes: [UInt8], mode: UInt32) {
        self.bytes = bytes
        self.mode = mode
    }
}

extension Disk {
    private static let fileMode: mode_t = 0o600
    private static let folderMode: mode_t = 0o700

    /// The disk of this machine.
    package static let real = Disk(
        makeFolder: { path throws(EvidenceError) in
            if mkdir(path, folderMode) == 0 { return true }
            if errno == EEXIST { return false }
            throw EvidenceError.system(.writeFailed, "make the folder", path)
        },
        create: { path throws(EvidenceError) in
            let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, fileMode)
            if descriptor < 0 { throw EvidenceError.system(.writeFailed, "create", path) }
            return descriptor
        },
        write: writeAll,
        sync: { descriptor, path throws(EvidenceError) in
            if fsync(descriptor) != 0 { throw EvidenceError.system(.syncFailed, "sync", path) }
        },
        openFolder: { path throws(EvidenceError) in
            let descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
            if descriptor < 0 { throw EvidenceError.system(.writeFailed, "open the folder", path) }
            return descriptor
        },
        close: { descriptor in _ = Glibc.close(descriptor) },
        rename: { path, newPath throws(EvidenceError) in
            if Glibc.rename(path, newPath) != 0 {
                throw EvidenceError.system(.writeFailed, "rename \(path) to", newPath)
            }
        },
        remove: { path throws(EvidenceError) in
            if Glibc.remove(path) == 0 { return true }
            if errno == ENOENT { return false }
            throw EvidenceError.system(.writeFailed, "remove", path)
        },
        read: readAll,
        exists: { path throws(EvidenceError) in
            if access(path, F_OK) == 0 { return true }
            if errno == ENOENT || errno == ENOTDIR { return false }
            throw EvidenceError.system(.readFailed, "look for", path)
        },
        names: readNames)

    @Sendable private static func writeAll(_ descriptor: Int32, _ bytes: [UInt8]) throws(EvidenceError) {
        var done = 0
        while done < bytes.count {
            let count = bytes.withUnsafeBytes { Glibc.write(descriptor, $0[done...].startAddress, $0.count - done) }
            if count > 0 {
                done += count
            } else if count == 0 || errno != EINTR {
                throw EvidenceError.system(.writeFailed, "write", "\(bytes.count) bytes")
            }
        }
    }

    @Sendable private static func readAll(_ path: String, _ bytesMax: Int) throws(EvidenceError) -> StoredFile? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)  // a pipe in a file's place must not hold us
        if descriptor < 0, errno == ENOENT || errno == ENOTDIR { return nil }
        if descriptor < 0 { throw EvidenceError.system(.readFailed, "open", path) }
        defer { _ = Glibc.close(descriptor) }
        var status = stat()
        if fstat(descriptor, &status) != 0 { throw EvidenceError.system(.readFailed, "examine", path) }
        guard status.st_mode & S_IFMT == S_IFREG else {
            throw EvidenceError(.readFailed, "could not read \(path): it is no regular file")
        }
        guard status.st_size <= bytesMax else {
            throw EvidenceError(
                .tooLarge, "could not read \(path): it has \(status.st_size) bytes, at most \(bytesMax) are read")
        }
        let bytes = try readBytes(descriptor, count: Int(status.st_size), path)
        return StoredFile(bytes: bytes, mode: status.st_mode & 0o777)
    }

    private static func readBytes(
        _ descriptor: Int32, count: Int, _ path: String
    ) throws(EvidenceError) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        var done = 0
        while done < count {
            let got = bytes.withUnsafeMutableBytes {
                Glibc.read(descriptor, UnsafeMutableRawBufferPointer(rebasing: $0[done...]).baseAddress, count - done)
            }
            if got == 0 { break }  // it became shorter since; what is missing shows in the digest
            if got < 0, errno != EINTR { throw EvidenceError.system(.readFailed, "read", path) }
            done += max(got, 0)
        }
        return Array(bytes.prefix(done))
    }

    @Sendable private static func readNames(_ path: String) throws(EvidenceError) -> [String] {
        guard let folder = opendir(path) else {
            if errno == ENOENT { return [] }
            throw EvidenceError.system(.readFailed, "list", path)
        }
        defer { closedir(folder) }
        var names: [String] = []
        errno = 0
        while let entry = readdir(folder) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: Int(NAME_MAX) + 1) { String(cString: $0) }
            }
            if name != ".", name != ".." { names.append(name) }
            errno = 0
        }
        if errno != 0 { throw EvidenceError.system(.readFailed, "list", path) }
        return names.sorted()
    }
}

extension EvidenceError {
    /// Speaks of the system call that just failed.
    static func system(
        _ code: Code, _ what: String, _ path: String, file: String = #fileID, line: UInt = #line
    ) -> EvidenceError {
        let cause = errno
        let reason = "could not \(what) \(path): \(String(cString: strerror(cause)))"
        return EvidenceError(code, reason, systemCode: cause, file: file, line: line)
    }
}

extension Slice<UnsafeRawBufferPointer> {
    fileprivate var startAddress: UnsafeRawPointer? { UnsafeRawBufferPointer(rebasing: self).baseAddress }
}
