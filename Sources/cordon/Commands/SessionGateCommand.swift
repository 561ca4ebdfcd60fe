// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Foundation

struct SessionGateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "gate", abstract: "Print the settings of an nginx that enforces verdicts before an upstream.",
        discussion: """
            Two routes show the two ways. /closed/ asks for each request, and refuses when Cordon can't be asked. /open/ \
            asks for each request too, and goes by the last verdict when Cordon can't be asked, but only until that \
            verdict's own expiry (5 s); then it refuses as well. A session that is isolated, unknown or closed is refused on \
            both: 403, or 401 with the challenge of RFC 9470 where a step-up is wanted. The verdict stands in the variable \
            $cordon_verdict, for limit_rate where it is slow.

            Who the session is must be told by what nginx itself has verified (a client certificate, a checked token), \
            never by an agent's word alone: name the variable that holds it with --session-variable. With a header alone \
            the client names its session itself, and nobody but a proxy that sets the header may reach the port. The output belongs into the http block; it holds the token, \
            so only nginx's own user may read the file.

            The token is one of 'cordon token create --role enforcement_point'.

            EXAMPLES
              cordon session gate --listen 127.0.0.1:8098 --upstream http://127.0.0.1:8099 \\
                --token-file gate-token --cache /var/cache/nginx/cordon > cordon.conf
            """)

    @OptionGroup var common: CommonOptions
    @Option(name: .long, help: "Where nginx listens, as 127.0.0.1:8098.") var listen: String
    @Option(name: .long, help: "What it stands before, as http://127.0.0.1:8099.") var upstream: String
    @Option(name: .long, help: "A file with a token of the role enforcement_point.") var tokenFile: String
    @Option(name: .long, help: "A folder of nginx's own for the last verdicts.") var cache: String
    @Option(name: .long, help: "The header that names the session.") var sessionHeader = "x-agent-session"
    @Option(
        name: .long,
        help: "The variable of nginx that names it instead, made of what nginx itself verified, as agent_session.")
    var sessionVariable: String?

    func run() async throws {
        let settings = try await common.settings()
        let header = sessionHeader.lowercased()
        guard !header.isEmpty, header.utf8.allSatisfy(isWord) else {
            throw CommandFailure(.usage, "--session-header is '\(sessionHeader)'; it takes letters, digits and '-'")
        }
        if let name = sessionVariable,
            name.isEmpty
                || !name.utf8.allSatisfy({ $0 == UInt8(ascii: "_") || ($0 != UInt8(ascii: "-") && isWord($0)) })
        {
            throw CommandFailure(.usage, "--session-variable is '\(name)'; it takes letters, digits and '_'")
        }
        for (name, text) in [("--listen", listen), ("--upstream", upstream), ("--cache", cache)]
        where text.isEmpty || text.contains(where: { " \t\n;{}\"'$\\".contains($0) }) {
            throw CommandFailure(.usage, "\(name) is '\(text)', which nginx would read as more than one word")
        }
        guard settings.port > 0 else {
            throw CommandFailure(.usage, "listen.port is 0, so nginx could not know it; set one in the settings")
        }
        let path = absolute(tokenFile, in: FileManager.default.currentDirectoryPath)
        let token = String(decoding: FileManager.default.contents(atPath: path) ?? Data(), as: UTF8.self)
            .filter { !$0.isWhitespace }
        guard token.hasPrefix("cordon_"), token.utf8.allSatisfy({ $0 == UInt8(ascii: "_") || isWord($0) }) else {
            throw CommandFailure(
                .usage, "\(tokenFile) holds no token; make one with 'cordon token create --role enforcement_point'")
        }
        let host = settings.commandAddress.contains(":") ? "[\(settings.commandAddress)]" : settings.commandAddress
        let gate = NginxGate(
            cordon: "\(host):\(settings.port)", listen: listen, upstream: upstream, token: token, cache: cache,
            session: "$" + (sessionVariable ?? "http_" + header.map { $0 == "-" ? "_" : String($0) }.joined()),
            header: header, isVerified: sessionVariable != nil)
        Output.line(gate.text)
    }

    private func isWord(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "-"):
            true
        default: false
        }
    }
}

/// nginx as an enforcement point (https://nginx.org/en/docs/http/ngx_http_auth_request_module.html).
struct NginxGate {
    var cordon: String
    var listen: String
    var upstream: String
    var token: String
    var cache: String
    /// The variable that names the session.
    var session: String
    /// Under which the upstream is told the session that was judged, and no other.
    var header: String
    var isVerified: Bool

    private var warning: String {
        isVerified
            ? ""
            : "\n# The client names its session itself: let nobody reach this port but a proxy that sets \(header)."
    }

    private var ask: String {
        """
        proxy_pass_request_body off; proxy_set_header Content-Length "";
                proxy_set_header Authorization "Bearer \(token)";
                proxy_set_header X-Cordon-Session \(session); proxy_set_header X-Original-Method $request_method;
                proxy_http_version 1.1; proxy_set_header Connection "";
                proxy_connect_timeout 500ms; proxy_read_timeout 1s;
        """
    }

    /// The last verdict is kept for as long as it says itself, for each session and method.
    private var keep: String { "proxy_cache cordon_verdicts; proxy_cache_key \"\(session) $request_method\";" }

    var text: String {
        """
        # Made by 'cordon session gate'. Holds a token: for nginx's own user alone.\(warning)
        proxy_cache_path \(cache) keys_zone=cordon_verdicts:4m inactive=1m;
        upstream cordon_verdicts { server \(cordon); keepalive 16; }
        server {
            listen \(listen);
            location / { return 404; }
            # Fails closed: without an answer of Cordon nothing passes.
            location /closed/ {
                auth_request /_cordon_verdict; auth_request_set $cordon_verdict $upstream_http_x_cordon_verdict;
                proxy_set_header \(header) \(session);
                proxy_pass \(upstream)/;
            }
            # Fails open, until the last verdict expires.
            location /open/ {
                auth_request /_cordon_verdict_or_last;
                auth_request_set $cordon_verdict $upstream_http_x_cordon_verdict;
                proxy_set_header \(header) \(session);
                proxy_pass \(upstream)/;
            }
            location = /_cordon_verdict {
                internal; proxy_pass http://cordon_verdicts/enforce/nginx;
                \(ask)
            }
            # Asks each time, and keeps the answer beside it.
            location = /_cordon_verdict_or_last {
                internal; proxy_pass http://cordon_verdicts/enforce/nginx;
                \(ask)
                \(keep) proxy_cache_bypass 1;
                error_page 502 504 = @cordon_last;
            }
            # What was kept, while it is fresh; beyond that it asks, gets no answer, and nothing passes.
            location @cordon_last {
                internal; rewrite ^ /enforce/nginx break; proxy_pass http://cordon_verdicts;
                \(ask)
                \(keep)
            }
        }
        """
    }
}
