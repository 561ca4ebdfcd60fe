// SPDX-License-Identifier: Apache-2.0

import Foundation
import Synchronization

/// The folder that a store lives in: makes it, keeps others out of it, knows what is in it and how much room is left.
struct StateFolder {
    static let databaseName = "cordon.db"
    static let lockName = "lock"

    var path: String

    var database: String { path + "/" + Self.databaseName }
    var lock: String { path + "/" + Self.lockName }

    /// Makes folder and file where they are missing, for their owner alone, and makes their names durable.
    func prepare() throws(StoreError) {
        if mkdir(path, 0o700) == 0 {
            try sync((path as NSString).deletingLastPathComponent)
        } else if errno != EEXIST {
            throw refused("make the folder")
        }
        // SQLite would make the file readable to everyone; its side files take over the file's own mode.
        let file = open(database, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard file >= 0 else { throw refused("open \(Self.databaseName)") }
        Foundation.close(file)
        try sync(path)
    }

    private func sync(_ folder: String) throws(StoreError) {
        let handle = open(folder.isEmpty ? "." : folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard handle >= 0 else { throw refused("open the folder") }
        defer { Foundation.close(handle) }
        guard fsync(handle) == 0 else { throw refused("sync the folder") }
    }

    /// Bytes that the store's files take.
    var bytesOnDisk: Int {
        ["", "-wal", "-shm"].reduce(0) { sum, suffix in
            var status = stat()
            return stat(database + suffix, &status) == 0 ? sum + Int(status.st_size) : sum
        }
    }

    /// Bytes that this user may still write to the folder's disk; `nil` when the system doesn't say.
    var freeBytes: Int? {
        var status = statvfs()
        guard statvfs(path, &status) == 0 else { return nil }
        return Int(clamping: UInt64(status.f_bavail) * UInt64(status.f_frsize))
    }

    /// Why new work is refused when less than this is free, in words for a person; `nil` while there is room.
    func shortage(below least: Int) -> String? {
        guard let free = freeBytes, free < least else { return nil }
        func mebibytes(_ bytes: Int) -> String { "\(bytes / 1_048_576) MiB" }
        return "the state folder's disk has \(mebibytes(free)) free, and new work is refused below "
            + "\(mebibytes(least)): make room there, and it goes on by itself"
    }

    /// Whether there is a database in the folder.
    var exists: Bool { access(database, F_OK) == 0 }

    /// Whether the write-ahead log holds anything.
    var hasLog: Bool {
        var status = stat()
        return stat(database + "-wal", &status) == 0 && status.st_size > 0
    }

    private func refused(_ deed: String) -> StoreError {
        let cause = String(cString: strerror(errno))
        let code: StoreError.Code = errno == ENOSPC || errno == EDQUOT ? .full : .readOnly
        return StoreError(code, "could not \(deed) in \(path): \(cause)")
    }
}

/// The right to write in a folder, held by one store of one process at a time; given back when it is let go of.
final class FolderLock: Sendable {
    private let held: Mutex<Int32?>

    init(_ folder: StateFolder) throws(StoreError) {
        let file = open(folder.lock, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard file >= 0 else {
            throw StoreError(.readOnly, "could not open \(folder.lock): \(String(cString: strerror(errno)))")
        }
        guard flock(file, LOCK_EX | LOCK_NB) == 0 else {
            let holder = Self.holder(file)
            close(file)
            throw StoreError(
                .locked, "the store in \(folder.path) is open for writing in \(holder): stop it, or open it read-only")
        }
        // Only a hint for people: the lock is the lock, and it dies with its process.
        let line = Array("\(getpid())\n".utf8)
        if ftruncate(file, 0) == 0 { _ = pwrite(file, line, line.count, 0) }
        held = Mutex(file)
    }

    deinit { release() }

    func release() {
        held.withLock { file in
            if let file {
                // Given back by name: a child that was made a moment ago may still share the descriptor.
                flock(file, LOCK_UN)
                close(file)
            }
            file = nil
        }
    }

    private static func holder(_ file: Int32) -> String {
        var text = [UInt8](repeating: 0, count: 32)
        let count = pread(file, &text, text.count, 0)
        guard count > 0, let pid = Int(String(decoding: text[..<count].prefix { $0 != 10 }, as: UTF8.self)) else {
            return "another process"
        }
        return pid == getpid() ? "this process (\(pid))" : "process \(pid)"
    }
}
