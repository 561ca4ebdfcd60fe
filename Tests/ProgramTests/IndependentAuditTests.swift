// SPDX-License-Identifier: Apache-2.0

import CordonLanguage
import Foundation
import TestKit
import Testing

/// Exports as other people's code reads them: securesystemslib (DSSE), rfc8785, pymerkle, jwcrypto
/// (keys), and the path of RFC 9162 in
/// plain Python.
@Suite(.serialized)
struct IndependentAuditTests {
    @Test func `independent checkers agree on what a run's and a period's bundle say`() async throws {
        guard PythonServers.has("python") else { return try PythonServers.lacks("Python for the independent checkers") }
        let installation = try PracticeAuthority().installation()
        let serving = try await installation.serve()
        #expect(try await serving.post(Installation.alert(), delivery: "d-1").status == 202)
        try await eventually("the run to end") { try await installation.runs().first?["phase"] == "ended" }
        #expect(try await serving.stop() == .exited(0))
        let run = try #require(try await installation.runs().first?["id"]?.stringValue)
        #expect(try await installation.finish("run", "export", run, "--out", "run.tar").end == .exited(0))
        #expect(
            try await installation.finish(
                "audit", "export", "--from", "2020-01-01", "--to", "2100-01-01", "--out", "period.tar"
            ).end == .exited(0))
        let script = try installation.scratch.write(Self.script, to: "check.py")
        let probe = try await python(["-c", "import jwcrypto, pymerkle, rfc8785, securesystemslib"], installation)
        guard probe.end == .exited(0) else {
            return try skip(
                "the checkers are not installed (\(PythonServers.make))")
        }
        for (bundle, word) in [("run.tar", "paths"), ("period.tar", "root")] {
            let checked = try await python([script, bundle], installation)
            #expect(checked.end == .exited(0), "\(bundle): \(checked.error)")
            #expect(checked.output.contains("keys dsse digests jcs \(word)"), "\(checked.output)")
        }
    }

    private func python(
        _ arguments: [String], _ installation: Installation
    ) async throws -> (end: ProgramUnderTest.End, output: String, error: String) {
        let process = try ProgramUnderTest(
            PythonServers.folder + "/bin/python", ["-W", "ignore"] + arguments, folder: installation.scratch.path,
            capturedIn: installation.scratch, as: "python")
        let end = try await process.waitForExit()
        return (end, process.output, process.error)
    }

    private static let script = """
        import base64, hashlib, json, sys, tarfile
        import rfc8785
        from jwcrypto import jwk
        from pymerkle import InmemoryTree
        from securesystemslib.dsse import Envelope
        from securesystemslib.signer import SSlibKey

        archive = tarfile.open(sys.argv[1])
        files = {m.name: archive.extractfile(m).read() for m in archive.getmembers()}
        envelope = Envelope.from_dict(json.loads(files["manifest.dsse.json"]))
        keys = []
        for line in files["keys/log.vkeys"].decode().split():
            name, short, key = line.split("+", 2)
            raw = base64.b64decode(key)
            pem = jwk.JWK.from_pem(files["keys/" + short + ".pem"]).export(as_dict=True)
            assert pem["kty"] == "OKP" and pem["crv"] == "Ed25519"
            assert base64.urlsafe_b64decode(pem["x"] + "=") == raw[1:], short
            keys.append(SSlibKey(name + "+" + short, "ed25519", "ed25519", {"public": raw[1:].hex()}))
        done = ["keys"]
        envelope.verify(keys, 1)
        done.append("dsse")

        statement = json.loads(envelope.payload)
        assert rfc8785.dumps(statement) == envelope.payload
        for subject in statement["subject"]:
            assert hashlib.sha256(files[subject["name"]]).hexdigest() == subject["digest"]["sha256"], subject
        assert {s["name"] for s in statement["subject"]} | {"manifest.dsse.json"} == set(files)
        done.append("digests")

        lines = files["entries.jsonl"].split(b"\\n")[:-1]
        for line in lines:
            assert rfc8785.dumps(json.loads(line)) == line, line
        done.append("jcs")

        origin, size, root = files["checkpoint"].decode().split("\\n")[:3]
        root = base64.b64decode(root)

        def path(leaf, index, size, hashes):
            # RFC 9162, section 2.1.3.2
            fn, sn, r = index, size - 1, leaf
            for h in hashes:
                assert sn > 0
                if fn & 1 or fn == sn:
                    r = hashlib.sha256(b"\\x01" + h + r).digest()
                    while not fn & 1 and fn:
                        fn >>= 1
                        sn >>= 1
                else:
                    r = hashlib.sha256(b"\\x01" + r + h).digest()
                fn >>= 1
                sn >>= 1
            assert sn == 0
            return r

        proofs = sorted(name for name in files if name.startswith("proofs/"))
        if proofs:
            assert len(proofs) == len(lines)
            for name, line in zip(proofs, lines):
                head = files[name].decode().split("\\n\\n", 1)[0].split("\\n")
                assert head[0] == "c2sp.org/tlog-proof@v1"
                index = int(head[1].split(" ")[1])
                leaf = hashlib.sha256(b"\\x00" + line).digest()
                assert path(leaf, index, int(size), [base64.b64decode(h) for h in head[2:]]) == root, name
            done.append("paths")
        else:
            span = json.loads(files["range.json"])
            assert span["first"] == 0 and span["end"] == int(size)
            tree = InmemoryTree(algorithm="sha256")
            for line in lines:
                tree.append_entry(line)
            assert tree.get_state() == root
            done.append("root")
        print(" ".join(done))
        """
}
