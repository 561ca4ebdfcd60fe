// SPDX-License-Identifier: Apache-2.0

import CordonConnectors
import CordonCore
import CordonLanguage
import Testing

/// How a connector says what was delivered, and how connections name it.
@Suite struct ReconcileLoadingTests {
    private func mistakes(_ reconcile: String) throws -> [String] {
        let sketch = DefinitionSketch.connector.changed(
            "  capabilities:\n", to: "  reconcile:\n" + reconcile + "  capabilities:\n")
        return try sketch.refusal?.all.map { "\($0.code) \($0.message)" } ?? []
    }

    private func reconcile(_ head: String = "order: newest_first\n    kept: 3d", keep: String = "[items, next]")
        -> String
    {
        """
            \(head)
            list:
              request: { method: GET, to: base, path: /sent }
              answers: { done: [200] }
              keep: \(keep)

        """
    }

    @Test func `a sender says in which order it lists, how long it keeps, and what is read of it`() throws {
        #expect(try mistakes(reconcile()) == [])
        #expect(
            try mistakes(reconcile("order: newest_first")) == [
                "P035 how long the sender keeps what it delivered is not said"
            ])
        #expect(
            try mistakes(reconcile(keep: "[items]")) == ["P088 'next' is what is read of it, and it is not kept"])
    }

    @Test func `connections compare a source with a provider that tells what it delivered`() throws {
        let sketch = DefinitionSketch.connections.changed(
            "secrets: [{ file: state/hook }] }", to: "secrets: [{ file: state/hook }], reconcile: { provider: login } }"
        )
        let refusal = try #require(try sketch.refusal)
        #expect(
            refusal.all.map(\.message) == [
                "'desk-main' is compared with 'login', which is no provider that tells what it delivered"
            ])
    }

    @Test func `an item without a name or a time makes the page unreadable`() throws {
        let good: Value = ["delivery": "d", "at": "2026-01-02T03:04:05Z", "event": "e"]
        let page = try DeliveredPage.read(["items": [good], "next": ""]).get()
        #expect(page.items.map(\.name) == ["d"] && page.items[0].event == "e" && page.next == nil)
        for bad: Value in [
            ["at": "2026-01-02T03:04:05Z"], ["delivery": "d", "at": "yesterday"],
            ["delivery": "", "at": "2026-01-02T03:04:05Z"],
        ] {
            #expect(throws: Refusal.self) { try DeliveredPage.read(["items": [good, bad], "next": .null]).get() }
        }
        #expect(throws: Refusal.self) { try DeliveredPage.read(["next": .null]).get() }
    }

    @Test func `what was delivered is a body with the headers that it came with, as text or as a value`() throws {
        let value = try #require(Delivered.delivery(["headers": ["X-Event": "e"], "body": ["b": 1, "a": 2]]))
        #expect(value.headers == ["x-event": "e"])
        #expect(value.body == Array(#"{"a":2,"b":1}"#.utf8))
        #expect(Delivered.delivery(["body": "as it was"])?.body == Array("as it was".utf8))
        #expect(Delivered.delivery(["body": .null]) == nil)
    }
}
