// SPDX-License-Identifier: Apache-2.0

import CordonConnectors
package import CordonCore
package import CordonLanguage
package import CordonStore
import Logging
import Synchronization

// Sources that lose what they send are compared with what their sender says it sent. What is missing is taken in as if it
// had come; where that is no longer possible, the history says what span nobody knows about.

/// How far a source is compared, and what that showed.
package struct ReconcileStanding: Sendable, Hashable {
    /// Everything that was sent until then is here, or told as lost.
    package var until: Instant?
    package var recovered = 0
    package var lost = 0
    package var gaps = 0
    /// Why the last comparison failed; `nil`: it did not.
    package var failure: String?
    package var comparedAt: Instant?
    /// Of its stream of the history.
    var number = 0
    var notedAt: Instant?
    /// Those that could not be read, and how often.
    var tries: [String: Int] = [:]
    /// Those told as lost that the overlap may show once more, with the end of what was compared then.
    var told: [String: Instant] = [:]
    /// The digests of its keys that the history has.
    var keys: Set<String> = []

    /// Those told that a later comparison can meet.
    mutating func forgetTold(before until: Instant) {
        let past = until.adding(milliseconds: -Limits.reconcileOverlapMilliseconds)
        told = told.filter { $0.value > past }
    }

    package var value: Value {
        [
            "until": until.map { .string($0.description) } ?? .null, "recovered": .int(Int64(recovered)),
            "lost": .int(Int64(lost)), "gaps": .int(Int64(gaps)), "failure": failure.map(Value.string) ?? .null,
            "compared_at": comparedAt.map { .string($0.description) } ?? .null,
        ]
    }
}

/// What one comparison found.
struct Comparison: Sendable, Hashable {
    var from: Instant
    var until: Instant
    var listed = 0
    var recovered: [AlertID] = []
    var lost: [String] = []
    /// A span of which the sender no longer says anything.
    var gap: (from: Instant, until: Instant)?

    var line: Value {
        var body: [String: Value] = [
            "from": .string(from.description), "until": .string(until.description), "listed": .int(Int64(listed)),
            "known": .int(Int64(listed - recovered.count - lost.count)), "recovered": .int(Int64(recovered.count)),
            "lost": .int(Int64(lost.count)),
        ]
        let named = Limits.reconciledNamedMax
        if !recovered.isEmpty { body["alerts"] = .array(recovered.prefix(named).map { .string($0.text) }) }
        if !lost.isEmpty { body["deliveries_lost"] = .array(lost.prefix(named).map(Value.string)) }
        if let gap {
            body["gap"] = ["from": .string(gap.from.description), "until": .string(gap.until.description)]
        }
        return .object(body)
    }

    static func == (one: Comparison, other: Comparison) -> Bool { one.line == other.line }
    func hash(into hasher: inout Hasher) { hasher.combine(line) }
}

extension Engine {
    static func reconcileStream(_ source: String) -> String { "source:\(source)" }

    /// How each source stands: what came of it last, and what comparing it with its sender showed.
    package func sourceStandings() async throws(StoreError) -> [Value] {
        var all: [Value] = []
        for source in connections.sources {
            var query = AlertQuery()
            query.source = source.id
            query.limit = 1
            let last = try await store.alerts(query).first
            let standing = reconciles.withLock { $0[source.id] }
            all.append([
                "id": .string(source.id), "connector": .string(source.connector),
                "last_alert": last.map { .string($0.id.text) } ?? .null,
                "last_received_at": last.map { .string($0.receivedAt.description) } ?? .null,
                "reconcile": source.reconcile == nil ? .null : (standing ?? ReconcileStanding()).value,
                "rejected": .object(counts.rejected(of: source.id).mapValues { .int(Int64($0)) }),
            ])
        }
        return all
    }

    /// Compares every source that says where, each at its own pace, until the engine drains.
    func keepReconciling() async {
        await withDiscardingTaskGroup { group in
            for source in connections.sources {
                guard let reconcile = source.reconcile else { continue }
                group.addTask { await self.keepReconciling(source, reconcile) }
            }
        }
    }

    private func keepReconciling(_ source: Connections.Source, _ reconcile: Connections.Reconcile) async {
        var failures = 0
        while !Task.isCancelled, !isDraining {
            let began = clock.now
            var wait = reconcile.everyMilliseconds
            do {
                try await compare(source, reconcile)
                failures = 0
            } catch let error as StoreError {
                if error.code == .unavailable { return fail(error) }
                logger.error(
                    "a source could not be compared", metadata: ["source": "\(source.id)", "error": "\(error)"])
                // The history may be further than is known here: it is read anew.
                reconciles.withLock { $0[source.id] = nil }
            } catch let error as ReconcileFailure {
                failures += 1
                logger.warning(
                    "a source could not be compared with its sender",
                    metadata: ["source": "\(source.id)", "reason": "\(error.reason)", "in_a_row": "\(failures)"])
                reconciles.withLock { $0[source.id]?.failure = error.reason }
                wait = error.retryAfterMilliseconds ?? wait << Int64(min(failures - 1, 4))
            } catch {
                logger.error(
                    "a source could not be compared", metadata: ["source": "\(source.id)", "error": "\(error)"])
            }
            await clock.sleep(until: began.adding(milliseconds: max(wait, Limits.pollMillisecondsMin)))
        }
    }

    struct ReconcileFailure: Error, Hashable {
        var reason: String
        var retryAfterMilliseconds: Int64?
        /// It says nothing of those after it.
        var isOfOne = false
    }

    /// One comparison, from where the last one ended.
    func compare(_ source: Connections.Source, _ reconcile: Connections.Reconcile) async throws {
        guard let provider = providers[reconcile.provider], let asking = provider.shape.reconcile,
            let shape = shape(of: source.id)
        else { return }
        let now = clock.now
        let standing = try await begun(recallStanding(source.id), source.id, at: now)
        // What is under way counts as sent and may still come by itself.
        let until = now.adding(milliseconds: -Limits.reconcileGraceMilliseconds)
        let oldest = now.adding(milliseconds: -asking.keptMilliseconds)
        guard let since = standing.until, until > since else { return }
        var found = Comparison(from: max(since, oldest), until: until)
        if since < oldest { found.gap = (since, oldest) }
        let ask = Question(source: source, reconcile: reconcile, shape: asking)
        var failures: [ReconcileFailure] = []
        for item in try await listed(ask, &found) {
            do { try await take(item, ask, shape, &found) } catch let error as ReconcileFailure {
                failures.append(error)
                guard error.isOfOne, failures.count < Limits.reconcileUnreadMax else { throw error }
            }
        }
        if let first = failures.first {
            if !found.recovered.isEmpty { try await noteRecovered(found, source.id, standing, at: now) }
            throw first
        }
        try await note(found, source.id, standing, at: now)
    }

    /// Where it begins stays where it was when it was first asked, however long the first comparison fails.
    private func begun(_ standing: ReconcileStanding, _ source: String, at now: Instant) -> ReconcileStanding {
        guard standing.until == nil else { return standing }
        var standing = standing
        standing.until = now.adding(milliseconds: -Limits.reconcileFirstMilliseconds)
        keep(standing, source)
        return standing
    }

    /// Everything within the span, each delivery once, the oldest first. A listing that breaks off counts for nothing.
    private func listed(_ ask: Question, _ found: inout Comparison) async throws -> [Delivered] {
        let from = found.from.adding(milliseconds: -Limits.reconcileOverlapMilliseconds)
        var items: [String: Delivered] = [:]
        var cursor: String?
        for page in 1...Limits.reconcilePagesMax {
            let outcome = await self.outcome(
                ask, page, isItem: false,
                [
                    "from": .string(from.description), "until": .string(found.until.description),
                    "cursor": cursor.map(Value.string) ?? .null,
                ])
            guard outcome.kind == .done || outcome.kind == .already else { throw failure(outcome) }
            let heard: DeliveredPage
            switch DeliveredPage.read(outcome.result) {
            case .success(let read): heard = read
            case .failure(let refusal): throw ReconcileFailure(reason: refusal.reason)
            }
            for item in heard.items where item.at > from && item.at <= found.until && items[item.name] == nil {
                items[item.name] = item
            }
            let isPast = ask.shape.isNewestFirst && heard.items.contains { $0.at <= from }
            // The page after an empty one is empty too: some senders always name one.
            guard let next = heard.next, next != cursor, !isPast, !heard.items.isEmpty else {
                return items.values.sorted { ($0.at, $0.name) < ($1.at, $1.name) }
            }
            cursor = next
        }
        let all = items.values.sorted { ($0.at, $0.name) < ($1.at, $1.name) }
        guard let first = all.first, let last = all.last else {
            found.gap = (found.gap?.from ?? found.from, found.until)
            return []
        }
        // Too many for one time: the rest of what comes oldest first is next, of what comes newest first it is passed by.
        if ask.shape.isNewestFirst {
            found.gap = (found.gap?.from ?? found.from, first.at)
        } else if last.at > found.from {
            found.until = last.at
        } else {
            // More within the overlap than one time takes: it would never get beyond it.
            found.gap = (found.gap?.from ?? found.from, found.until)
        }
        return all
    }

    private func take(
        _ item: Delivered, _ ask: Question, _ shape: SourceShape, _ found: inout Comparison
    ) async throws {
        found.listed += 1
        if reconciles.withLock({ $0[ask.source.id]?.told[item.name] != nil }) { return }
        if try await isKnown(item, ask.source.id) { return }
        var held = Delivered.delivery(item.item)
        if held == nil, ask.shape.item != nil {
            let outcome = await outcome(ask, found.listed, isItem: true, ["item": item.item])
            switch outcome.kind {
            case .done, .already: held = Delivered.delivery(outcome.result)
            case .refused where outcome.status == 404 || outcome.status == 410: held = nil
            case .later: throw failure(outcome)
            case .refused where outcome.status == 401 || outcome.status == 403: throw failure(outcome)
            case .unknown, .refused:
                // Too long, or not as it should be: those after it don't wait for it for ever.
                guard triesOf(item, ask.source.id) >= Limits.reconcileTriesMax else {
                    var one = failure(outcome)
                    one.isOfOne = true
                    throw one
                }
                held = nil
            }
        }
        var random = SystemRandomNumberGenerator()
        let id = AlertID(at: clock.now, random: (random.next(), UInt16.random(in: .min ... .max, using: &random)))
        guard let held,
            let raw = try? shape.recover(held, named: item.name, source: ask.source.id, id: id, at: clock.now)
        else { return found.lost.append(item.name) }
        let alert = sealed(raw)
        let entry = chronicle.entry(alert.id.text, 1, alert.receivedAt, "alertReceived", alert.receipt)
        guard case .stored = try await store.accept(alert, entry: entry) else { return }
        // Durable from here: a crash finds it as any alert, and the next comparison knows it.
        count { $0.alertsStored += 1 }
        hand(.read(alert, isNew: true))
        found.recovered.append(alert.id)
    }

    /// How often it could not be read, this time too.
    private func triesOf(_ item: Delivered, _ source: String) -> Int {
        reconciles.withLock { standings in
            standings[source]?.tries[item.name, default: 0] += 1
            return standings[source]?.tries[item.name] ?? 0
        }
    }

    private func isKnown(_ item: Delivered, _ source: String) async throws(StoreError) -> Bool {
        if let event = item.event {
            let key = EventKey(source: source, name: event)
            if try await store.signals(telling: [key])[key] != nil { return true }
        }
        var query = AlertQuery()
        query.source = source
        query.delivery = item.name
        query.limit = 1
        return try await !store.alerts(query).isEmpty
    }

    private struct Question {
        var source: Connections.Source
        var reconcile: Connections.Reconcile
        var shape: ProviderShape.Reconcile
    }

    private func outcome(
        _ ask: Question, _ number: Int, isItem: Bool, _ arguments: [String: Value]
    ) async -> Outcome {
        let all = Value.object(ask.reconcile.arguments.merging(arguments) { _, own in own })
        let draft = ask.shape.draft(
            RunID(stem: ask.source.id), number: number, isItem: isItem, provider: ask.reconcile.provider, all)
        switch sealer.seal(draft) {
        case .failure(let refusal): return Outcome(.refused, reason: refusal.reason)
        case .success(let seal):
            let now = clock.now
            let call = Call(
                number: number, purpose: .act, attempt: 1, capability: draft.capability, provider: draft.provider,
                effectClass: .read, arguments: all, seal: seal, intendedAt: now,
                deadline: now.adding(milliseconds: Limits.callTimeoutMillisecondsDefault))
            return await performer.performInTurn(
                Errand(run: draft.run, step: draft.step, call: call, subject: nil, severity: .low), isSealedHere: true
            ).outcome
        }
    }

    private func failure(_ outcome: Outcome) -> ReconcileFailure {
        let status = outcome.status.map { " (HTTP \($0))" } ?? ""
        return ReconcileFailure(
            reason: (outcome.reason ?? "no reason given") + status,
            retryAfterMilliseconds: outcome.kind == .later ? outcome.retryAfterMilliseconds : nil)
    }

    // MARK: The history

    /// What stands in the history of it, read once.
    private func recallStanding(_ source: String) async throws(StoreError) -> ReconcileStanding {
        if let known = reconciles.withLock({ $0[source] }) { return known }
        var standing = ReconcileStanding()
        while true {
            let page = try await store.history(
                Engine.reconcileStream(source), from: standing.number + 1, limit: StoreLimits.rowsPerPageMax)
            for line in page.map(\.entry) {
                standing.number = line.number
                if line.kind == "originKeyUsed", let digest = (try? JSON.parse(line.bytes))?.at("body", "key") {
                    standing.keys.insert(digest.stringValue ?? "")
                }
                guard line.kind == "sourceReconciled", let body = (try? JSON.parse(line.bytes))?["body"] else {
                    continue
                }
                standing.until = body["until"]?.stringValue.flatMap { Instant(rfc3339: $0) } ?? standing.until
                standing.recovered += Int(body["recovered"]?.intValue ?? 0)
                standing.lost += Int(body["lost"]?.intValue ?? 0)
                standing.gaps += body["gap"] == nil ? 0 : 1
                standing.notedAt = line.at
                standing.comparedAt = line.at
                for name in (body["deliveries_lost"]?.arrayValue ?? []).compactMap(\.stringValue) {
                    standing.told[name] = standing.until ?? line.at
                }
            }
            guard page.count == StoreLimits.rowsPerPageMax else { break }
        }
        if let until = standing.until { standing.forgetTold(before: until) }
        let read = standing
        // Somebody else may have read it meanwhile, and written since.
        return reconciles.withLock { standings in
            let known = standings[source] ?? read
            standings[source] = known
            return known
        }
    }

    /// The cursor is in the history: a line when something was missing, and otherwise one in an hour.
    private func note(
        _ found: Comparison, _ source: String, _ before: ReconcileStanding, at now: Instant
    ) async throws {
        var after = before
        after.until = found.until
        after.comparedAt = now
        after.failure = nil
        after.tries = [:]
        after.recovered += found.recovered.count
        after.lost += found.lost.count
        after.gaps += found.gap == nil ? 0 : 1
        for name in found.lost { after.told[name] = found.until }
        after.forgetTold(before: found.until)
        let isTold = !found.recovered.isEmpty || !found.lost.isEmpty || found.gap != nil
        let isDue = before.notedAt.map { now.since($0) >= Limits.reconcileNotedMilliseconds } ?? true
        if isTold || isDue {
            try await noteSource(source, "sourceReconciled", found.line, at: now)
            after.notedAt = now
        }
        if isTold {
            logger.warning(
                "a source lost what its sender says it delivered",
                metadata: [
                    "source": "\(source)", "recovered": "\(found.recovered.count)", "lost": "\(found.lost.count)",
                    "gap": "\(found.gap != nil)",
                ])
        }
        keep(after, source)
    }

    /// Others may have written to the stream meanwhile.
    private func keep(_ standing: ReconcileStanding, _ source: String) {
        reconciles.withLock { standings in
            let (number, keys) = (standings[source]?.number ?? 0, standings[source]?.keys ?? [])
            standings[source] = standing
            standings[source]?.number = max(number, standing.number)
            standings[source]?.keys.formUnion(keys)
        }
    }

    /// Tells the key that showed whose an alert is, in full and once for its source, before a receipt names it: whoever
    /// has the history can look at the signature again, also when its issuer publishes other keys.
    func noteOriginKey(of alert: Alert, at now: Instant) async throws(StoreError) {
        guard let key = alert.originKey else { return }
        func isTold() -> Bool { reconciles.withLock { $0[alert.source]?.keys.contains(key.digest) } ?? false }
        guard !isTold() else { return }
        let failure: StoreError? = await sourceLocks.whileLocked(["key of \(alert.source)"]) {
            do throws(StoreError) {
                _ = try await recallStanding(alert.source)
                guard !isTold() else { return nil }
                let body: Value = ["key": .string(key.digest), "text": .string(key.text)]
                try await noteSource(alert.source, "originKeyUsed", body, at: now)
                reconciles.withLock { _ = $0[alert.source]?.keys.insert(key.digest) }
                return nil
            } catch { return error }
        }
        if let failure { throw failure }
    }

    /// Writes the next line of a source's stream.
    func noteSource(_ source: String, _ kind: String, _ body: Value, at now: Instant) async throws(StoreError) {
        let failure: StoreError? = await sourceLocks.whileLocked([source]) {
            do throws(StoreError) {
                let number = try await recallStanding(source).number + 1
                let entry = chronicle.entry(Engine.reconcileStream(source), number, now, kind, body)
                try await store.note(entry, notices: [])
                reconciles.withLock { $0[source]?.number = number }
                return nil
            } catch {
                // The history may be further than is known here: it is read anew.
                reconciles.withLock { $0[source] = nil }
                return error
            }
        }
        if let failure { throw failure }
    }

    /// What was taken in is told also where the rest could not be read; the cursor stays, and so do the tries.
    private func noteRecovered(
        _ found: Comparison, _ source: String, _ before: ReconcileStanding, at now: Instant
    ) async throws {
        var part = found
        part.until = before.until ?? found.from
        part.lost = []
        part.gap = nil
        try await noteSource(source, "sourceReconciled", part.line, at: now)
        reconciles.withLock { standings in
            standings[source]?.recovered += part.recovered.count
            standings[source]?.notedAt = now
        }
    }
}
