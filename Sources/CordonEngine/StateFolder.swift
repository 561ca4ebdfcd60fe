// SPDX-License-Identifier: Apache-2.0

package import CordonConnectors
package import CordonCore
import Glibc

/// Why the engine could not start or go on. Equal by code.
package struct EngineError: Error, Sendable, CustomStringConvertible {
    package enum Code: String, Sendable, CaseIterable {
        case stateFolder
        case keyFile
        /// Live runs need a definition or a provider that this configuration lacks.
        case runsStranded
        case store
    }

    package var code: Code
    package var reason: String

    package init(_ code: Code, _ reason: String) {
        self.code = code
        self.reason = reason
    }

    package var description: String { reason }
}

extension EngineError: Equatable {
    package static func == (left: EngineError, right: EngineError) -> Bool { left.code == right.code }
}

/// The folder that holds everything of one installation that changes: database, evidence, keys.
package struct StateFolder: Sendable, Hashable {
    package let path: String

    package init(_ path: String) { self.path = path }

    package var evidencePath: String { path + "/evidence" }
    package var keysPath: String { path + "/keys" }
    /// The signed log: hashes of the history's entries, checkpoints, public keys.
    package var logPath: String { path + "/log" }
    package var tokenPath: String { path + "/token" }
    /// Where a running server says how to reach it.
    package var addressPath: String { path + "/server.json" }

    /// Makes the folder and its parts, for their owner alone.
    package func make() throws(EngineError) {
        for folder in [path, evidencePath, keysPath] {
            if mkdir(folder, 0o700) != 0, errno != EEXIST {
                throw EngineError(
                    .stateFolder,
                    "could not make the state folder \(folder): \(String(cString: strerror(errno))); choose another with --state"
                )
            }
        }
        guard access(path, W_OK | X_OK) == 0 else {
            throw EngineError(
                .stateFolder,
                "the state folder \(path) can't be written; change its owner or choose another with --state")
        }
    }

    /// The 32-byte key of that name; made on first use and never changed.
    package func key(_ name: String) throws(EngineError) -> Secret {
        let file = keysPath + "/" + name
        if access(file, F_OK) != 0 { try makeKey(file) }
        do {
            let key = try SecretReader(folder: keysPath).read(.file(file))
            guard key.reveal().count == 64 else {
                throw EngineError(
                    .keyFile, "the key file \(file) is damaged: it must hold 64 hex digits; restore it from a backup")
            }
            return key
        } catch let error as EngineError {
            throw error
        } catch {
            throw EngineError(.keyFile, "\(error)")
        }
    }

    /// The keys of fingerprints: `fingerprint` marks, and whatever else is called `fingerprint.NAME` did so before, so
    /// that what is known under it stays known. To change the key, rename the file and start again.
    package func fingerprints() throws(EngineError) -> Fingerprints {
        var former: [Secret] = []
        for name in try keyNames() where name.hasPrefix("fingerprint.") && !name.hasSuffix(".new") {
            former.append(try key(name))
        }
        return Fingerprints(try key("fingerprint"), former: former)
    }

    /// The keys that sign security events: the files `events-1`, `events-2` and so on, of which the last signs. The first
    /// is made when it is needed; for another, write its PEM beside it and start again.
    package func eventKeys(_ algorithm: ProviderShape.WebToken.Algorithm) throws(EngineError) -> EventKeys {
        let numbers = try keyNames().compactMap { $0.hasPrefix("events-") ? Int($0.dropFirst(7)) : nil }.sorted()
        if numbers.isEmpty {
            do { try writePrivate(try EventKeys.make(algorithm).reveal(), to: keysPath + "/events-1") } catch {
                throw EngineError(.keyFile, "could not make the key that signs security events: \(error)")
            }
        }
        var files: [Secret] = []
        for number in numbers.isEmpty ? [1] : numbers {
            do throws(ConnectorError) {
                files.append(try SecretReader(folder: keysPath).read(.file("events-\(number)")))
            } catch {
                throw EngineError(.keyFile, error.reason)
            }
        }
        guard let keys = EventKeys(files) else {
            throw EngineError(
                .keyFile,
                "a file \(keysPath)/events-… holds no private key: PEM of RSA with 2048 bits or more, or of P-256")
        }
        return keys
    }

    /// What the history tells of the keys here, by their digests: all but those that sign the log or seal evidence, of
    /// which other lines tell.
    package func keyFiles() throws(EngineError) -> [ConfigurationFile] {
        var files: [ConfigurationFile] = []
        for name in try keyNames() where Self.isTold(name) {
            guard let digest = keyDigest(name) else { throw failure("read", keysPath + "/" + name) }
            files.append(
                ConfigurationFile(what: ConfigurationFile.keyPrefix + name, name: name, digest: digest, bytes: nil))
        }
        return files
    }

    private static func isTold(_ name: String) -> Bool {
        let prefixes = ["seal", "fingerprint", "links", "events-"]
        return prefixes.contains { name.hasPrefix($0) } && !name.hasSuffix(".new")
    }

    /// Of a file that holds as many random bits as the digest: it tells nobody the key.
    package func keyDigest(_ name: String) -> String? {
        let file = open(keysPath + "/" + name, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return nil }
        defer { close(file) }
        var bytes = [UInt8](repeating: 0, count: 1 << 16)
        let count = read(file, &bytes, bytes.count)
        guard count >= 0 else { return nil }
        return digestText(Array("cordon key file\n".utf8) + bytes[..<count])
    }

    private func keyNames() throws(EngineError) -> [String] {
        guard let folder = opendir(keysPath) else { throw failure("read", keysPath) }
        defer { closedir(folder) }
        var names: [String] = []
        while let entry = readdir(folder) {
            let size = MemoryLayout.size(ofValue: entry.pointee.d_name)
            names.append(
                withUnsafePointer(to: &entry.pointee.d_name) { name in
                    name.withMemoryRebound(to: CChar.self, capacity: size) { String(cString: $0) }
                })
        }
        return names.sorted()
    }

    private func makeKey(_ file: String) throws(EngineError) {
        var random = SystemRandomNumberGenerator()
        var bytes: [UInt8] = []
        for _ in 0..<4 {
            let word = random.next()
            for shift in stride(from: 0, to: 64, by: 8) {
                bytes.append(UInt8(truncatingIfNeeded: word >> UInt64(shift)))
            }
        }
        try writePrivate(Array(hexText(bytes).utf8), to: file)
    }

    /// Writes a file that only its owner may read: whole, synced and under its name, or not at all.
    package func writePrivate(_ bytes: [UInt8], to file: String) throws(EngineError) {
        let scratch = file + ".new"
        let descriptor = open(scratch, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw failure("make", scratch) }
        let written = bytes.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
        let isSynced = fsync(descriptor) == 0
        close(descriptor)
        guard written == bytes.count, isSynced, rename(scratch, file) == 0 else {
            throw failure("write", file)
        }
        let slash = file.lastIndex(of: "/")
        let folder = open(slash.map { String(file[..<$0]) } ?? ".", O_RDONLY | O_CLOEXEC)
        guard folder >= 0 else { throw failure("sync the folder of", file) }
        defer { close(folder) }
        guard fsync(folder) == 0 else { throw failure("sync the folder of", file) }
    }

    private func failure(_ verb: String, _ file: String) -> EngineError {
        EngineError(.stateFolder, "could not \(verb) \(file): \(String(cString: strerror(errno)))")
    }
}
