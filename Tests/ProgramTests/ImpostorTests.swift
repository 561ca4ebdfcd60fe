// SPDX-License-Identifier: Apache-2.0

import CordonLanguage
import Crypto
import Foundation
import TestKit
import Testing

/// A server that was killed leaves its address behind; whoever listens there by now must learn nothing.
@Suite(.serialized)
struct ImpostorTests {
    /// What a stranger may answer to whoever asks for a proof.
    enum Claim: String, CaseIterable {
        case nothing, anotherProof, theNonceItself, theProofOfAnotherKey, anError

        func answer(to nonce: String) -> LoopbackServer.Answer {
            switch self {
            case .nothing: .json(#"{"status":"ok"}"#)
            case .anotherProof: .json(#"{"status":"ok","proof":"\#(String(repeating: "ab", count: 32))"}"#)
            case .theNonceItself: .json(#"{"status":"ok","proof":"\#(nonce)"}"#)
            case .theProofOfAnotherKey: .json(#"{"status":"ok","proof":"\#(proof(of: nonce, with: "guessed"))"}"#)
            case .anError: .respond(500)
            }
        }
    }

    @Test(arguments: Claim.allCases)
    func `a command shows its token to nobody who merely took the port of a server that died`(_ claim: Claim)
        async throws
    {
        let installation = try await abandoned()
        let stranger = try LoopbackServer { claim.answer(to: $0.headers["x-cordon-nonce"] ?? "") }
        defer { stranger.stop() }
        try move(installation, to: stranger)

        let listed = try await installation.finish("run", "list", "-o", "json")
        #expect(listed.end == .exited(0), "it reads the store instead")
        #expect(try listed.json == [])
        let resumed = try await installation.finish("run", "resume", "run_01KATB9Z2M8D4W6X1V3C5R7T9Y", "--reason", "x")
        #expect(resumed.end == .exited(75))
        #expect(resumed.error.contains("no server runs on state"))

        #expect(!stranger.requests.isEmpty, "it was asked for its proof")
        try expectNoToken(in: stranger.requests, of: installation)
    }

    /// Else the test above would pass for a command that never shows its token.
    @Test func `the server that knows the key is shown the token`() async throws {
        let installation = try await abandoned()
        let key = try #require(try address(installation)["proof_key"]?.stringValue)
        let server = try LoopbackServer { request in
            guard let nonce = request.headers["x-cordon-nonce"] else { return .json(#"{"runs":[]}"#) }
            return .json(#"{"status":"ok","proof":"\#(proof(of: nonce, with: key))"}"#)
        }
        defer { server.stop() }
        try move(installation, to: server)
        #expect(try await installation.finish("run", "list", "-o", "json").end == .exited(0))
        let token = try installation.firstToken
        #expect(server.requests.last?.headers["authorization"] == "Bearer \(token)")
    }

    /// An installation whose server was killed.
    private func abandoned() async throws -> Installation {
        let installation = try Installation.alone()
        let serving = try await installation.serve()
        serving.program.kill()
        #expect(try await serving.program.waitForExit() == .killed(bySignal: SIGKILL))
        return installation
    }

    private func address(_ installation: Installation) throws -> Value {
        try JSON.parse(installation.scratch.read("state/server.json"))
    }

    /// As if the stranger had got the very port: the file that the killed server left names the stranger's.
    private func move(_ installation: Installation, to server: LoopbackServer) throws {
        var members = try #require(try address(installation).objectValue)
        members["url"] = .string(server.url)
        try installation.scratch.write(Value.object(members).json, to: "state/server.json")
    }

    private func expectNoToken(in requests: [LoopbackServer.Request], of installation: Installation) throws {
        let token = try installation.firstToken
        let key = try #require(try address(installation)["proof_key"]?.stringValue)
        for request in requests {
            #expect(request.path == "/health")
            let words = [request.target, request.bodyText] + request.headers.flatMap { [$0.key, $0.value] }
            #expect(!words.contains { $0.contains(token) || $0.contains(key) })
        }
        let nonces = requests.map { $0.headers["x-cordon-nonce"] }
        #expect(Set(nonces).count == nonces.count, "an answer that was overheard is worth nothing")
    }
}

/// As the server of this key would answer.
private func proof(of nonce: String, with key: String) -> String {
    HMAC<SHA256>.authenticationCode(
        for: Array("cordon-server:\(nonce)".utf8), using: SymmetricKey(data: Array(key.utf8))
    ).map { String(format: "%02x", $0) }.joined()
}
