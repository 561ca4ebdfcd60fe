// SPDX-License-Identifier: Apache-2.0

package import CordonCore
package import CordonLanguage

extension ProviderShape {
    /// How a provider is asked what it delivered, so that what a source lost on its way is found and taken in.
    package struct Reconcile: Sendable, Hashable {
        /// One page of what was delivered between `with.from` and `with.until`, after `with.cursor`. Keeps `items` and
        /// `next`, the cursor of the page after it or null.
        package var list: Exchange
        /// What one of them, `with.item`, held; `nil` where the listing holds it already.
        package var item: Exchange?
        package var isNewestFirst: Bool
        /// How long it is kept there.
        package var keptMilliseconds: Int64

        static let listName = "reconcile.list"
        static let itemName = "reconcile.item"

        func action(_ name: String) -> Action? {
            let exchange = name == Reconcile.listName ? list : name == Reconcile.itemName ? item : nil
            return exchange.map {
                Action(
                    effectClass: .read, act: $0, state: nil,
                    timeoutMilliseconds: Limits.callTimeoutMillisecondsDefault)
            }
        }
    }
}

extension Connections {
    /// Where a source is compared with what its sender says it delivered.
    package struct Reconcile: Sendable, Hashable {
        package var provider: String
        package var everyMilliseconds: Int64
        /// What the provider's requests take as `with`.
        package var arguments: [String: Value]

        package init(provider: String, everyMilliseconds: Int64, arguments: [String: Value] = [:]) {
            self.provider = provider
            self.everyMilliseconds = everyMilliseconds
            self.arguments = arguments
        }
    }
}

/// One thing that a sender says it delivered.
package struct Delivered: Sendable, Hashable {
    /// As the delivery itself was named.
    package var name: String
    package var at: Instant
    /// The event's own name, where one delivery tells of one event.
    package var event: String?
    /// The whole item, for the request that asks for what it held.
    package var item: Value

    package init?(_ item: Value) {
        guard let name = item["delivery"]?.stringValue, (1...Limits.deliveryIDBytesMax).contains(name.utf8.count),
            let at = item["at"]?.stringValue.flatMap({ Instant(rfc3339: $0) })
        else { return nil }
        self.name = name
        self.at = at
        self.item = item
        event = item["event"]?.stringValue
    }

    /// What it held, with the headers that it came with: of the listing's item, or of an answer about it.
    package static func delivery(_ value: Value) -> InboundDelivery? {
        guard let body = value["body"], body != .null else { return nil }
        let headers = (value["headers"]?.objectValue ?? [:]).compactMapValues(\.stringValue)
        return InboundDelivery(
            headers: Dictionary(headers.map { ($0.key.lowercased(), $0.value) }) { first, _ in first },
            body: body.stringValue.map { Array($0.utf8) } ?? body.jsonBytes)
    }
}

/// A page of them.
package struct DeliveredPage: Sendable, Hashable {
    package var items: [Delivered]
    package var next: String?

    package static func read(_ result: Value) -> Result<DeliveredPage, Refusal> {
        guard let values = result["items"]?.arrayValue else {
            return .failure(Refusal(.undecided, "the listing holds no 'items'"))
        }
        let items = values.compactMap(Delivered.init)
        guard items.count == values.count else {
            return .failure(Refusal(.undecided, "an item of the listing has no 'delivery' or no time 'at'"))
        }
        let next = result["next"]?.stringValue.flatMap { $0.isEmpty ? nil : $0 }
        return .success(DeliveredPage(items: items, next: next))
    }
}

extension ProviderShape.Reconcile {
    /// The call that asks for a page, or for one item.
    package func draft(_ run: RunID, number: Int, isItem: Bool, provider: String, _ arguments: Value) -> CallDraft {
        CallDraft(
            run: run, step: "reconcile", number: number, purpose: .act,
            capability: isItem ? Self.itemName : Self.listName, provider: provider, arguments: arguments)
    }
}

extension SourceShape {
    /// The alert of what a sender says it delivered and nobody here has: the channel shows whose it is, no signature does.
    package func recover(
        _ delivery: InboundDelivery, named name: String, source: String, id: AlertID, at now: Instant
    ) throws(Rejection) -> Alert {
        guard delivery.body.count <= bodyBytesMax else { throw .bodyTooLarge }
        var kept: [String: String] = [:]
        for header in keptHeaders {
            if let value = delivery.headers[header], value.utf8.count <= Limits.headerValueBytesMax {
                kept[header] = value
            }
        }
        return Alert(
            id: id, source: source, deliveryID: name, receivedAt: now, headers: kept, body: delivery.body,
            bodyDigest: digestText(delivery.body), originProof: .channel)
    }
}

extension ProviderLoader {
    private enum Order: String, CaseIterable {
        case newestFirst = "newest_first"
        case oldestFirst = "oldest_first"
    }

    func reconcile(_ map: YAMLFields) -> ProviderShape.Reconcile? {
        guard let fields = map.mapping("reconcile") else { return nil }
        defer { fields.refuseUnknown() }
        let order = fields.oneOf("order", Order.self, required: true)
        let kept = fields.milliseconds(
            "kept", in: Limits.reconcileMillisecondsMin...Limits.reconcileKeptMillisecondsMax)
        if !fields.has("kept") {
            fields.report(
                DefinitionCode.missingInput.rawValue, "order",
                "how long the sender keeps what it delivered is not said",
                "write kept: 3d")
        }
        let list = fields.mapping("list", required: true).flatMap { whole($0, keeping: ["items", "next"]) }
        let item = fields.mapping("item").flatMap { whole($0, keeping: ["body"]) }
        guard let order, let kept, let list else { return nil }
        return ProviderShape.Reconcile(
            list: list, item: item, isNewestFirst: order == .newestFirst, keptMilliseconds: kept)
    }

    private func whole(_ map: YAMLFields, keeping names: [String]) -> ProviderShape.Exchange? {
        defer { map.refuseUnknown() }
        guard var exchange = exchange(map, isRead: true) else { return nil }
        for name in names where !exchange.keep.contains(name) {
            map.report(
                DefinitionCode.unpromised.rawValue, "answers", "'\(name)' is what is read of it, and it is not kept",
                "work it out under 'keep'")
        }
        exchange.resultBytesMax = Limits.reconcileBytesMax
        return exchange
    }
}
