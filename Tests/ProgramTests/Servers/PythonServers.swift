// SPDX-License-Identifier: Apache-2.0

import Foundation
import TestKit

/// Identity servers that come as Python packages, from one virtual environment that is made once:
/// `python3 -m venv .build/servers && .build/servers/bin/pip install keystone waitress 'moto[server,iam,sts]' scim2-server pymerkle rfc8785 securesystemslib jwcrypto aiosmtpd`
enum PythonServers {
    static let make =
        "python3 -m venv .build/servers && .build/servers/bin/pip install keystone waitress 'moto[server,iam,sts]' scim2-server pymerkle rfc8785 securesystemslib jwcrypto aiosmtpd"

    static let root = URL(filePath: #filePath).appending(path: "../../../..").standardized.path

    /// `CORDON_SERVERS` names another place than the build's own folder.
    static let folder = ProcessInfo.processInfo.environment["CORDON_SERVERS"] ?? root + "/.build/servers"

    static func has(_ program: String) -> Bool {
        FileManager.default.isExecutableFile(atPath: folder + "/bin/" + program)
    }

    static func lacks(_ name: String) throws { try skip("\(name) is not installed (\(make))") }

    /// Starts a program of the environment and waits until `url` answers.
    static func start(
        _ program: String, _ arguments: [String], environment: [String: String] = [:], in scratch: ScratchFolder,
        as name: String, until url: String, web: Web
    ) async throws -> ProgramUnderTest {
        let process = try ProgramUnderTest(
            folder + "/bin/" + program, arguments, environment: environment.mapValues(Optional.some),
            folder: scratch.path, capturedIn: scratch, as: name)
        do {
            try await eventually("\(name) to listen", seconds: 60) {
                do { return try await web.ask("GET", url).status < 500 } catch is Web.NoAnswer { return false }
            }
        } catch {
            process.kill()
            throw Web.NoAnswer(reason: "\(error); \(name) said: \(process.error.suffix(2000))")
        }
        return process
    }

    /// A program of the environment that does something and ends.
    static func run(_ program: String, _ arguments: [String], in scratch: ScratchFolder) async throws {
        let process = try ProgramUnderTest(
            folder + "/bin/" + program, arguments, folder: scratch.path, capturedIn: scratch, as: program)
        let end = try await process.waitForExit(timeoutMilliseconds: 60_000)
        guard end == .exited(0) else {
            throw Web.NoAnswer(reason: "\(program) ended with \(end): \(process.error.suffix(2000))")
        }
    }
}
