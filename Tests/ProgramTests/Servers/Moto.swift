// SPDX-License-Identifier: Apache-2.0

import CordonLanguage
import Foundation
import TestKit

/// A private moto server on loopback: AWS's own interface with signatures checked and policies enforced.
final class Moto: Sendable {
    static let curl = "/usr/bin/curl"
    static var isInstalled: Bool {
        PythonServers.has("moto_server") && FileManager.default.isExecutableFile(atPath: curl)
    }

    struct Key: Sendable {
        var id: String
        var secret: String
        /// What keys of a session have beside them.
        var token: String?
    }

    let url: String
    /// May do everything.
    let admin: Key
    private let process: ProgramUnderTest
    private let scratch: ScratchFolder

    /// The first four calls are let through unsigned, to make an administrator.
    init(in scratch: ScratchFolder, port: Int) async throws {
        self.scratch = scratch
        url = "http://127.0.0.1:\(port)"
        process = try await PythonServers.start(
            "moto_server", ["-H", "127.0.0.1", "-p", "\(port)"],
            environment: ["INITIAL_NO_AUTH_ACTION_COUNT": "3", "MOTO_IAM_LOAD_MANAGED_POLICIES": "false"], in: scratch,
            as: "moto", until: url + "/moto-api/", web: try Web())
        let nobody = Key(id: "a", secret: "b")
        admin = try await Moto.user("admin", may: "*", as: nobody, url, scratch)
    }

    func stop() { process.kill() }

    /// A user that may do as said, with a key of its own.
    func user(_ name: String, may action: String) async throws -> Key {
        try await Moto.user(name, may: action, as: admin, url, scratch)
    }

    private static func user(
        _ name: String, may action: String, as key: Key, _ url: String, _ scratch: ScratchFolder
    ) async throws -> Key {
        let policy = #"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"\#(action)","Resource":"*"}]}"#
        _ = try await call(["Action": "CreateUser", "UserName": name], as: key, url, scratch)
        _ = try await call(
            ["Action": "PutUserPolicy", "UserName": name, "PolicyName": "work", "PolicyDocument": policy], as: key, url,
            scratch)
        let made = try await call(["Action": "CreateAccessKey", "UserName": name], as: key, url, scratch).body
        guard let id = text(of: "AccessKeyId", in: made), let secret = text(of: "SecretAccessKey", in: made) else {
            throw Web.NoAnswer(reason: "no key for \(name): \(made)")
        }
        return Key(id: id, secret: secret)
    }

    /// A call signed by curl, which has a signer of its own.
    func call(_ form: [String: String], as key: Key) async throws -> (status: Int, body: String) {
        try await Moto.call(form, as: key, url, scratch)
    }

    /// A role that may do as said, with the temporary keys of a session of it.
    func session(of role: String, may action: String) async throws -> Key {
        let statement = #"{"Effect":"Allow","Principal":{"AWS":"*"},"Action":"sts:AssumeRole"}"#
        let trust = #"{"Version":"2012-10-17","Statement":[\#(statement)]}"#
        let policy = #"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"\#(action)","Resource":"*"}]}"#
        let made = try await call(
            ["Action": "CreateRole", "RoleName": role, "AssumeRolePolicyDocument": trust], as: admin
        ).body
        _ = try await call(
            ["Action": "PutRolePolicy", "RoleName": role, "PolicyName": "work", "PolicyDocument": policy], as: admin)
        guard let arn = Moto.text(of: "Arn", in: made) else { throw Web.NoAnswer(reason: "no role: \(made)") }
        let begun = try await Moto.call(
            ["Action": "AssumeRole", "Version": "2011-06-15", "RoleArn": arn, "RoleSessionName": "build"], as: admin,
            url, scratch, service: "sts"
        ).body
        guard let id = Moto.text(of: "AccessKeyId", in: begun), let secret = Moto.text(of: "SecretAccessKey", in: begun)
        else { throw Web.NoAnswer(reason: "no session of \(role): \(begun)") }
        return Key(id: id, secret: secret, token: Moto.text(of: "SessionToken", in: begun))
    }

    /// Scheduled jobs, each with a user of its own, that write to one bucket.
    func jobs(_ names: [String]) async throws {
        for name in names {
            _ = try await event("PutRule", ["Name": .string(name), "ScheduleExpression": "rate(1 day)"])
            _ = try await call(["Action": "CreateUser", "UserName": name], as: admin)
        }
        for (action, parameters): (String, Value) in [
            ("create_bucket", ["Bucket": "reports"]),
            ("put_bucket_versioning", ["Bucket": "reports", "VersioningConfiguration": ["Status": "Enabled"]]),
        ] {
            guard try await ask("s3", action, parameters) == "ok" else { throw Web.NoAnswer(reason: action) }
        }
    }

    /// What EventBridge answers, asked by curl: many calls cost little.
    func event(_ action: String, _ body: Value) async throws -> Value {
        let curl = try ProgramUnderTest(
            Moto.curl,
            [
                "-s", "--max-time", "20", "--aws-sigv4", "aws:amz:us-east-1:events", "--user",
                "\(admin.id):\(admin.secret)", "-H", "x-amz-target: AWSEvents.\(action)", "-H",
                "content-type: application/x-amz-json-1.1", "-d", body.json, url + "/",
            ], capturedIn: scratch, as: "curl")
        guard try await curl.waitForExit() == .exited(0) else { throw Web.NoAnswer(reason: "curl: \(curl.error)") }
        return try JSON.parse(curl.output)
    }

    /// What a client of AWS's own make gets of another service: its answer, or `refused` and the status.
    func ask(_ service: String, _ action: String, _ parameters: Value, as key: Key? = nil) async throws -> String {
        let who = key ?? admin
        let script = """
            import boto3, botocore, json, sys
            url, id, secret, service, action, parameters = sys.argv[1:]
            client = boto3.client(service, endpoint_url=url, region_name="us-east-1", aws_access_key_id=id,
                                  aws_secret_access_key=secret)
            try:
                answer = getattr(client, action)(**json.loads(parameters))
                print(answer["Body"].read().decode() if "Body" in answer
                      else answer.get("SecretString") or answer.get("State", "ok"))
            except botocore.exceptions.ClientError as refusal:
                print("refused", refusal.response["ResponseMetadata"]["HTTPStatusCode"])
            """
        let client = try ProgramUnderTest(
            PythonServers.folder + "/bin/python",
            ["-c", script, url, who.id, who.secret, service, action, parameters.json], capturedIn: scratch, as: "aws")
        guard try await client.waitForExit(timeoutMilliseconds: 60_000) == .exited(0) else {
            throw Web.NoAnswer(reason: "\(service) \(action): \(client.error)")
        }
        return client.output.trimmingCharacters(in: .newlines)
    }

    private static func call(
        _ form: [String: String], as key: Key, _ url: String, _ scratch: ScratchFolder, service: String = "iam"
    ) async throws -> (status: Int, body: String) {
        let allowed = CharacterSet.alphanumerics.union(CharacterSet(charactersIn: "-._~"))
        let pairs = form.merging(["Version": "2010-05-08"]) { own, _ in own }.sorted { $0.key < $1.key }.map {
            $0.key + "=" + ($0.value.addingPercentEncoding(withAllowedCharacters: allowed) ?? "")
        }
        let curl = try ProgramUnderTest(
            Moto.curl,
            [
                "-s", "--max-time", "20", "-w", "\n%{http_code}", "--aws-sigv4", "aws:amz:us-east-1:\(service)",
                "--user", "\(key.id):\(key.secret)", "-d", pairs.joined(separator: "&"),
            ] + (key.token.map { ["-H", "x-amz-security-token: \($0)"] } ?? []) + [url + "/"], capturedIn: scratch,
            as: "curl")
        guard try await curl.waitForExit() == .exited(0) else { throw Web.NoAnswer(reason: "curl: \(curl.error)") }
        var lines = curl.output.split(separator: "\n", omittingEmptySubsequences: false)
        let status = lines.popLast().flatMap { Int($0) } ?? 0
        return (status, lines.joined(separator: "\n"))
    }

    /// What stands in the first element of this name.
    static func text(of name: String, in body: String) -> String? {
        guard let start = body.range(of: "<\(name)>"), let end = body.range(of: "</\(name)>") else { return nil }
        return String(body[start.upperBound..<end.lowerBound])
    }
}
