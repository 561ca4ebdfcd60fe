// SPDX-License-Identifier: Apache-2.0

import CordonCore
import CordonEvidence
import CordonLanguage
import CordonStore

/// Logs that were put aside, after a restore or a fork: what they signed still has to be the beginning of what is here,
/// unless the history says that it was not.
extension StateAudit {
    private static let pageEntries = 4096

    /// What a line says of the log that it put aside.
    private struct Told {
        var place: String
        var folder: String
        var origin: String?
        var size: Int64?
        var root: String?
    }

    private struct Put {
        var place: String
        var checkpoint: Checkpoint
        /// A line says that this very tree was not what was there.
        var isForkTold: Bool
    }

    mutating func checkAside() async throws(StoreError) {
        let (told, forks) = try await tellOfAside()
        let folders: [(name: String, folder: LogFolder)]
        do throws(EvidenceError) { folders = try folder.aside() } catch {
            return report.find(.broken, .logMissing, "log", error.reason)
        }
        checkForks([(name: "log", folder: folder)] + folders, forks)
        var put: [Put] = []
        for (name, aside) in folders {
            guard let checkpoint = openAside(aside, name) else { continue }
            let place = name + "/checkpoint"
            put.append(Put(place: place, checkpoint: checkpoint, isForkTold: forks.contains(checkpoint.root.text)))
        }
        for line in told { compare(line, put, isThere: folders.contains { $0.name == line.folder }) }
        try await compareAside(put.filter { !$0.isForkTold })
    }

    /// What a log's own key signed of its fork, a line has to tell.
    private mutating func checkForks(_ folders: [(name: String, folder: LogFolder)], _ told: Set<String>) {
        for (name, folder) in folders {
            do throws(EvidenceError) {
                guard let fork = try folder.toldFork(try folder.keys()), !told.contains(fork.root) else { continue }
                report.find(
                    .broken, .logForked, name + "/forked",
                    "its own key signed that it was forked after \(fork.size) entries, and no line tells of it")
            } catch { report.find(.broken, .signatureInvalid, name + "/forked", error.reason) }
        }
    }

    private func tellOfAside() async throws(StoreError) -> (told: [Told], forks: Set<String>) {
        var (told, forks, next): ([Told], Set<String>, Int) = ([], [], 1)
        while true {
            let page = try await store.history(LogBook.stream, from: next, limit: 500)
            for entry in page.map(\.entry) {
                let body = (try? JSON.parse(entry.bytes))?["body"] ?? .null
                switch entry.kind {
                case LogBook.forked: forks.insert(body["signed_root"]?.stringValue ?? "")
                case LogBook.reopened:
                    // Lines that were written before it was told have none.
                    guard let was = body["was"], let name = was["folder"]?.stringValue else { continue }
                    told.append(
                        Told(
                            place: "\(entry.stream)@\(entry.number)", folder: name, origin: was["origin"]?.stringValue,
                            size: was["size"]?.intValue, root: was["root"]?.stringValue))
                default: continue
                }
            }
            guard let last = page.last, page.count == 500 else { return (told, forks) }
            next = last.entry.number + 1
        }
    }

    /// Under the keys that whoever checks brought of that log; without such under those that lie in it.
    private mutating func openAside(_ aside: LogFolder, _ name: String) -> Checkpoint? {
        do throws(EvidenceError) {
            // A log that was gone when the new one was begun left an empty folder.
            guard let note = try aside.published() else { return nil }
            let own = try aside.keys()
            let brought = trust.brought.filter { key in own.contains { $0.name == key.name } }
            return report.open(note, name + "/checkpoint", trust, brought.isEmpty ? own : brought)
        } catch {
            report.find(.broken, .checkpointMalformed, name, error.reason)
            return nil
        }
    }

    private mutating func compare(_ line: Told, _ put: [Put], isThere: Bool) {
        // A crash may have come between the line and the move: then the log that was to be put aside goes on.
        if line.origin != nil, line.origin == report.origin { return }
        guard isThere else {
            return report.find(
                .broken, .logMissing, line.folder, "\(line.place) put it aside, and it is not there any more")
        }
        guard let root = line.root else { return }
        let found = put.first { $0.place == line.folder + "/checkpoint" }?.checkpoint
        guard let found, found.root.text == root, line.size == Int64(clamping: found.size),
            line.origin == found.origin
        else {
            return report.find(
                .broken, .checkpointDiffers, line.folder + "/checkpoint",
                "it is not the one of \(line.size ?? 0) entries that \(line.place) put aside")
        }
    }

    /// The hashes beside the entries were compared with their bytes already.
    private mutating func compareAside(_ put: [Put]) async throws(StoreError) {
        let left = Dictionary(grouping: put, by: \.checkpoint.size)
        guard let most = left.keys.max() else { return }
        var frontier = MerkleFrontier()
        while frontier.size < most {
            let start = frontier.size
            let page = try await store.log(from: Int(frontier.size), limit: Self.pageEntries)
            for indexed in page where frontier.size < most {
                guard indexed.index == Int(frontier.size), let leaf = Digest(bytes: indexed.entry.leaf) else { break }
                frontier.append(leaf)
                for item in left[frontier.size] ?? [] where item.checkpoint.root != frontier.root {
                    report.find(
                        .broken, .checkpointDiffers, item.place,
                        "the first \(item.checkpoint.size) entries do not lead to the root that the log signed before it "
                            + "was put aside, and no line says so")
                }
            }
            guard page.count == Self.pageEntries, frontier.size > start else { break }
        }
        for item in put where item.checkpoint.size > frontier.size {
            report.find(
                .broken, .entryMissing, item.place,
                "\(item.checkpoint.size) entries were signed before it was put aside, \(frontier.size) are there, and no "
                    + "line says so")
        }
    }
}
