// SPDX-License-Identifier: Apache-2.0

import Foundation
import TestKit

/// A real nginx before a real provider, that spoils one change when it is told to: by then the provider has done it, or
/// has never heard of it.
final class FaultFront: Sendable {
    enum Fault: String, Sendable, CaseIterable {
        /// The change is made, and its answer is lost.
        case lost
        /// The line breaks before the provider hears of it.
        case never
        /// The change is made, and its answer doesn't come.
        case held
        /// The provider never hears of it, and the answer is 200.
        case ignored
        /// The provider never hears of it, and the answer asks for five seconds of patience.
        case limited

        /// Those after which nobody knows what became of the change.
        static let allCases = [lost, never, held]
    }

    static let program = "/usr/sbin/nginx"
    private static let module = "/usr/lib/nginx/modules/ngx_http_js_module.so"
    static var isInstalled: Bool { [program, module].allSatisfy { FileManager.default.fileExists(atPath: $0) } }

    let url: String
    private let folder: String
    private let process: ProgramUnderTest
    private let start: @Sendable () async throws -> FaultFront

    /// - Parameters:
    ///   - page: one that the provider shows to anybody.
    ///   - change: which requests count as changes: a pattern of `METHOD URI X-AMZ-TARGET`, and what `If-Match` says behind
    ///     it: of the script's answers nginx would itself say that they don't match.
    ///   - mark: what the bodies of changes hold where reads look the same otherwise.
    init(
        before upstream: String, in scratch: ScratchFolder, port: Int, page: String = "/config",
        change: String = "^PUT ", mark: String = ""
    ) async throws {
        url = "http://127.0.0.1:\(port)"
        start = {
            try await FaultFront(
                before: upstream, in: scratch, port: port, page: page, change: change, mark: mark)
        }
        folder = scratch.path("front")
        try FileManager.default.createDirectory(atPath: folder + "/tmp", withIntermediateDirectories: true)
        try FaultFront.script(folder, mark).write(toFile: folder + "/fault.js", atomically: true, encoding: .utf8)
        let settings = FaultFront.settings(folder, upstream, port, change)
        try settings.write(toFile: folder + "/nginx.conf", atomically: true, encoding: .utf8)
        process = try ProgramUnderTest(
            FaultFront.program, ["-c", folder + "/nginx.conf", "-e", folder + "/error.log"], folder: folder,
            capturedIn: scratch, as: "nginx")
        let web = try Web()
        let url = self.url
        try await eventually("nginx to listen") {
            // Behind it may be nobody yet.
            do { return try await web.ask("GET", url + page).status > 0 } catch is Web.NoAnswer {
                return false
            }
        }
    }

    func stop() { process.kill() }

    /// Another in its place, once it was stopped.
    func again() async throws -> FaultFront { try await start() }

    /// The next change is spoiled, and only that.
    func spoil(_ fault: Fault) throws {
        try "".write(toFile: folder + "/" + fault.rawValue, atomically: true, encoding: .utf8)
    }

    /// Whether a fault waits for its change.
    func isWaiting(_ fault: Fault) -> Bool { FileManager.default.fileExists(atPath: folder + "/" + fault.rawValue) }

    private static func script(_ folder: String, _ mark: String) -> String {
        """
        import fs from 'fs';
        function takes(name) { try { fs.unlinkSync('\(folder)/' + name); return true; } catch (e) { return false; } }
        async function change(r) {
            const isChange = (r.requestText || '').includes('\(mark)');
            if (isChange && takes('never')) { r.return(444); return; }
            if (isChange && takes('ignored')) { r.return(200, ''); return; }
            if (isChange && takes('limited')) { r.headersOut['Retry-After'] = '5'; r.return(429, ''); return; }
            const lost = isChange && takes('lost'), held = isChange && takes('held');
            const x = await r.subrequest('/_up' + r.uri, 
                { method: r.method, args: r.variables.args || '', body: r.requestText || '' });
            if (lost) { r.return(444); return; }
            if (held) { setTimeout(() => r.return(x.status, x.responseText), 60000); return; }
            r.return(x.status, x.responseText);
        }
        export default { change };

        """
    }

    private static func settings(_ folder: String, _ upstream: String, _ port: Int, _ change: String) -> String {
        """
        load_module \(module);
        daemon off; master_process off;
        pid \(folder)/nginx.pid; error_log \(folder)/error.log warn; events { worker_connections 64; }
        http {
            access_log off; proxy_set_header Host $http_host; client_body_buffer_size 1m;
            client_body_temp_path \(folder)/tmp; proxy_temp_path \(folder)/tmp; fastcgi_temp_path \(folder)/tmp;
            uwsgi_temp_path \(folder)/tmp; scgi_temp_path \(folder)/tmp;
            js_import f from \(folder)/fault.js;
            server {
                listen 127.0.0.1:\(port); subrequest_output_buffer_size 1m; error_page 418 = @change;
                set $what "$request_method $request_uri $http_x_amz_target$http_if_match";
                location / { if ($what ~ "\(change)") { return 418; } proxy_pass \(upstream); }
                location @change { js_content f.change; }
                location /_up/ { internal; rewrite ^/_up(/.*)$ $1 break; proxy_pass \(upstream); }
            }
        }

        """
    }
}
