// SPDX-License-Identifier: Apache-2.0

import CordonConnectors
import CordonCore
import CordonLanguage
import Foundation
import Synchronization
import Testing

/// Listings that come in pages: followed to their end, and of no account without it.
@Suite struct ListingTests {
    private static let base = "https://api.example/v1"

    private func desk(
        _ name: String, _ script: @escaping @Sendable (OutboundRequest, Int) -> Delivery
    ) throws -> CallDesk {
        let shape = try #require(try shippedConnector(name).provider)
        var desk = CallDesk.with(
            shape, url: Self.base,
            transport: ScriptedTransport { request, number in
                request.url == "https://login.example/token"
                    ? .answered(200, #"{"access_token":"t","expires_in":3600}"#) : script(request, number)
            })
        for name in shape.settings.keys where desk.settings[name] == nil { desk.settings[name] = "x" }
        if shape.settings["token_endpoint"] != nil { desk.settings["token_endpoint"] = "https://login.example/token" }
        for name in shape.secrets + shape.optionalSecrets where name != "private_key" {
            desk.connectionSecrets[name] = .environment(name)
            desk.secrets[name] = "s"
        }
        return desk
    }

    private func grants(_ desk: CallDesk, of account: Value) async throws -> Outcome {
        await desk.perform(try desk.call("grants.list", .act, ["account": account])).outcome
    }

    private func asked(_ desk: CallDesk) -> [String] {
        desk.requests.map(\.url).filter { $0 != "https://login.example/token" }
    }

    @Test func `a listing that takes longer than its call may says so, and was sent`() async throws {
        let clock = Mutex(Instant.start)
        let desk = try desk("okta") { request, number in
            clock.withLock { $0 = $0.adding(milliseconds: 4000) }
            return .answered(
                200, #"[{"id":"g\#(number)"}]"#,
                headers: ["link": "<\(Self.base)/users/u/grants?after=\(number)>; rel=\"next\""])
        }
        let (inventory, secrets) = (desk.inventory, desk.secrets)
        let performer = Performer(
            providers: ["auth": desk.provider], inventory: { inventory },
            secrets: SecretReader(folder: "/nowhere", environment: { secrets[$0] }), transport: desk.transport,
            sealer: desk.sealer, clock: { clock.withLock { $0 } })
        let call = try desk.call("grants.list", .act, ["account": ["okta_id": "u"]])
        let outcome = await performer.performInTurn(
            Errand(run: RunID(stem: "01"), step: "a", call: call, subject: nil)
        ).outcome
        #expect(outcome.kind == .later)
        #expect(outcome.reason == "the listing's time was up after 3 pages, so nothing of it counts")
        #expect(asked(desk).count == 3)
        #expect(Lane.Report(outcome) == .nothing)
    }

    @Test func `links are followed to the last page, and what is kept sees all of them`() async throws {
        let desk = try desk("okta") { request, _ in
            request.url.contains("after=2")
                ? .answered(200, #"[{"id":"g3"}]"#, headers: ["link": "<\(Self.base)/users/u/grants>; rel=\"self\""])
                : .answered(
                    200, #"[{"id":"g1"},{"id":"g2"}]"#,
                    headers: [
                        "link":
                            "<\(Self.base)/users/u/grants>; rel=\"self\", <\(Self.base)/users/u/grants?after=2>; rel=\"next\""
                    ])
        }
        let outcome = try await grants(desk, of: ["okta_id": "u"])
        #expect(outcome.kind == .done && outcome.result == ["grants": ["g1", "g2", "g3"]])
        #expect(asked(desk) == ["\(Self.base)/users/u/grants?limit=200", "\(Self.base)/users/u/grants?after=2"])
        #expect(desk.requests.allSatisfy { $0.header("authorization") == "SSWS s" })
    }

    @Test func `a cursor in the body goes into the parameter that takes it`() async throws {
        let desk = try desk("auth0") { request, _ in
            request.url.hasSuffix("&from=c%2F2")
                ? .answered(200, #"{"tokens":[{"id":"r2","user_id":"auth0|1"}]}"#)
                : .answered(
                    200, #"{"tokens":[{"id":"r1","user_id":"auth0|1"},{"id":"x","user_id":"auth0|2"}],"next":"c/2"}"#)
        }
        let outcome = try await grants(desk, of: ["user_id": "auth0|1"])
        #expect(outcome.result == ["grants": ["r1", "r2"]])
        let first = "\(Self.base)/users/auth0%7C1/refresh-tokens?take=50"
        #expect(asked(desk) == [first, first + "&from=c%2F2"])
    }

    @Test func `a provider that counts is asked on from the entries it gave, until its page is short`() async throws {
        let text = """
            connector: counted
            title: A directory that counts
            vendor: https://counted.example/docs
            provider:
              settings: { url: { type: url } }
              secrets: []
              subject_secrets: []
              authentication: { scheme: none }
              capabilities:
                grants.list:
                  class: read
                  request: { method: GET, to: url, query: { max: 2 } }
                  answers: { done: [200] }
                  pages: { items: "${body}", offset: first, size: 2 }
                  keep: { grants: "${body.items}" }

            """
        func asked(_ bodies: [String]) async throws -> (outcome: Outcome, urls: [String]) {
            let shape = try #require(try connector("counted", text).provider)
            let desk = CallDesk.with(
                shape, url: Self.base,
                transport: ScriptedTransport { _, number in .answered(200, bodies[min(number, bodies.count) - 1]) })
            return (try await grants(desk, of: [:]), desk.requests.map(\.url))
        }
        let three = try await asked([#"["a","b"]"#, #"["c"]"#])
        #expect(three.outcome.result == ["grants": ["a", "b", "c"]])
        #expect(three.urls == ["\(Self.base)?max=2", "\(Self.base)?max=2&first=2"])
        let full = try await asked([#"["a","b"]"#, "[]"])
        #expect(full.outcome.result == ["grants": ["a", "b"]] && full.urls.count == 2)
        // One that ignores where it is to begin has no end.
        let deaf = try await asked([#"["a","b"]"#])
        #expect(deaf.outcome.kind == .refused && deaf.outcome.reason?.contains("listingPagesMax") == true)
    }

    @Test func `a total that is told ends a listing, whatever a page holds`() async throws {
        func find(_ bodies: [String]) async throws -> (outcome: Outcome, urls: [String]) {
            let desk = try desk("scim") { _, number in .answered(200, bodies[min(number, bodies.count) - 1]) }
            let call = try desk.call("account.find", .act, ["account": ["user_name": "svc"]])
            return (await desk.perform(call).outcome, asked(desk))
        }
        func page(_ total: Int, _ names: [String]) -> String {
            let users = names.map { #"{"id":"\#($0)-1","userName":"\#($0)"}"# }.joined(separator: ",")
            return #"{"totalResults":\#(total),"Resources":[\#(users)]}"#
        }
        // A server that ignores the filter, and gives two at a time.
        let far = try await find([page(3, ["admin", "bob"]), page(3, ["svc"])])
        #expect(far.outcome.result == ["account": ["scim_id": "svc-1", "user_name": "svc"]])
        #expect(far.urls.last?.hasSuffix("&startIndex=3") == true && far.urls.count == 2)
        let short = try await find([page(3, ["svc", "bob"]), page(3, [])])
        #expect(short.outcome.kind == .refused)
        #expect(short.outcome.reason?.contains("total and its pages don't go together") == true)
        #expect(try await find([#"{"totalResults":"1","Resources":[]}"#]).outcome.kind == .refused)
    }

    @Test func `a cursor goes into the form where the provider reads it there`() async throws {
        @Sendable func page(_ names: [String], _ marker: String?) -> String {
            let members = names.map { "<member>\($0)</member>" }.joined()
            return "<ListUserPoliciesResponse><ListUserPoliciesResult><PolicyNames>\(members)</PolicyNames>"
                + "<IsTruncated>\(marker != nil)</IsTruncated>" + (marker.map { "<Marker>\($0)</Marker>" } ?? "")
                + "</ListUserPoliciesResult></ListUserPoliciesResponse>"
        }
        let desk = try desk("aws-iam") { _, number in
            .answered(200, number == 1 ? page(["work"], "a/b=") : page(["CordonDeny"], nil))
        }
        let call = try desk.call("policy.deny_write", .readBack, ["subject": ["user_name": "bot"]])
        let outcome = await desk.perform(call).outcome
        #expect(outcome.kind == .done && outcome.result == ["denied": true])
        let first = "Action=ListUserPolicies&MaxItems=1000&UserName=bot&Version=2010-05-08"
        #expect(desk.requests.map(\.text) == [first, first + "&Marker=a%2Fb%3D"])
        // Each page is signed for what it asks.
        #expect(Set(desk.requests.map { $0.header("authorization") }).count == 2)
    }

    @Test(arguments: [("in: json", "json: { q: all }", true), ("in: json", "text: all", false)])
    func `a cursor goes into a JSON body as a member of it`(
        _ place: String, _ body: String, _ isWhole: Bool
    ) async throws {
        let text = """
            connector: posted
            title: A directory that is asked by POST
            vendor: https://posted.example/docs
            provider:
              settings: { url: { type: url } }
              secrets: []
              subject_secrets: []
              authentication: { scheme: none }
              capabilities:
                grants.list:
                  class: read
                  request: { method: POST, to: url, \(body) }
                  answers: { done: [200] }
                  pages: { items: "${body.all}", cursor: "${body.?next.orValue(null)}", as: from, \(place) }
                  keep: { grants: "${body.items}" }

            """
        let shape = try #require(try connector("posted", text).provider)
        let desk = CallDesk.with(
            shape, url: Self.base,
            transport: ScriptedTransport { _, number in
                .answered(200, number == 1 ? #"{"all":["a"],"next":"n1"}"# : #"{"all":["b"]}"#)
            })
        let outcome = try await grants(desk, of: [:])
        #expect(outcome.kind == (isWhole ? .done : .refused))
        #expect(desk.requests.map(\.text).last == (isWhole ? #"{"from":"n1","q":"all"}"# : "all"))
    }

    @Test func `an address in the body is followed, at the same host alone`() async throws {
        let filter = "$filter=clientId"
        let good = try desk("entra") { request, _ in
            request.url.contains("skip")
                ? .answered(200, #"{"value":[{"id":"g2","clientId":"sp"}]}"#)
                : .answered(
                    200,
                    #"{"value":[{"id":"g1","clientId":"sp"}],"@odata.nextLink":"https://api.example/v1/oauth2PermissionGrants?skip=1"}"#
                )
        }
        #expect(
            try await grants(good, of: ["object_id": "sp", "collection": "servicePrincipals"]).result == [
                "grants": ["g1", "g2"]
            ])
        #expect(asked(good).first?.removingPercentEncoding?.contains(filter) == true)
        for elsewhere in [
            "https://evil.example/v1/x", "http://api.example/v1/x", "https://api.example:444/v1/x",
            "https://api.example.evil.example/v1/x", "https://api.example@evil.example/", "//evil.example/x",
        ] {
            let desk = try desk("entra") { _, _ in
                .answered(200, #"{"value":[{"id":"g1","clientId":"sp"}],"@odata.nextLink":"\#(elsewhere)"}"#)
            }
            let outcome = try await grants(desk, of: ["object_id": "sp", "collection": "servicePrincipals"])
            #expect(outcome.kind == .refused && outcome.result == .null, "\(elsewhere)")
            #expect(asked(desk).count == 1, "\(elsewhere)")
        }
    }

    @Test(arguments: [
        (Delivery.answered(429, headers: ["retry-after": "7"]), Outcome.Kind.later, Int64?.some(7000)),
        (.answered(403, "{}"), .refused, nil), (.answered(200, "{}"), .refused, nil),
        (.answered(200, "[1,"), .refused, nil),
        (
            Delivery(
                fate: .mayHaveBeenSent(Fault(kind: .reset, number: 56, reason: "reset")), durationMilliseconds: 1),
            .unknown, nil
        ),
    ])
    func `of a listing that breaks off nothing is believed`(
        _ second: Delivery, _ kind: Outcome.Kind, _ wait: Int64?
    ) async throws {
        let desk = try desk("okta") { _, number in
            number == 1
                ? .answered(200, #"[{"id":"g1"}]"#, headers: ["link": "</v1/more>; rel=next"]) : second
        }
        let outcome = try await grants(desk, of: ["okta_id": "u"])
        #expect(outcome.kind == kind && outcome.result == .null)
        #expect(outcome.retryAfterMilliseconds == wait)
        #expect(asked(desk).last == "https://api.example/v1/more")
    }

    @Test func `a listing without an end, or in a circle, is given up`() async throws {
        let endless = try desk("okta") { _, number in
            .answered(200, "[]", headers: ["link": "</v1/page/\(number)>; rel=\"next\""])
        }
        let outcome = try await grants(endless, of: ["okta_id": "u"])
        #expect(outcome.kind == .refused && outcome.reason?.contains("listingPagesMax") == true)
        #expect(asked(endless).count == Limits.listingPagesMax)
        let circle = try desk("okta") { _, _ in
            .answered(200, "[]", headers: ["link": "</v1/page>; rel=\"next\""])
        }
        #expect(try await grants(circle, of: ["okta_id": "u"]).reason?.contains("in a circle") == true)
        #expect(asked(circle).count == 2)
    }

    @Test(arguments: [
        ("</v1/n>; rel=next", 2), ("</v1/n>;rel=\"next\"", 2), ("</v1/n>; title=\"a, b\"; rel=\"last next\"", 2),
        ("</v1/a>; rel=prev, </v1/n>; rel=\"NEXT\"", 2), ("</v1/n>; rel=nextish", 1), ("</v1/n>; x=next", 1),
        ("</v1/n", 1), ("", 1), ("rel=next", 1),
    ])
    func `a link's relation is read as RFC 8288 writes it`(_ header: String, _ count: Int) async throws {
        let desk = try desk("okta") { request, _ in
            request.url.hasSuffix("/n") ? .answered(200, "[]") : .answered(200, "[]", headers: ["link": header])
        }
        #expect(try await grants(desk, of: ["okta_id": "u"]).kind == .done)
        #expect(asked(desk).count == count)
    }
}
