// SPDX-License-Identifier: Apache-2.0

import CordonEngine
import CordonServer
import CordonStore
import Foundation
import Logging
import ServiceLifecycle
import UnixSignals

/// Notices that the library's files changed, and has them read anew: once they have been left alone for a while, so that
/// a file that is still being written is not taken for a whole one; at once on SIGHUP.
struct LibraryWatch: Service {
    let settings: Settings
    let engine: Engine
    let tls: TLSDesk?
    let logger: Logger
    /// The files as they were when the definitions in force were read.
    let loaded: Set<Mark>

    private static let lookMilliseconds = 1000
    /// Looks in a row at which nothing may have changed.
    private static let quietLooks = 2

    func run() async throws {
        await cancelWhenGracefulShutdown {
            await withTaskGroup(of: Void.self) { group in
                group.addTask { await watch() }
                group.addTask {
                    for await _ in await UnixSignalsSequence(trapping: .sighup) {
                        reloadCertificates()
                        await reload(by: "SIGHUP")
                    }
                }
            }
        }
    }

    private func watch() async {
        var known = loaded
        var seen = known
        var quiet = 0
        while !Task.isCancelled {
            do { try await Task.sleep(for: .milliseconds(Self.lookMilliseconds)) } catch { return }
            let now = Self.marks(settings)
            quiet = now == seen ? quiet + 1 : 0
            seen = now
            guard now != known, quiet >= Self.quietLooks else { continue }
            if certificates(now) != certificates(known) { reloadCertificates() }
            guard now.subtracting(certificates(now)) != known.subtracting(certificates(known)) else {
                known = now
                continue
            }
            // What can't be stored now is tried again at the next look.
            if await reload(by: "folder") { known = now }
        }
    }

    /// Connections that stand keep what they were opened with.
    private func reloadCertificates() {
        guard let tls else { return }
        do throws(ServerError) {
            try tls.reload()
            logger.notice("the certificates were read anew")
        } catch {
            logger.error("certificates could not be read anew; the former ones stay", metadata: ["error": "\(error)"])
        }
    }

    private func certificates(_ marks: Set<Mark>) -> Set<Mark> {
        let paths = Self.certificatePaths(settings)
        return marks.filter { paths.contains($0.path) }
    }

    private static func certificatePaths(_ settings: Settings) -> [String] {
        settings.tlsFiles.map { [$0.certificate, $0.key] + [$0.clientAuthorities].compactMap { $0 } } ?? []
    }

    @discardableResult
    private func reload(by: String) async -> Bool {
        do throws(StoreError) {
            _ = try await engine.reload(by: by)
            return true
        } catch {
            logger.error("definitions could not be read anew", metadata: ["error": "\(error.reason)"])
            return false
        }
    }

    /// What tells a file from its changed self.
    struct Mark: Hashable, Sendable {
        var path: String
        var number: Int?
        var size: Int?
        var changed: Date?
        var rights: Int?
    }

    static func marks(_ settings: Settings) -> Set<Mark> {
        var marks: Set<Mark> = []
        for folder in ["playbooks", "workflows", "workflows/connectors"] {
            let path = absolute(folder, in: settings.libraryPath)
            // A folder that can't be listed has no marks: the reload tells why.
            for name in (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []
            where name.hasSuffix(".yaml") && !name.hasSuffix(".test.yaml") {
                // Gone since the folder was listed: the next look has no mark of it either.
                let file = (try? FileManager.default.attributesOfItem(atPath: path + "/" + name)) ?? [:]
                marks.insert(
                    Mark(
                        path: folder + "/" + name, number: file[.systemFileNumber] as? Int, size: file[.size] as? Int,
                        changed: file[.modificationDate] as? Date, rights: file[.posixPermissions] as? Int))
            }
        }
        for path in [settings.guardsPath] + certificatePaths(settings) {
            // A file that is linked is told by what it leads to: so tools that renew certificates change them.
            let real = URL(filePath: path).resolvingSymlinksInPath().path
            guard let file = try? FileManager.default.attributesOfItem(atPath: real) else { continue }
            marks.insert(
                Mark(
                    path: path, number: file[.systemFileNumber] as? Int, size: file[.size] as? Int,
                    changed: file[.modificationDate] as? Date, rights: file[.posixPermissions] as? Int))
        }
        return marks
    }
}
