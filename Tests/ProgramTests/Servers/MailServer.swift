// SPDX-License-Identifier: Apache-2.0

import Foundation
import TestKit

/// A real SMTP server (aiosmtpd) that keeps what it is given: over STARTTLS, for one user with a password.
final class MailServer: Sendable {
    static let user = "cordon"
    static let password = "a mail password for tests"

    let port: Int
    let authorityPath: String
    private let folder: String
    private let process: ProgramUnderTest

    static var isInstalled: Bool { PythonServers.has("aiosmtpd") }

    init(in scratch: ScratchFolder, port: Int) async throws {
        self.port = port
        folder = scratch.path("mails")
        authorityPath = folder + "/cert.pem"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        let made = try ProgramUnderTest(
            "/usr/bin/openssl",
            [
                "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout",
                folder + "/key.pem", "-out", authorityPath,
            ], folder: folder, capturedIn: scratch, as: "openssl")
        guard try await made.waitForExit() == .exited(0) else { throw Web.NoAnswer(reason: made.error) }
        try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: authorityPath)
        try MailServer.script.write(toFile: folder + "/server.py", atomically: true, encoding: .utf8)
        process = try ProgramUnderTest(
            PythonServers.folder + "/bin/python", [folder + "/server.py", folder, String(port)], folder: folder,
            capturedIn: scratch, as: "smtp")
        let folder = self.folder
        try await eventually("the mail server to listen", seconds: 30) {
            FileManager.default.fileExists(atPath: folder + "/ready")
        }
    }

    func stop() { process.kill() }

    /// Whole messages in the order in which they came, each after a line with its envelope.
    var mails: [String] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        return names.filter { $0.hasSuffix(".eml") }.sorted().compactMap {
            try? String(contentsOfFile: folder + "/" + $0, encoding: .utf8)
        }
    }

    /// The next so many messages are answered with a fault that may pass.
    func refuse(_ count: Int) throws {
        try String(count).write(toFile: folder + "/refuse", atomically: true, encoding: .utf8)
    }

    /// The next message is kept, and its sender told nothing of it.
    func drop() throws { try "".write(toFile: folder + "/drop", atomically: true, encoding: .utf8) }

    private static let script = """
        import asyncio, os, ssl, sys
        from aiosmtpd.controller import Controller
        from aiosmtpd.smtp import AuthResult, SMTP
        folder, port = sys.argv[1], int(sys.argv[2])
        class Box:
            n = 0
            async def handle_DATA(self, server, session, envelope):
                refuse = folder + '/refuse'
                if os.path.exists(refuse):
                    left = int(open(refuse).read())
                    if left > 0:
                        open(refuse, 'w').write(str(left - 1))
                        return '451 try again'
                Box.n += 1
                head = 'ENVELOPE from=%s to=%s tls=%s user=%s\\n' % (
                    envelope.mail_from, ','.join(envelope.rcpt_tos), session.ssl is not None,
                    session.auth_data.login.decode() if session.auth_data else '-')
                path = '%s/%04d' % (folder, Box.n)
                open(path + '.part', 'wb').write(head.encode() + envelope.content)
                os.rename(path + '.part', path + '.eml')
                if os.path.exists(folder + '/drop'):
                    os.remove(folder + '/drop')
                    server.transport.abort()
                return '250 OK'
        def check(server, session, envelope, mechanism, data):
            good = data.login == b'\(user)' and data.password == b'\(password)'
            return AuthResult(success=good, handled=False, auth_data=data)
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(folder + '/cert.pem', folder + '/key.pem')
        class Server(Controller):
            def factory(self):
                return SMTP(self.handler, authenticator=check, auth_required=True, require_starttls=True,
                    tls_context=context, auth_require_tls=True)
        server = Server(Box(), hostname='127.0.0.1', port=port)
        server.start()
        open(folder + '/ready', 'w').close()
        asyncio.new_event_loop().run_forever()
        """
}
