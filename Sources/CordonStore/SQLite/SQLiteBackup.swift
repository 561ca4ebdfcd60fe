// SPDX-License-Identifier: Apache-2.0

import CSQLite
import Glibc

extension SQLiteStore {
    /// Copies the store of a folder, as it stands at one moment, into a file that must not exist; a server may go on
    /// writing meanwhile. The copy is whole and durable when this returns.
    package static func backUp(_ path: String, to file: String) throws(StoreError) {
        let folder = StateFolder(path: path)
        guard folder.exists else {
            throw StoreError(.readOnly, "there is no store in \(path): name the state folder with --state")
        }
        do throws(SQLiteFailure) {
            let connection = try SQLiteConnection(path: folder.database, flags: SQLITE_OPEN_READONLY)
            defer { connection.close() }
            let copy = try connection.statement("VACUUM INTO ?")
            defer { copy.reset() }
            copy.bind(file)
            _ = try copy.step()
        } catch { throw StoreError(error, in: path) }
        try StateFolder.sync(file: file)
    }
}

extension StateFolder {
    static func sync(file: String) throws(StoreError) {
        let handle = open(file, O_RDONLY | O_CLOEXEC)
        guard handle >= 0 else {
            throw StoreError(.unavailable, "could not open \(file): \(String(cString: strerror(errno)))")
        }
        defer { close(handle) }
        guard fchmod(handle, 0o600) == 0, fsync(handle) == 0 else {
            throw StoreError(.unavailable, "could not sync \(file): \(String(cString: strerror(errno)))")
        }
    }
}
