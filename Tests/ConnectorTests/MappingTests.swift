// SPDX-License-Identifier: Apache-2.0

import CordonCore
import CordonLanguage
import Foundation
import Testing

@testable import CordonConnectors

/// What a connector's file can say of a delivery: lists, names of events and deliveries, and how bodies are read.
@Suite struct MappingTests {
    private func shape(_ lines: String, signals: String = MappingTests.one) throws -> SourceShape {
        let text = """
            connector: desk
            title: A desk
            vendor: https://desk.example
            source:
              authentication: { scheme: basic }
            \(lines.split(separator: "\n").map { "  " + $0 }.joined(separator: "\n"))
              signals:
            \(signals.split(separator: "\n").map { "    " + $0 }.joined(separator: "\n"))
            """
        return try #require(try connector("desk", text).source)
    }

    private static let one = """
        - when: has(item.done)
          ignore: it is over
        - when: has(item.id)
          kind: notice.given
          occurred_at: "${item.?at.orValue(null)}"
          event: "${item.?key.orValue(null)}"
          with: { event: "${item.id}", resources: "${item.?resources.orValue([])}" }
        """

    private func normalize(_ shape: SourceShape, _ body: String) -> Normalization {
        let bytes = Array(body.utf8)
        return shape.normalize(
            Alert(
                id: AlertID(stem: "01"), source: "desk", deliveryID: "d", receivedAt: .start, headers: [:], body: bytes,
                bodyDigest: digestText(bytes), originProof: .channel))
    }

    private func events(_ found: Normalization) -> [String] {
        found.signals.map { $0.attributes["event"]?.stringValue ?? "" }
    }

    @Test(arguments: [
        ("0.75", 0.75), ("1", 1), ("0", 0), ("1.5", nil), ("-1", nil), ("\"high\"", nil), ("null", nil),
    ])
    func `how sure a source says that it is is a number from 0 to 1, or it doesn't say`(
        _ text: String, _ confidence: Double?
    ) throws {
        let shape = try shape(
            "", signals: Self.one.replacingOccurrences(of: "  event:", with: "  confidence: \"${item.sure}\"\n  event:")
        )
        let found = normalize(shape, #"{"id":"a","sure":\#(text)}"#)
        #expect(found.signals.map(\.confidence) == [confidence])
        #expect(normalize(shape, #"{"id":"a"}"#).signals.map(\.confidence) == [nil])
    }

    @Test func `each item of a list gives a signal of its own`() throws {
        let shape = try shape("each: body.all")
        let found = normalize(shape, #"{"all":[{"id":"a"},{"done":1},{"id":"b"},{"id":"c"}]}"#)
        #expect(events(found) == ["a", "b", "c"])
        #expect(found.signals.map(\.id.text) == ["sig_01", "sig_01-2", "sig_01-3"])
        #expect(normalize(shape, #"{"all":[]}"#) == .nothing("it lists nothing"))
        #expect(
            normalize(shape, #"{"all":[{"done":1},{"done":2}]}"#)
                == .nothing("item 1: rule 1 says that it concerns nobody"))
    }

    @Test func `a list of what nobody knows is kept for a person, with the place of the first`() throws {
        let shape = try shape("each: body.all")
        #expect(
            normalize(shape, #"{"all":[{"done":1},{"x":1},{"y":1}]}"#)
                == .unknownShape("item 2: no rule of its connector matches"))
        guard case .partly(let signals, let reason) = normalize(shape, #"{"all":[{"id":"a"},{"x":1}]}"#) else {
            Issue.record("one of the two is known")
            return
        }
        #expect(signals.count == 1)
        #expect(reason == "item 2: no rule of its connector matches")
    }

    @Test(arguments: [#"{"all":{}}"#, #"{"all":7}"#, "{}", "[]", "7"])
    func `what has no list is kept for a person`(_ body: String) throws {
        guard case .unknownShape(let reason) = normalize(try shape("each: body.all"), body) else {
            Issue.record("must be of unknown shape")
            return
        }
        #expect(reason.hasPrefix("'each' g"))
    }

    @Test func `a list is read up to its bound, and not beyond`() throws {
        let shape = try shape("each: body")
        let items = Array(repeating: #"{"id":"a"}"#, count: Limits.signalsPerAlertMax)
        #expect(normalize(shape, "[" + items.joined(separator: ",") + "]").signals.count == Limits.signalsPerAlertMax)
        guard
            case .unknownShape(let reason) = normalize(
                shape, "[" + (items + [#"{"id":"b"}"#]).joined(separator: ",") + "]")
        else {
            Issue.record("must be over the limit")
            return
        }
        #expect(reason.contains("signalsPerAlertMax"))
    }

    @Test func `the name of an event is kept, a number as text and a long one as its digest`() throws {
        let shape = try shape("body_bytes_max: 65536")
        #expect(normalize(shape, #"{"id":"a","key":"k-1"}"#).signals.first?.eventKey == "k-1")
        #expect(normalize(shape, #"{"id":"a","key":9007199254740993}"#).signals.first?.eventKey == "9007199254740993")
        #expect(normalize(shape, #"{"id":"a"}"#).signals.first?.eventKey == nil)
        let long = String(repeating: "k", count: Limits.eventKeyBytesMax)
        #expect(normalize(shape, #"{"id":"a","key":"\#(long)"}"#).signals.first?.eventKey == long)
        #expect(
            normalize(shape, #"{"id":"a","key":"\#(long)k"}"#).signals.first?.eventKey
                == digestText(Array((long + "k").utf8)))
        #expect(
            normalize(shape, #"{"id":"a","key":[]}"#) == .unknownShape("rule 2: 'event' is a list, not a text"))
    }

    @Test func `a field of another type than its kind's is kept for a person`() throws {
        let shape = try shape("body_bytes_max: 65536")
        #expect(normalize(shape, #"{"id":"a","resources":["r"]}"#).signals.count == 1)
        #expect(
            normalize(shape, #"{"id":7}"#) == .unknownShape("rule 2: 'event' is int, notice.given wants string there"))
        #expect(normalize(shape, #"{"id":"a","resources":[7]}"#).signals.isEmpty)
        #expect(normalize(shape, #"{"id":"a","resources":"r"}"#).signals.isEmpty)
    }

    @Test func `a rehearsal hears what a source says without what its channel puts around it`() throws {
        let bytes = Array(#"{"detail":{"id":"f","type":"T","arn":"a"}}"#.utf8)
        let alert = Alert(
            id: AlertID(stem: "01"), source: "s", deliveryID: "d", receivedAt: .start, headers: [:], body: bytes,
            bodyDigest: digestText(bytes), originProof: .none)
        let connector = try shippedConnector("guardduty")
        #expect(connector.source?.normalize(alert).signals.isEmpty == true)
        #expect(connector.heardPlainly.source?.normalize(alert).signals.count == 1)
        #expect(try shippedConnector("google-scc").heardPlainly.source?.content == .json)
        #expect(try shippedConnector("github").heardPlainly == shippedConnector("github"))
    }

    @Test func `bodies of lines are read line by line, and a list or one value as such`() throws {
        let shape = try shape("content: lines\neach: body")
        #expect(events(normalize(shape, "{\"id\":\"a\"}\n{\"id\":\"b\"}\r\n\n")) == ["a", "b"])
        #expect(events(normalize(shape, #"[{"id":"a"},{"id":"b"}]"#)) == ["a", "b"])
        #expect(events(normalize(shape, #"{"id":"a"}"#)) == ["a"])
        guard case .unknownShape(let reason) = normalize(shape, "{\"id\":\"a\"}\nno JSON") else {
            Issue.record("must be of unknown shape")
            return
        }
        #expect(reason.hasPrefix("the body is no JSON"))
        let many = String(repeating: "{}\n", count: Limits.signalsPerAlertMax + 1)
        #expect(normalize(shape, many).signals.isEmpty)
    }

    @Test func `what Pub/Sub pushes is opened, and what is no push is kept for a person`() throws {
        let shape = try shape("content: pubsub\ndelivery: [message, messageId]")
        let data = Data(#"{"id":"a"}"#.utf8).base64EncodedString()
        let body = #"{"message":{"data":"\#(data)","messageId":"m-7"}}"#
        #expect(events(normalize(shape, body)) == ["a"])
        #expect(normalize(shape, #"{"id":"a"}"#).signals.isEmpty)
        #expect(normalize(shape, #"{"message":{"data":"no base 64!"}}"#).signals.isEmpty)
        let headers = ["authorization": "Basic " + Data("a:b".utf8).base64EncodedString()]
        for (body, name) in [(body, "m-7"), (#"{"message":{"messageId":7}}"#, "7")] {
            let alert = try shape.receive(
                InboundDelivery(headers: headers, body: Array(body.utf8)), source: "desk", secrets: [Secret("a:b")],
                id: AlertID(stem: "01"), at: .start)
            #expect(alert.deliveryID == name)
        }
        let nameless = try shape.receive(
            InboundDelivery(headers: headers, body: Array(#"{"message":{"messageId":[]}}"#.utf8)), source: "desk",
            secrets: [Secret("a:b")], id: AlertID(stem: "01"), at: .start)
        #expect(nameless.deliveryID == nameless.bodyDigest)
    }

    @Test(arguments: [
        ("\"2025-02-25 20:40:06.721\"", "2025-02-25T20:40:06.721Z"),
        ("\"2024-10-29 18:52:51.953000000\"", "2024-10-29T18:52:51.953Z"),
        ("\"2021-05-02T14:19:01.3266667Z\"", "2021-05-02T14:19:01.326Z"),
        ("\"2019-09-18T00:52:45.9696658+02:00\"", "2019-09-17T22:52:45.969Z"),
        ("\"2024-05-30 08:55:35 (UTC)\"", "2024-05-30T08:55:35.000Z"),
        ("\"1483557272\"", "2017-01-04T19:14:32.000Z"), ("\"1483557272.5\"", "2017-01-04T19:14:32.500Z"),
        ("1702857600", "2023-12-18T00:00:00.000Z"), ("1621305118553", "2021-05-18T02:31:58.553Z"),
        ("1621305118553123", "2021-05-18T02:31:58.553Z"), ("1621305118553123456", "2021-05-18T02:31:58.553Z"),
        ("1702857600.25", "2023-12-18T00:00:00.250Z"), ("1.621305118553e12", "2021-05-18T02:31:58.553Z"),
        ("\"0001-01-01T00:00:00Z\"", ""), ("\"1970-01-01T00:00:00Z\"", ""), ("0", ""), ("-5", ""), ("1e300", ""),
        ("\"yesterday\"", ""), ("\"\"", ""), ("true", ""), ("[]", ""), ("\"nan\"", ""), ("\"1e400\"", ""),
    ])
    func `a time is read as its source writes it`(_ written: String, _ read: String) throws {
        let found = normalize(try shape("body_bytes_max: 65536"), #"{"id":"a","at":\#(written)}"#)
        #expect(found.signals.first?.occurredAt?.description ?? "" == read)
    }
}
