// SPDX-License-Identifier: Apache-2.0

import CordonCore
import CordonStore
package import Foundation
package import TestKit

/// A database and its write-ahead log as a crash left them, which can be damaged and opened again and again.
///
/// Format: https://www.sqlite.org/fileformat2.html#walformat
package struct CrashImage: Sendable {
    package var database: Data
    package var log: Data

    /// What is done to the log between the crash and the next start.
    package enum Damage: Sendable, CustomStringConvertible {
        /// Nothing from this byte on reached the disk.
        case cut(Int)
        /// This byte is another.
        case flipped(Int)

        package var description: String {
            switch self {
            case .cut(let place): "cut at \(place)"
            case .flipped(let place): "flipped at \(place)"
            }
        }

        /// The first byte that can't be believed.
        var place: Int {
            switch self {
            case .cut(let place), .flipped(let place): place
            }
        }
    }

    private static let headerBytes = 32
    private static let frameHeaderBytes = 24

    package init(stateFolder: String) throws {
        database = try Data(contentsOf: URL(filePath: stateFolder + "/cordon.db"))
        let path = stateFolder + "/cordon.db-wal"
        log = FileManager.default.fileExists(atPath: path) ? try Data(contentsOf: URL(filePath: path)) : Data()
    }

    /// Where each frame of the log ends, and whether a commit ends with it. Frames of an earlier round of the log, which
    /// its salt tells, don't count.
    package var frames: [(end: Int, isCommit: Bool)] {
        let bytes = [UInt8](log)
        guard bytes.count >= Self.headerBytes else { return [] }
        func number(at place: Int) -> Int { bytes[place..<place + 4].reduce(0) { $0 << 8 | Int($1) } }
        let size = Self.frameHeaderBytes + number(at: 8)
        let salt = bytes[16..<24]
        var found: [(end: Int, isCommit: Bool)] = []
        var start = Self.headerBytes
        while start + size <= bytes.count, bytes[start + 8..<start + 16] == salt {
            found.append((start + size, number(at: start + 4) != 0))
            start += size
        }
        return found
    }

    /// Where the commits end that a log damaged so must still hold; 0 is a log without any.
    func lastCommit(before damage: Damage, _ frames: [(end: Int, isCommit: Bool)]) -> Int {
        frames.last { $0.isCommit && $0.end <= damage.place }?.end ?? 0
    }

    func damaged(_ damage: Damage) -> CrashImage {
        var image = self
        switch damage {
        case .cut(let place): image.log = Data(log.prefix(place))
        case .flipped(let place): image.log[image.log.startIndex + place] ^= 0x41
        }
        return image
    }

    /// Opens the store as the next start would, reads all of it, and stores something new.
    package func recovered() async throws -> StoredHistory {
        let scratch = try ScratchFolder("cordon-image")
        try database.write(to: URL(filePath: scratch.path("cordon.db")))
        if !log.isEmpty { try log.write(to: URL(filePath: scratch.path("cordon.db-wal"))) }
        let store = try SQLiteStore(.readWrite(scratch.path))
        let found = try await StoredHistory(store)
        let number = (found.streams["node"]?.last?.number ?? 0) + 1
        let at = Instant(milliseconds: 0)
        try await store.grant(
            TokenRecord(id: "tok_after_crash", name: "after", role: "viewer", hash: "00", createdAt: at),
            entry: Entry(stream: "node", number: number, at: at, kind: "tokenGranted", bytes: [], leaf: []))
        await store.close()
        return found
    }

    /// Every commit of the log in turn: what the store is when the log ends there. Then each damage: the store must be
    /// exactly what it was at the last commit before it.
    ///
    /// - Parameter open: how an image is opened; a test of the sweep itself opens it wrongly.
    package func sweep(
        _ damages: [Damage], open: (CrashImage) async throws -> StoredHistory = { try await $0.recovered() }
    ) async throws -> [String] {
        let frames = frames
        var atCommit: [Int: StoredHistory] = [:]
        var found: [String] = []
        var previous: StoredHistory?
        for end in [0] + frames.filter(\.isCommit).map(\.end) {
            let history = try await open(damaged(.cut(end)))
            found += history.faults.map { "after the commit that ends at \(end): \($0)" }
            found += (previous?.lost(in: history) ?? []).map { "by the commit that ends at \(end): \($0)" }
            atCommit[end] = history
            previous = history
        }
        for damage in damages {
            let history = try await open(damaged(damage))
            let end = lastCommit(before: damage, frames)
            if history != atCommit[end] {
                found.append("\(damage): not what was stored by the commit that ends at \(end)")
            }
        }
        return found
    }

    /// A few bytes around every boundary of the log's frames, and bytes inside each of them.
    package func damages(around reach: [Int] = [-1, 0, 24], flips: Int = 1, using random: inout Seeded)
        -> [Damage]
    {
        var damages: [Damage] = [.cut(1), .cut(Self.headerBytes - 1), .flipped(9), .flipped(17), .flipped(25)]
        var start = Self.headerBytes
        for frame in frames {
            damages += reach.map { .cut(start + $0) }
            damages += (0..<flips).map { _ in .flipped(Int.random(in: start..<frame.end, using: &random)) }
            start = frame.end
        }
        return damages.filter { $0.place < log.count }
    }
}
