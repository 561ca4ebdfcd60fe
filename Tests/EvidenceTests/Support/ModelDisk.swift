// SPDX-License-Identifier: Apache-2.0
import Synchronization

@testable import CordonEvidence

/// A disk in memory that forgets in a crash what was not synced, as strictly as a file system may.
final class ModelDisk: Sendable {
    /// What a crash leaves of names that were not synced.
    enum UnsyncedNames: CaseIterable {
        case lost
        /// The name is there and leads to what was synced of the content, perhaps nothing.
        case kept
    }

    private struct Node {
        var bytes: [UInt8] = []
        var syncedBytes: [UInt8] = []
        /// Nothing for a file.
        var names: [String: Int]?
        var syncedNames: [String: Int] = [:]
    }

    private struct State {
        var nodes: [Int: Node] = [0: Node(names: [:])]
        var nextNode = 1
        var open: [Int32: Int] = [:]
        var nextDescriptor: Int32 = 3

        func node(_ path: String) -> Int? {
            var node = 0
            for name in path.split(separator: "/") {
                guard let next = nodes[node]?.names?[String(name)] else { return nil }
                node = next
            }
            return node
        }

        mutating func link(_ path: String, to node: Int?) throws(EvidenceError) {
            guard let folder = self.node(path.parentFolder), nodes[folder]?.names != nil else {
                throw EvidenceError(.writeFailed, "no folder for \(path)")
            }
            nodes[folder]?.names?[path.lastName] = node
        }

        mutating func make(_ path: String, _ node: Node) throws(EvidenceError) -> Int {
            try link(path, to: nextNode)
            nodes[nextNode] = node
            nextNode += 1
            return nextNode - 1
        }

        mutating func openNode(_ node: Int) -> Int32 {
            open[nextDescriptor] = node
            nextDescriptor += 1
            return nextDescriptor - 1
        }

        mutating func forget(_ unsynced: UnsyncedNames) {
            open = [:]
            for (number, node) in nodes {
                nodes[number]?.bytes = node.syncedBytes
                if node.names != nil, unsynced == .lost { nodes[number]?.names = node.syncedNames }
            }
        }
    }

    private let state = Mutex(State())

    func crash(_ unsynced: UnsyncedNames) { state.withLock { $0.forget(unsynced) } }

    /// All files that can be reached by name.
    var paths: [String] {
        state.withLock { state in
            func below(_ node: Int, _ path: String) -> [String] {
                guard let names = state.nodes[node]?.names else { return [path] }
                return names.sorted { $0.key < $1.key }.flatMap { below($0.value, path + "/" + $0.key) }
            }
            return below(0, "")
        }
    }

    /// Changes a stored byte behind everybody's back.
    func corrupt(_ path: String, at offset: Int) {
        state.withLock { state in
            guard let node = state.node(path) else { return }
            state.nodes[node]?.bytes[offset] ^= 1
        }
    }

    private func change<Result: Sendable>(
        _ body: (inout State) throws(EvidenceError) -> Result
    ) throws(EvidenceError) -> Result {
        try state.withLock { state throws(EvidenceError) in try body(&state) }
    }

    var disk: Disk {
        Disk(
            makeFolder: { path throws(EvidenceError) in
                try self.change { state throws(EvidenceError) in
                    if state.node(path) != nil { return false }
                    _ = try state.make(path, Node(names: [:]))
                    return true
                }
            },
            create: { path throws(EvidenceError) in
                try self.change { state throws(EvidenceError) in
                    guard state.node(path) == nil else { throw EvidenceError(.writeFailed, "\(path) is there") }
                    return state.openNode(try state.make(path, Node()))
                }
            },
            write: { descriptor, bytes throws(EvidenceError) in
                try self.change { state throws(EvidenceError) in
                    guard let node = state.open[descriptor] else { throw EvidenceError(.writeFailed, "not open") }
                    state.nodes[node]?.bytes += bytes
                }
            },
            sync: { descriptor, path throws(EvidenceError) in
                try self.change { state throws(EvidenceError) in
                    guard let number = state.open[descriptor], let node = state.nodes[number] else {
                        throw EvidenceError(.syncFailed, "not open: \(path)")
                    }
                    state.nodes[number]?.syncedBytes = node.bytes
                    state.nodes[number]?.syncedNames = node.names ?? [:]
                }
            },
            openFolder: { path throws(EvidenceError) in
                try self.change { state throws(EvidenceError) in
                    guard let node = state.node(path), state.nodes[node]?.names != nil else {
                        throw EvidenceError(.writeFailed, "no folder \(path)")
                    }
                    return state.openNode(node)
                }
            },
            close: { descriptor in self.state.withLock { $0.open[descriptor] = nil } },
            rename: { path, newPath throws(EvidenceError) in
                try self.change { state throws(EvidenceError) in
                    guard let node = state.node(path) else { throw EvidenceError(.writeFailed, "no file \(path)") }
                    try state.link(newPath, to: node)
                    try state.link(path, to: nil)
                }
            },
            remove: { path throws(EvidenceError) in
                try self.change { state throws(EvidenceError) in
                    guard let node = state.node(path) else { return false }
                    guard state.nodes[node]?.names?.isEmpty ?? true else {
                        throw EvidenceError(.writeFailed, "\(path) is not empty")
                    }
                    try state.link(path, to: nil)
                    return true
                }
            },
            read: { path, bytesMax throws(EvidenceError) in
                try self.change { state throws(EvidenceError) in
                    guard let number = state.node(path), let node = state.nodes[number] else { return nil }
                    guard node.bytes.count <= bytesMax else { throw EvidenceError(.tooLarge, path) }
                    return StoredFile(bytes: node.bytes, mode: 0o600)
                }
            },
            exists: { path throws(EvidenceError) in self.state.withLock { $0.node(path) != nil } },
            names: { path throws(EvidenceError) in
                self.state.withLock { state in
                    state.node(path).flatMap { state.nodes[$0]?.names?.keys.sorted() } ?? []
                }
            })
    }
}
