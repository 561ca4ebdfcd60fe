// SPDX-License-Identifier: Apache-2.0

import CordonCore
import Crypto
import Foundation

/// AWS Signature Version 4 (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html):
/// the request, its time and its body under a key that holds for a day, a region and a service. Our own, because
/// libcurl's differs where a query is unsorted and where a path is escaped.
struct SigV4 {
    var accessKey: String
    var secretKey: String
    var sessionToken: String?
    var region: String
    var service: String

    /// The request's headers with what is signed and the signature.
    func sign(_ request: BuiltRequest, at now: Instant) -> [String: String] {
        let (date, time) = SigV4.stamps(now)
        let url = SplitURL(request.url)
        var headers = request.headers
        headers["authorization"] = nil
        headers["x-amz-date"] = time
        headers["x-amz-security-token"] = sessionToken
        let digest = hexText(Array(SHA256.hash(data: request.body ?? [])))
        // https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
        if isObjectStore { headers["x-amz-content-sha256"] = digest }
        var signed = headers.filter { !SigV4.unsigned.contains($0.key) }
        signed["host"] = url.host
        let names = signed.keys.sorted()
        let canonical = [
            request.method, isObjectStore ? url.path : SigV4.escapedAgain(url.path), SigV4.sorted(url.query),
            names.map { "\($0):\(SigV4.squeezed(signed[$0] ?? ""))\n" }.joined(), names.joined(separator: ";"),
            digest,
        ].joined(separator: "\n")
        let scope = "\(date)/\(region)/\(service)/aws4_request"
        let text = [
            "AWS4-HMAC-SHA256", time, scope, hexText(Array(SHA256.hash(data: Array(canonical.utf8)))),
        ].joined(separator: "\n")
        let signature = hexText(Self.code(text, under: key(date)))
        headers["authorization"] =
            "AWS4-HMAC-SHA256 Credential=\(accessKey)/\(scope), SignedHeaders=\(names.joined(separator: ";")), Signature=\(signature)"
        return headers
    }

    private var isObjectStore: Bool { service == "s3" }

    /// What a proxy may change, or the transport sets.
    private static let unsigned: Set<String> = ["user-agent", "expect", "accept"]

    private func key(_ date: String) -> [UInt8] {
        [date, region, service, "aws4_request"].reduce(Array("AWS4\(secretKey)".utf8)) { Self.code($1, under: $0) }
    }

    private static func code(_ text: String, under key: [UInt8]) -> [UInt8] {
        Array(HMAC<SHA256>.authenticationCode(for: Array(text.utf8), using: SymmetricKey(data: key)))
    }

    /// `20150830` and `20150830T123600Z`.
    static func stamps(_ now: Instant) -> (date: String, time: String) {
        let digits = now.description.filter { $0.isNumber || $0 == "T" }
        let date = String(digits.prefix(8))
        return (date, String(digits.prefix(15)) + "Z")
    }

    /// Every service but S3 wants the path's segments escaped once more than they are sent.
    private static func escapedAgain(_ path: String) -> String {
        path.split(separator: "/", omittingEmptySubsequences: false).map { percentEncoded(String($0)) }
            .joined(separator: "/")
    }

    private static func sorted(_ query: String) -> String {
        query.split(separator: "&").map { pair in
            let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            return (String(parts[0]), parts.count > 1 ? String(parts[1]) : "")
        }
        .sorted { $0 < $1 }
        .map { "\($0)=\($1)" }.joined(separator: "&")
    }

    /// Blanks around are no part of a value, and several in a row count as one.
    private static func squeezed(_ text: String) -> String {
        text.split(whereSeparator: { $0 == " " || $0 == "\t" }).joined(separator: " ")
    }
}

/// An absolute URL in the parts that are signed, each as it is sent.
struct SplitURL {
    /// With the port, where one stands there that isn't the scheme's own.
    var host: String
    var path: String
    var query: String

    init(_ url: String) {
        let isPlain = url.lowercased().hasPrefix("http://")
        let rest = url.split(separator: "://", maxSplits: 1).last.map(String.init) ?? ""
        let end = rest.firstIndex { $0 == "/" || $0 == "?" } ?? rest.endIndex
        let own = isPlain ? ":80" : ":443"
        let authority = String(rest[..<end])
        host = authority.hasSuffix(own) ? String(authority.dropLast(own.count)) : authority
        let target = rest[end...].split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        path = target.first.map(String.init).flatMap { $0.isEmpty ? nil : $0 } ?? "/"
        query = target.count > 1 ? String(target[1]) : ""
    }
}
