// SPDX-License-Identifier: Apache-2.0

import CordonCore
import CordonEngine
import CordonLanguage
import HTTPTypes
import Hummingbird
import Logging

/// Verdicts on the thread that read the question: memory alone is asked, and nothing else that this process does stands
/// before it.
extension API {
    private static let verdicts = "/api/v1/verdicts/"

    /// Nothing when anything about the request is out of the ordinary: its route then answers, which knows each case.
    func verdictAtOnce(_ request: HTTPRequest) -> WholeAnswer? {
        guard logger.logLevel > .debug, let authority = request.authority, !authority.isEmpty,
            Frame.host.map({ !request.headerFields.contains($0) }) ?? true, let path = request.path,
            let answer = answer(request, path)
        else { return nil }
        var framed = answer
        framed.headers.frame(with: Frame.headers)
        framed.headers[.date] = date.text(at: engine.clock.now)
        return framed
    }

    private func answer(_ request: HTTPRequest, _ path: String) -> WholeAnswer? {
        if path == "/enforce/nginx", request.method == .get {
            return enforce(request, method: request.headerFields[EnforcementHeader.method] ?? "", .noContent)
        }
        if path.hasPrefix("/enforce/envoy/"), API.envoyMethods.contains(request.method) {
            return enforce(request, method: request.method.rawValue, .ok)
        }
        guard path.hasPrefix(API.verdicts), request.method == .get else { return nil }
        let session = path.utf8.dropFirst(API.verdicts.utf8.count)
        guard !session.isEmpty, session.allSatisfy(isUnreserved), mayEnforce(request),
            let verdict = engine.verdictAtOnce(on: String(decoding: session, as: UTF8.self))
        else { return nil }
        let now = engine.clock.now
        var headers = verdict.headers(at: now)
        headers[.contentType] = "application/json"
        return WholeAnswer(status: .ok, headers: headers, body: verdict.value(at: now).jsonBytes)
    }

    private func enforce(_ request: HTTPRequest, method: String, _ allowed: HTTPResponse.Status) -> WholeAnswer? {
        let named = request.headerFields[values: EnforcementHeader.session]
        guard named.count == 1, !named[0].isEmpty, mayEnforce(request),
            let verdict = engine.verdictAtOnce(on: named[0])
        else { return nil }
        return enforcement(of: verdict, method: method, allowed: allowed)
    }

    private func mayEnforce(_ request: HTTPRequest) -> Bool {
        let presented = request.headerFields[values: .authorization]
        guard presented.count == 1 else { return false }
        return access.callerAtOnce(authorization: presented[0])?.role.may(.enforce) ?? false
    }

    private static let envoyMethods: Set<HTTPRequest.Method> = [.get, .post, .put, .patch, .delete, .options]
}

/// RFC 3986 §2.3: what stands for itself in a path.
private func isUnreserved(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
        UInt8(ascii: "~"):
        true
    default: false
    }
}
