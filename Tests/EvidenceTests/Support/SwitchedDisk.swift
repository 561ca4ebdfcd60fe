// SPDX-License-Identifier: Apache-2.0
import Synchronization

@testable import CordonEvidence

/// A disk that can start to fail after something was opened on it.
final class SwitchedDisk: Sendable {
    let underneath: Disk
    private let current: Mutex<Disk>

    init(_ disk: Disk) {
        underneath = disk
        current = Mutex(disk)
    }

    func use(_ disk: Disk) { current.withLock { $0 = disk } }

    private var now: Disk { current.withLock { $0 } }

    var disk: Disk {
        Disk(
            makeFolder: { path throws(EvidenceError) in try self.now.makeFolder(path) },
            create: { path throws(EvidenceError) in try self.now.create(path) },
            write: { descriptor, bytes throws(EvidenceError) in try self.now.write(descriptor, bytes) },
            sync: { descriptor, path throws(EvidenceError) in try self.now.sync(descriptor, path) },
            openFolder: { path throws(EvidenceError) in try self.now.openFolder(path) },
            close: { descriptor in self.now.close(descriptor) },
            rename: { path, newPath throws(EvidenceError) in try self.now.rename(path, newPath) },
            remove: { path throws(EvidenceError) in try self.now.remove(path) },
            read: { path, bytesMax throws(EvidenceError) in try self.now.read(path, bytesMax) },
            exists: { path throws(EvidenceError) in try self.now.exists(path) },
            names: { path throws(EvidenceError) in try self.now.names(path) })
    }
}
