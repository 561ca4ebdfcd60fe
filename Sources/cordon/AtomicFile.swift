// SPDX-License-Identifier: Apache-2.0

import Foundation

/// Files that are there whole or not at all.
enum AtomicFile {
    /// Writes a new file; one that is there stays as it is.
    static func create(_ text: String, at path: String) throws {
        try FileManager.default.createDirectory(
            atPath: (path as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
        let scratch = try write(text, besides: path, mode: 0o644)
        // A link fails where something is; a rename would put the new in its place.
        let isMade = link(scratch, path) == 0
        let reason = String(cString: strerror(errno))
        let isThere = errno == EEXIST
        unlink(scratch)
        guard isMade else {
            throw isThere
                ? CommandFailure(.conflict, "\(display(path)) is there already; choose another name or remove it")
                : CommandFailure(.failed, "could not make \(display(path)): \(reason)")
        }
        try syncFolder(of: path)
    }

    /// Puts a new text in the place of a file's, with its rights. A link is followed: what it names is replaced.
    static func replace(_ path: String, with text: String) throws {
        let target = URL(filePath: path).resolvingSymlinksInPath().path
        let rights = try FileManager.default.attributesOfItem(atPath: target)[.posixPermissions] as? Int
        let scratch = try write(text, besides: target, mode: mode_t(rights ?? 0o644))
        guard rename(scratch, target) == 0 else {
            let failure = failure("write", path)
            unlink(scratch)
            throw failure
        }
        try syncFolder(of: target)
    }

    private static func write(_ text: String, besides path: String, mode: mode_t) throws -> String {
        // Not ending in .yaml: what reads the folder meanwhile takes no notice of it.
        let scratch = "\(path).\(getpid()).new"
        let descriptor = open(scratch, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode)
        guard descriptor >= 0 else { throw failure("write beside", path) }
        defer { close(descriptor) }
        let bytes = Array(text.utf8)
        var done = 0
        while done < bytes.count {
            let count = bytes[done...].withUnsafeBytes { Foundation.write(descriptor, $0.baseAddress, $0.count) }
            guard count > 0 else {
                if count < 0, errno == EINTR { continue }
                let failure = failure("write", path)
                unlink(scratch)
                throw failure
            }
            done += count
        }
        guard fchmod(descriptor, mode) == 0, fsync(descriptor) == 0 else {
            let failure = failure("write", path)
            unlink(scratch)
            throw failure
        }
        return scratch
    }

    private static func syncFolder(of path: String) throws {
        let folder = open((path as NSString).deletingLastPathComponent, O_RDONLY | O_CLOEXEC)
        guard folder >= 0 else { throw failure("sync the folder of", path) }
        defer { close(folder) }
        guard fsync(folder) == 0 else { throw failure("sync the folder of", path) }
    }

    private static func failure(_ verb: String, _ path: String) -> CommandFailure {
        CommandFailure(.failed, "could not \(verb) \(display(path)): \(String(cString: strerror(errno)))")
    }
}
