// SPDX-License-Identifier: Apache-2.0

import CordonConnectors
import CordonCore
import CordonEvidence
import Glibc

/// Checkpoints that an authority outside stamped with the time, beside the signed log: for each its note, and the
/// authority's answer.
struct TimestampFolder: Sendable {
    struct Stamp: Sendable {
        /// Entries that were there at that time.
        var size: UInt64
        var note: [UInt8]
        var answer: [UInt8]
    }

    private static let sizeDigits = 20
    private static let noteEnding = ".checkpoint"
    private static let answerEnding = ".tsr"
    private static let bytesMax = 1 << 20

    let path: String

    init(log: LogFolder) { path = log.path + "/timestamps" }

    /// The smallest first. One that a crash left without its answer is none.
    func stamps() -> [Stamp] {
        sizes().compactMap { size in
            let name = path + "/" + Self.name(size)
            guard let note = read(name + Self.noteEnding), let answer = read(name + Self.answerEnding) else {
                return nil
            }
            return Stamp(size: size, note: note, answer: answer)
        }
    }

    func keep(_ stamp: Stamp) throws(EngineError) {
        if mkdir(path, 0o700) != 0, errno != EEXIST {
            throw EngineError(.stateFolder, "could not make \(path): \(String(cString: strerror(errno)))")
        }
        let name = path + "/" + Self.name(stamp.size)
        try StateFolder(path).writePrivate(stamp.note, to: name + Self.noteEnding)
        try StateFolder(path).writePrivate(stamp.answer, to: name + Self.answerEnding)
        // Durable from here: the history may say that there is one.
    }

    static func name(_ size: UInt64) -> String {
        let digits = String(size)
        return String(repeating: "0", count: max(0, sizeDigits - digits.count)) + digits
    }

    private func sizes() -> [UInt64] {
        guard let folder = opendir(path) else { return [] }
        defer { closedir(folder) }
        var sizes: [UInt64] = []
        while let entry = readdir(folder) {
            let room = MemoryLayout.size(ofValue: entry.pointee.d_name)
            let name = withUnsafePointer(to: &entry.pointee.d_name) { name in
                name.withMemoryRebound(to: CChar.self, capacity: room) { String(cString: $0) }
            }
            if name.hasSuffix(Self.answerEnding), let size = UInt64(name.dropLast(Self.answerEnding.count)) {
                sizes.append(size)
            }
        }
        return sizes.sorted()
    }

    private func read(_ file: String) -> [UInt8]? {
        let descriptor = open(file, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var part = [UInt8](repeating: 0, count: 16_384)
        while bytes.count <= Self.bytesMax {
            let count = Glibc.read(descriptor, &part, part.count)
            guard count >= 0 else { return nil }
            if count == 0 { return bytes }
            bytes += part[..<count]
        }
        return nil
    }
}
