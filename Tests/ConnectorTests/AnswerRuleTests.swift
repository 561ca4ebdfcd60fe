// SPDX-License-Identifier: Apache-2.0

import CordonConnectors
import CordonCore
import CordonLanguage
import Testing

/// What a connector says of answers beyond their status: rules on the body, entries picked from lists, computed members,
/// XML, and headers of the provider's own.
@Suite struct AnswerRuleTests {
    private func exchange(_ fields: String, provider: String = "") throws -> ProviderShape.Exchange {
        let text = """
            connector: one
            title: One exchange
            vendor: https://example.org
            provider:
              settings: { url: { type: url } }
              secrets: []
              subject_secrets: []
              authentication: { scheme: none }
            \(provider)
              capabilities:
                evidence.capture:
                  class: read
                  request: { method: GET, to: url }
            \(fields.split(separator: "\n").map { "      " + $0 }.joined(separator: "\n"))
            """
        let shape = try #require(try connector("one", text).provider)
        return try #require(shape.actions["evidence.capture"]?.act)
    }

    private func outcome(
        _ exchange: ProviderShape.Exchange, _ status: Int, _ body: String, _ effectClass: EffectClass = .read,
        headers: [String: String] = [:], with arguments: Value = [:]
    ) -> Outcome {
        read(.answered(status, body, headers: headers), exchange, effectClass, arguments: arguments).outcome
    }

    // MARK: Rules

    @Test func `a rule speaks before the sets, and the first that holds`() throws {
        let exchange = try exchange(
            """
            answers:
              done: [200]
              refused: [400]
              rules:
                - { status: [400], that: body.code == "E1", means: already }
                - { status: [400], that: body.code == "Throttling", means: later }
                - { that: body.ok == false, means: refused }
            """)
        #expect(outcome(exchange, 400, #"{"code":"E1","ok":false}"#, .convergent).kind == .already)
        #expect(outcome(exchange, 400, #"{"code":"Throttling"}"#, .convergent).kind == .later)
        #expect(outcome(exchange, 400, #"{"code":"E2","ok":true}"#, .convergent).kind == .refused)
        #expect(outcome(exchange, 200, #"{"ok":false}"#, .convergent).kind == .refused)
        #expect(outcome(exchange, 200, #"{"ok":true}"#, .convergent).kind == .done)
    }

    @Test(arguments: ["{}", "[]", "no JSON", ""])
    func `a success on which a rule can't be weighed proves nothing`(_ body: String) throws {
        let exchange = try exchange(
            "answers: { done: [200], refused: [400], rules: [{ that: body.ok == false, means: refused }] }")
        #expect(outcome(exchange, 200, body, .convergent).kind == .unknown)
        #expect(outcome(exchange, 200, body, .read).kind == .later)
        #expect(outcome(exchange, 400, body, .convergent).kind == .refused)
        #expect(outcome(exchange, 503, body, .convergent).kind == .later)
    }

    @Test func `a rule may look at what was asked for and at headers`() throws {
        let exchange = try exchange(
            """
            answers:
              done: [200]
              rules:
                - { that: body.name != with.of.name, means: refused }
                - { that: 'status == 403 && headers["x-left"] == "0"', means: later }
            keep: [name]
            """)
        let bob: Value = ["of": ["name": "bob"]]
        #expect(outcome(exchange, 200, #"{"name":"bob"}"#, with: bob).kind == .done)
        #expect(outcome(exchange, 200, #"{"name":"admin"}"#, with: bob).kind == .refused)
        #expect(outcome(exchange, 403, #"{"name":"bob"}"#, headers: ["x-left": "0"], with: bob).kind == .later)
    }

    // MARK: Picks

    private static let listing = """
        answers: { done: [200] }
        pick: { from: data.users, equal: { id: "${with.of.id}", realm: main } }
        keep: [id, enabled]
        """

    @Test(arguments: [
        (#"{"data":{"users":[{"id":7,"realm":"main","enabled":true}]}}"#, Outcome.Kind.done),
        (#"{"data":{"users":[{"id":1,"realm":"main"},{"id":7,"realm":"main","enabled":true}]}}"#, .done),
        (#"{"data":{"users":[]}}"#, .refused),
        (#"{"data":{"users":[{"id":1,"realm":"main","enabled":true}]}}"#, .refused),
        (#"{"data":{"users":[{"id":7,"realm":"other"}]}}"#, .refused),
        (#"{"data":{"users":[{"id":"7","realm":"main"}]}}"#, .refused),
        (#"{"data":{"users":[{"id":7,"realm":"main"},{"id":7,"realm":"main"}]}}"#, .refused),
        (#"{"data":{}}"#, .refused), (#"{"data":{"users":{"id":7,"realm":"main"}}}"#, .refused), ("[]", .refused),
    ])
    func `exactly one entry of a list is taken, and never the first`(_ body: String, _ kind: Outcome.Kind) throws {
        let outcome = outcome(try exchange(Self.listing), 200, body, with: ["of": ["id": 7]])
        #expect(outcome.kind == kind)
        #expect(outcome.result == (kind == .done ? ["id": 7, "enabled": true] : .null))
    }

    // MARK: Computed members

    @Test func `members are computed from status, headers, body and what was asked for`() throws {
        let exchange = try exchange(
            """
            answers: { done: [200, 404], rules: [{ status: [404], that: 'body.error != "gone"', means: refused }] }
            keep:
              present: "${status == 200}"
              version: '${"etag" in headers ? headers["etag"] : dyn(null)}'
              enabled: "${status == 200 ? body.user.enabled : dyn(null)}"
              name: "${with.of}"
            """)
        #expect(
            outcome(
                exchange, 200, #"{"user":{"enabled":true,"secret":"s"}}"#, headers: ["etag": "W/\"1\""],
                with: ["of": "bob"]
            )
            .result == ["present": true, "version": "W/\"1\"", "enabled": true, "name": "bob"])
        #expect(
            outcome(exchange, 404, #"{"error":"gone"}"#, with: ["of": "bob"]).result
                == ["present": false, "version": nil, "enabled": nil, "name": "bob"])
        let unreadable = outcome(exchange, 200, #"{"user":{}}"#, with: ["of": "bob"])
        #expect(unreadable.kind == .later && unreadable.result == .null)
        #expect(unreadable.reason?.hasPrefix("what is kept of the answer could not be computed: ") == true)
    }

    // MARK: XML

    private static let xml = "  format: { body: xml, lists: [Keys, Names], repeated: [Entry] }"

    private func kept(_ expression: String, _ body: String) throws -> Outcome {
        outcome(
            try exchange("answers: { done: [200] }\nkeep: { it: '${\(expression)}' }", provider: Self.xml), 200, body)
    }

    @Test(
        arguments: [
            (#"body.A.B"#, "<A><B>x</B></A>", "x"),
            (#"body.A.Entry"#, "<A><Entry>x</Entry></A>", ["x"]),
            (#"body.A.Entry"#, "<A><Entry>x</Entry><Entry>y</Entry></A>", ["x", "y"]),
            (#""Entry" in body.A"#, "<A><B>x</B></A>", false),
            (#"body.code"#, "{\"code\": 7}", 7),
            (#"body.A.B"#, "<a:A xmlns:a='u'><a:B>x&amp;y&lt;</a:B></a:A>", "x&y<"),
            (#"body.A.B"#, "<?xml version='1.0'?><A><!-- no --><B k='v'><![CDATA[<x>]]></B></A>", "<x>"),
            (#"body.A.B"#, "<A><B>x</B><B>y</B></A>", ["x", "y"]), (#"body.A.B"#, "<A><B/></A>", ""),
            (#"body.A.Keys"#, "<A><Keys/></A>", []), (#"body.A.Keys"#, "<A><Keys><m>x</m></Keys></A>", ["x"]),
            (#"body.A.Keys"#, "<A><Keys><m><I>1</I></m><m><I>2</I></m></Keys></A>", [["I": "1"], ["I": "2"]]),
        ] as [(String, String, Value)])
    func `XML is read as maps, texts and declared lists`(_ path: String, _ body: String, _ value: Value) throws {
        let outcome = try kept(path, body)
        #expect(outcome.kind == .done)
        #expect(outcome.result == ["it": value])
    }

    @Test(arguments: [
        "", "x", "{}", "<A><B>x</A>", "<A><B>x</B>", "<A/><B/>",
        "<!DOCTYPE A [<!ENTITY b \"x\">]><A><B>&b;</B></A>",
        String(repeating: "<A>", count: 33) + String(repeating: "</A>", count: 33),
        "<A><B>x</B>" + String(repeating: "<C/>", count: 20_000) + "</A>",
    ])
    func `what is no XML, declares entities or has no end is not read`(_ body: String) throws {
        #expect(try kept("body.A.B", body).kind == .later)
    }

    // MARK: Limits

    @Test func `a provider's own headers say when it may be asked again`() throws {
        let exchange = try exchange("answers: { done: [200] }")
        let epoch = RateHeaders(remaining: "x-left", reset: "x-reset", resetAs: .epoch)
        let seconds = RateHeaders(remaining: "x-left", reset: "x-reset", resetAs: .seconds)
        let reset = Instant.start.milliseconds / 1000 + 30
        func wait(_ rates: RateHeaders, _ headers: [String: String]) -> Int64? {
            read(.answered(429, headers: headers), exchange, .read, rates: rates, at: .start).outcome
                .retryAfterMilliseconds
        }
        #expect(wait(epoch, ["x-left": "0", "x-reset": "\(reset)"]) == 30_000)
        #expect(wait(epoch, ["x-left": "0", "x-reset": "1"]) == 1000)
        #expect(wait(seconds, ["x-left": "0", "x-reset": "7"]) == 7000)
        #expect(wait(seconds, ["x-left": "3", "x-reset": "7"]) == nil)
        #expect(wait(epoch, ["x-left": "0", "x-reset": "\(reset)", "retry-after": "5"]) == 5000)
        // A date is so long after the answer's own; without one the provider's clock is anybody's guess.
        let (date, later) = ("Sun, 06 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 1994 08:50:07 GMT")
        #expect(wait(epoch, ["retry-after": later, "date": date]) == 30_000)
        #expect(wait(epoch, ["retry-after": date, "date": later]) == 0)
        #expect(
            wait(epoch, ["retry-after": "Sun, 06 Nov 2094 08:49:37 GMT", "date": date])
                == Limits.retryAfterMillisecondsMax)
        for wrong in [
            "06 Nov 1994 08:50:07 GMT", "Sun, 6 Nov 1994 08:50:07 GMT", "Sun, 06 Nov 1994 08:50:07 CET", "soon",
        ] {
            #expect(wait(epoch, ["retry-after": wrong, "date": date]) == nil, "\(wrong)")
        }
        #expect(wait(epoch, ["retry-after": later]) == nil)
        #expect(
            Lane.Report(.answered(200, headers: ["x-left": "0", "x-reset": "\(reset)"]), epoch, at: .start)
                == .limited(30_000))
        #expect(
            Lane.Report(.answered(200, headers: ["x-left": "1", "x-reset": "\(reset)"]), epoch, at: .start) == .sound)
    }
}
