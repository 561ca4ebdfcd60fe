// SPDX-License-Identifier: Apache-2.0

import CordonConnectors
import CordonCore
import CordonLanguage
import Testing

/// Parameters in paths, forms and JSON: whatever they hold, they stay one parameter, or nothing is sent.
@Suite struct RequestBuildingTests {
    private static let members = """
        connector: members
        title: A collection with members
        vendor: https://www.rfc-editor.org/rfc/rfc9110
        provider:
          settings: { url: { type: url } }
          secrets: []
          subject_secrets: []
          authentication: { scheme: none }
          capabilities:
            evidence.capture:
              class: read
              request: { method: GET, to: url, path: "/tokens/${with.of}/state" }
              answers: { done: [200] }
            store.plan_restore:
              class: read
              request: { method: GET, to: url, path: /bucket, tail: "${with.subject}" }
              answers: { done: [200] }
              keep: [objects]
            tokens.revoke:
              class: convergent
              request: { method: POST, to: url, form: { id: "${with.credential}", all: "${with.all}", by: cordon } }
              answers: { done: [200] }
        """

    private func desk() throws -> CallDesk {
        CallDesk.with(try #require(try connector("members", Self.members).provider))
    }

    private func sealing(_ capability: String, _ arguments: Value) throws -> Result<Seal, Refusal> {
        let desk = try desk()
        return desk.sealer.seal(desk.draft(capability, .act, arguments))
    }

    // MARK: Paths

    @Test(arguments: ["", "/", "a/b", "../tokens", "..", ".", "a/", "/a"])
    func `a path parameter that is empty or leads elsewhere is refused before anything is sealed`(
        _ text: String
    ) throws {
        let refusal = try #require(throws: Refusal.self) {
            try sealing("evidence.capture", ["of": .string(text)]).get()
        }
        #expect(refusal.code == .unbuildable)
        #expect(refusal.reason == "a path parameter is empty or holds a slash; nothing was sent")
    }

    @Test(arguments: [nil, [], ["a"], [:], 1.5, true] as [Value])
    func `a path parameter that is no text and no number is refused`(_ value: Value) throws {
        let refusal = try #require(throws: Refusal.self) { try sealing("evidence.capture", ["of": value]).get() }
        #expect(refusal.code == .unbuildable)
    }

    @Test func `a path parameter that is absent is refused`() throws {
        let refusal = try #require(throws: Refusal.self) { try sealing("evidence.capture", [:]).get() }
        #expect(refusal.code == .unbuildable)
        #expect(refusal.reason.hasPrefix("the path could not be computed: "))
    }

    @Test(arguments: [
        ("key-7", "key-7"), ("a b", "a%20b"), ("a?b=c#d", "a%3Fb%3Dc%23d"), ("%2f", "%252f"), ("..%2f", "..%252f"),
        ("a\\b", "a%5Cb"), ("ü", "%C3%BC"), ("a\r\nhost: x", "a%0D%0Ahost%3A%20x"), ("~._-", "~._-"), ("...", "..."),
    ])
    func `a path parameter is one segment, whatever it holds`(_ text: String, _ segment: String) async throws {
        let desk = try desk()
        _ = await desk.perform(try desk.call("evidence.capture", .act, ["of": .string(text)]))
        let request = try #require(desk.requests.first)
        #expect(request.method == "GET")
        #expect(request.url == "https://api.example/tokens/\(segment)/state")
        #expect(request.body == nil)
    }

    @Test func `a number is a path parameter too`() async throws {
        let desk = try desk()
        _ = await desk.perform(try desk.call("evidence.capture", .act, ["of": 7]))
        #expect(desk.requests.first?.url == "https://api.example/tokens/7/state")
    }

    // MARK: Names of objects

    @Test(arguments: [("out/a.csv", "out/a.csv"), ("a b/ü", "a%20b/%C3%BC"), ("a%2f/b?c", "a%252f/b%3Fc"), ("a", "a")])
    func `the name of an object keeps its slashes and nothing else`(_ name: String, _ path: String) async throws {
        let desk = try desk()
        _ = await desk.perform(try desk.call("store.plan_restore", .act, ["subject": .string(name)]))
        #expect(desk.requests.first?.url == "https://api.example/bucket/\(path)")
    }

    @Test(arguments: ["", "/", "/a", "a/", "a//b", "a/../b", "..", "./a"])
    func `an object's name with a segment that leads elsewhere is refused before anything is sealed`(
        _ name: String
    ) throws {
        let refusal = try #require(throws: Refusal.self) {
            try sealing("store.plan_restore", ["subject": .string(name)]).get()
        }
        #expect(refusal.reason == "a segment of the path's tail is empty, '.' or '..'; nothing was sent")
    }

    // MARK: Forms

    @Test(arguments: ["", [], ["a"], [:], ["a": 1], 1.5] as [Value])
    func `a form field that is empty or no scalar is refused before anything is sealed`(_ value: Value) throws {
        let refusal = try #require(throws: Refusal.self) {
            try sealing("tokens.revoke", ["credential": value, "all": "no"]).get()
        }
        #expect(refusal.code == .unbuildable)
        #expect(refusal.reason == "the form field 'id' is empty or no scalar; nothing was sent")
    }

    @Test func `form fields stand in order, are escaped, and are left out where they hold nothing`() async throws {
        let desk = try desk()
        _ = await desk.perform(try desk.call("tokens.revoke", .act, ["credential": "a&all=yes", "all": nil]))
        #expect(desk.requests.first?.text == "by=cordon&id=a%26all%3Dyes")
        let other = try self.desk()
        _ = await other.perform(try other.call("tokens.revoke", .act, ["credential": 7, "all": false]))
        #expect(other.requests.first?.text == "all=false&by=cordon&id=7")
    }

    @Test func `a form field that can't be computed is refused`() throws {
        let refusal = try #require(throws: Refusal.self) { try sealing("tokens.revoke", ["credential": "a"]).get() }
        #expect(refusal.code == .unbuildable)
        #expect(refusal.reason.hasPrefix("the request could not be computed: "))
    }

    // MARK: JSON

    @Test func `a JSON body keeps its types, and text in it stays text`() async throws {
        let body: Value = ["text": "${secret.token}\"}", "number": 9_007_199_254_740_993, "list": [true, nil]]
        let desk = try CallDesk.posting()
        _ = await desk.perform(try desk.call("http.call", .act, ["body": body]))
        let request = try #require(desk.requests.first)
        #expect(request.header("content-type") == "application/json")
        #expect(request.body == body.jsonBytes)
        #expect(request.header("authorization") == nil)
    }

    // MARK: What can't be built at all

    @Test func `a provider that is not configured and a setting that is missing are refused by name`() throws {
        var desk = try desk()
        var draft = desk.draft("evidence.capture", .act, ["of": "a"])
        draft.provider = "nobody"
        let unknown = try #require(throws: Refusal.self) { try desk.sealer.seal(draft).get() }
        #expect(unknown.reason == "no provider 'nobody' is configured")
        desk.settings = [:]
        let lacking = try #require(throws: Refusal.self) { try desk.call("evidence.capture", .act, ["of": "a"]) }
        #expect(lacking.reason == "auth has no setting 'url'")
        let notOffered = try #require(throws: Refusal.self) {
            try desk.sealer.seal(desk.draft("http.call", .act, [:])).get()
        }
        #expect(notOffered.reason == "auth does not offer http.call")
    }
}
