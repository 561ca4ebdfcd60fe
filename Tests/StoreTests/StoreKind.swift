// SPDX-License-Identifier: Apache-2.0

import CordonStore
import Foundation
import Testing

/// The stores that the contract suite runs over.
enum StoreKind: String, CaseIterable, Sendable, CustomTestStringConvertible {
    case memory, sqlite

    var testDescription: String { rawValue }

    /// A new, empty store.
    func make() throws(StoreError) -> StoreUnderTest {
        switch self {
        case .memory: StoreUnderTest(store: MemoryStore(), folder: nil)
        case .sqlite:
            try StoreUnderTest(folder: TestFolder())
        }
    }
}

/// A store of a test, and the folder it lives in, which goes when the test is over.
struct StoreUnderTest: Sendable {
    let store: any Store
    let folder: TestFolder?

    init(store: any Store, folder: TestFolder?) {
        self.store = store
        self.folder = folder
    }

    init(folder: TestFolder) throws(StoreError) {
        self.init(store: try SQLiteStore(.readWrite(folder.path)), folder: folder)
    }

    /// The same store after a restart; a store in memory has none, and stays as it is.
    func reopened() async throws(StoreError) -> StoreUnderTest {
        guard let folder else { return self }
        await store.close()
        return try StoreUnderTest(folder: folder)
    }
}

/// A folder of one test's own, removed with its last reference.
final class TestFolder: Sendable {
    let path: String

    init() { path = NSTemporaryDirectory() + "cordon-store-\(UUID().uuidString)" }

    deinit {
        do { try FileManager.default.removeItem(atPath: path) } catch CocoaError.fileNoSuchFile {
            // The test never opened a store in it.
        } catch { print("could not remove \(path): \(error)") }
    }

    var database: String { path + "/cordon.db" }
    var log: String { path + "/cordon.db-wal" }

    /// What a crash at this moment would leave: the files as they are, without the lock and the shared memory.
    func crashImage() throws -> TestFolder {
        let image = TestFolder()
        try FileManager.default.createDirectory(atPath: image.path, withIntermediateDirectories: false)
        try bytes(of: database).write(to: URL(fileURLWithPath: image.database))
        if FileManager.default.fileExists(atPath: log) {
            try bytes(of: log).write(to: URL(fileURLWithPath: image.log))
        }
        return image
    }

    func bytes(of file: String) throws -> Data { try Data(contentsOf: URL(fileURLWithPath: file)) }
}
