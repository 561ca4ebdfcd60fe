// SPDX-License-Identifier: Apache-2.0

import CordonEvidence
import Synchronization

/// Evidence of a rehearsal: kept as any other, and gone with it.
final class MemoryDisk: Sendable {
    private struct State {
        var folders: Set<String> = []
        var files: [String: [UInt8]] = [:]
        var open: [Int32: String] = [:]
        var lastDescriptor: Int32 = 2
    }

    private let state = Mutex(State())

    var disk: Disk {
        // Every call of it is replaced: nothing of a rehearsal reaches the real one.
        var disk = Disk.real
        disk.makeFolder = { path throws(EvidenceError) in self.state.withLock { $0.folders.insert(path).inserted } }
        disk.create = { path throws(EvidenceError) in self.open(path) }
        disk.write = { descriptor, bytes throws(EvidenceError) in self.write(descriptor, bytes) }
        disk.sync = { _, _ throws(EvidenceError) in }
        disk.openFolder = { path throws(EvidenceError) in self.open(path) }
        disk.close = { descriptor in self.state.withLock { $0.open[descriptor] = nil } }
        disk.rename = { path, newPath throws(EvidenceError) in
            self.state.withLock { $0.files[newPath] = $0.files.removeValue(forKey: path) }
        }
        disk.remove = { path throws(EvidenceError) in
            self.state.withLock { $0.files.removeValue(forKey: path) != nil }
        }
        disk.read = { path, bytesMax throws(EvidenceError) in
            self.state.withLock { $0.files[path] }.map { StoredFile(bytes: Array($0.prefix(bytesMax)), mode: 0o600) }
        }
        disk.exists = { path throws(EvidenceError) in
            self.state.withLock { $0.files[path] != nil || $0.folders.contains(path) }
        }
        disk.names = { path throws(EvidenceError) in self.names(path) }
        return disk
    }

    private func open(_ path: String) -> Int32 {
        state.withLock { state in
            state.lastDescriptor += 1
            state.open[state.lastDescriptor] = path
            return state.lastDescriptor
        }
    }

    private func write(_ descriptor: Int32, _ bytes: [UInt8]) {
        state.withLock { state in
            if let path = state.open[descriptor] { state.files[path, default: []] += bytes }
        }
    }

    private func names(_ path: String) -> [String] {
        let prefix = path + "/"
        return state.withLock {
            $0.files.keys.filter { $0.hasPrefix(prefix) }.map { String($0.dropFirst(prefix.count)) }
        }
        .filter { !$0.contains("/") }.sorted()
    }
}
