// SPDX-License-Identifier: Apache-2.0

import CordonConnectors
import CordonCore
import CordonEvidence
import CordonLanguage
import CordonStore

/// What stands beside the entries: rows, snapshots, blobs, bodies, definitions.
extension StateAudit {
    mutating func note(_ line: HistoryLine, _ place: @autoclosure () -> String) {
        if line.kind == "alertReceived" { receipts[line.stream] = line }
        guard line.kind == "signalNormalized" || line.kind == "decisionMade", let id = line.told["id"]?.stringValue
        else { return }
        let (told, place) = (line.told, place())
        switch line.kind {
        case "signalNormalized": rows[id] = (digestText(told.jsonBytes), place, told["kind"]?.stringValue, line.at)
        case "decisionMade":
            let isCut = told["cut"]?.value == true
            rows[id] = (
                isCut ? told["digest"]?.stringValue ?? "" : digestText(told.jsonBytes), place,
                told["verdict"]?.stringValue, line.at
            )
        default: break
        }
    }

    mutating func checkRows() async throws(StoreError) {
        var query = AlertQuery()
        query.oldestFirst = true
        query.limit = 200
        var seen: Set<String> = []
        while true {
            let page = try await store.alerts(query)
            let told = try await told(of: page)
            for alert in page {
                seen.insert(alert.id.text)
                try await check(alert, told[alert.id] ?? [])
            }
            guard page.count == query.limit else { break }
            query.beyond = page.last?.id
        }
        // Those of which a line tells and no row is left.
        let lost = history.bodies.keys.filter { !seen.contains($0) } + rows.keys
        for id in lost.sorted() {
            report.find(.broken, .rowDiffers, id, "its lines are there and its row is not")
        }
    }

    private typealias Told = [(id: String, body: [UInt8], word: String, isAsItsBody: Bool, at: Instant?)]

    /// The signals and decisions of some alerts, read several at a time: one after the other, the way to the store and
    /// back would take longer than all else.
    private func told(of alerts: [Alert]) async throws(StoreError) -> [AlertID: Told] {
        let store = store
        let found = await withTaskGroup(of: (AlertID, Result<Told, StoreError>).self) { group in
            for alert in alerts { group.addTask { (alert.id, await StateAudit.told(of: alert.id, in: store)) } }
            return await group.reduce(into: []) { $0.append($1) }
        }
        var told: [AlertID: Told] = [:]
        for (alert, result) in found { told[alert] = try result.get() }
        return told
    }

    private static func told(of alert: AlertID, in store: any Store) async -> Result<Told, StoreError> {
        var query = DecisionQuery()
        query.alert = alert
        query.limit = 10_000
        do throws(StoreError) {
            let signals: Told = try await store.signals(of: alert).map { row in
                let isSo = StateAudit.says(row.body, ["alert": alert.text, "received_at": row.receivedAt.description])
                return (id: row.id.text, body: row.body, word: row.kind, isAsItsBody: isSo, at: nil)
            }
            let decisions: Told = try await store.decisions(query).map { row in
                let isSo = StateAudit.says(row.body, ["alert": alert.text, "signal": row.signal.text])
                return (id: row.id.text, body: row.body, word: row.verdict, isAsItsBody: isSo, at: row.at)
            }
            return .success(signals + decisions)
        } catch { return .failure(error) }
    }

    /// Whether the members of a row's body are those that its columns say.
    private static func says(_ body: [UInt8], _ members: [String: String]) -> Bool {
        let told = JSONView(canonical: body, body.indices) ?? (try? JSON.parse(body)).map(JSONView.tree)
        return members.allSatisfy { told?[$0.key]?.stringValue == $0.value }
    }

    private mutating func check(_ alert: Alert, _ told: Told) async throws(StoreError) {
        guard let named = history.bodies[alert.id.text] else {
            if try await wentOn(alert.id.text) { return }
            return report.find(.broken, .rowDiffers, alert.id.text, "no line of the history tells of this alert")
        }
        if let receipt = receipts.removeValue(forKey: alert.id.text), !alert.isAsReceived(receipt) {
            report.find(
                .broken, .rowDiffers, alert.id.text,
                "its row says something else than \(receipt.stream)@\(receipt.number)")
        }
        if alert.body.isEmpty, named.digest != digestText([]) {
            if !history.expired.contains(alert.id.text), !(try await wentOn(RetentionBook.stream)) {
                report.find(
                    .broken, .blobMissing, "body of \(alert.id)", "it is gone, and no line says that it expired")
            }
        } else if alert.bodyCommitment != named.digest {
            report.find(.broken, .blobChanged, "body of \(alert.id)", "it is not what was stored")
        } else {
            report.checkOrigin(alert.body, of: alert.id.text, named, history, isWhole: true)
        }
        for (id, body, word, isAsItsBody, at) in told {
            guard let row = rows.removeValue(forKey: id) else {
                if try await wentOn(alert.id.text) { continue }
                report.find(.broken, .rowDiffers, id, "no line of the history tells of it")
                continue
            }
            if digestText(body) != row.digest || row.word != word || !isAsItsBody || at ?? row.at != row.at {
                report.find(.broken, .rowDiffers, id, "its row says something else than \(row.place)")
            }
        }
    }

    mutating func checkRuns() async throws(StoreError) {
        var query = RunQuery()
        query.readsTails = false
        query.oldestFirst = true
        query.limit = 200
        var seen: Set<String> = []
        while true {
            let page = try await store.runs(query)
            for row in page {
                seen.insert(row.id.text)
                try await check(row)
            }
            guard page.count == query.limit else { break }
            query.beyond = page.last?.id
        }
        for stream in history.runStreams where !seen.contains(stream) {
            report.find(.broken, .rowDiffers, stream, "its lines are there and its row is not")
        }
    }

    /// Whether a line of it was stored since the lines were read: a server may be at work.
    private func wentOn(_ stream: String) async throws(StoreError) -> Bool {
        let next = try await store.history(stream, from: history.lastNumber(of: stream) + 1, limit: 1).first
        return next.map { $0.index >= report.entries } ?? false
    }

    mutating func checkSessions() async throws(StoreError) {
        var query = SessionQuery()
        query.limit = 200
        var seen: Set<String> = []
        while true {
            let page = try await store.sessions(query)
            for row in page {
                seen.insert(AgentSession.stream(of: row.id))
                try await check(row)
            }
            guard page.count == query.limit else { break }
            query.beyond = page.last?.id
        }
        for stream in history.sessionStreams where !seen.contains(stream) {
            report.find(.broken, .rowDiffers, stream, "its lines are there and its row is not")
        }
    }

    private mutating func check(_ row: SessionRecord) async throws(StoreError) {
        let stream = AgentSession.stream(of: row.id)
        guard row.number == history.lastNumber(of: stream) else {
            if try await wentOn(stream) { return }
            return report.find(.broken, .snapshotDiffers, stream, "its row is not that of its last line")
        }
        var made: AgentSession?
        var next = 1
        while next <= row.number {
            let page = try await store.history(stream, from: next, limit: 500)
            guard !page.isEmpty else { break }
            for entry in page.map(\.entry) where entry.number <= row.number {
                guard let event = try? entry.sessionEvent() else {
                    return report.find(
                        .broken, .entryUnreadable, "\(stream)@\(entry.number)", "it is no line of a session")
                }
                if entry.number == 1 {
                    made = AgentSession(event, at: entry.at)
                } else {
                    made?.apply(event, at: entry.at)
                }
            }
            next += page.count
        }
        if made?.value.jsonBytes != row.snapshot || made?.closing?.at != row.closedAt {
            report.find(.broken, .snapshotDiffers, stream, "folding its lines does not give its row")
        }
    }

    private mutating func check(_ row: RunRecord) async throws(StoreError) {
        guard let run = history.run(row.id.text) else {
            if try await wentOn(row.id.text) { return }
            return report.find(.broken, .rowDiffers, row.id.text, "no line of the history opens this run")
        }
        guard row.number == history.lastNumber(of: row.id.text) else {
            // A server may have gone on since the lines were read.
            if row.number > history.lastNumber(of: row.id.text), try await wentOn(row.id.text) { return }
            return report.find(.broken, .snapshotDiffers, row.id.text, "its row is not that of its last line")
        }
        // Where no snapshot is stored the lines alone make the run, and those were judged.
        let isRestored = row.snapshotNumber == 0 ? true : try await restores(row, run)
        if !isRestored || row.phase != run.phaseWord || row.endedAt != run.endedAt {
            report.find(.broken, .snapshotDiffers, row.id.text, "folding its lines does not give its row")
        } else if !row.isAsOpened(run) {
            report.find(.broken, .rowDiffers, row.id.text, "its row says something else than its lines")
        }
    }

    /// Whether a snapshot that is as old as it may be, and the lines after it, make the run too.
    private func restores(_ row: RunRecord, _ run: Run) async throws(StoreError) -> Bool {
        var query = RunQuery()
        query.id = row.id
        guard let whole = try await store.runs(query).first else { return false }
        // A server went on meanwhile: what it is now, the next audit looks at.
        guard whole.number == row.number else { return true }
        return (try? whole.run().value.jsonBytes) == run.value.jsonBytes
    }

    mutating func checkDefinitions() async throws(StoreError) {
        for digest in history.published.union(history.pins).sorted() {
            guard let definition = try await store.definition(digest) else {
                report.find(.broken, .blobMissing, "definition \(digest)", "it was in force, and it is not there")
                continue
            }
            if digestText(definition.source) != digest {
                report.find(.broken, .blobChanged, "definition \(digest)", "it is not what was in force")
            } else if let names = history.publishedAs[digest],
                !names.contains("\(definition.kind.rawValue) \(definition.name)")
            {
                report.find(
                    .broken, .rowDiffers, "definition \(digest)",
                    "its row calls it \(definition.kind.rawValue) \(definition.name), the lines call it "
                        + names.sorted().joined(separator: " and "))
            }
        }
    }

    /// What people were asked is what the workflows ask that are stored.
    mutating func checkConsents() async {
        let (consents, store) = (history.consents, self.store)
        // One that can't be read was told of already.
        report.findings += await consents.findings({ try? await store.definition($0)?.source }, digest: digestText)
    }

    private mutating func checkErased(_ named: HistoryAudit.Named, _ says: String) {
        guard let digest = try? Digest(parsing: named.digest), (try? blobs.contains(digest)) == false else {
            return report.find(
                .open, .erasurePending, "blob \(named.digest)", "\(says); it is still there, a start takes it away")
        }
        report.find(.note, .blobErased, "blob \(named.digest)", "\(named.place) names it; \(says)")
    }

    /// One whose key is not here: so the history must tell of that key.
    private mutating func checkSealed(_ named: HistoryAudit.Named, _ reason: String) {
        let digest = try? Digest(parsing: named.digest)
        let label = digest.flatMap { try? blobs.sealing(of: $0) } ?? ""
        report.blobs -= 1
        if let says = history.destroyedKeys[label] {
            report.find(.note, .blobErased, "blob \(named.digest)", "\(named.place) names it; \(says)")
        } else if history.evidenceKeys.contains(label) {
            report.find(.open, .blobSealed, "blob \(named.digest)", "not read: \(reason); \(named.place) names it")
        } else {
            report.find(
                .broken, .blobChanged, "blob \(named.digest)",
                "it says to be sealed with the key '\(label)', of which no line tells; \(named.place) names it")
        }
    }

    mutating func checkBlobs() {
        for named in history.blobs.values.sorted(by: { $0.digest < $1.digest }) {
            if let says = history.erased[named.digest] {
                checkErased(named, says)
                continue
            }
            report.blobs += 1
            do throws(EvidenceError) { _ = try blobs.get(try Digest(parsing: named.digest)) } catch {
                if error.code == .blobSealed {
                    checkSealed(named, error.reason)
                    continue
                }
                report.find(
                    .broken, error.code == .notFound ? .blobMissing : .blobChanged, "blob \(named.digest)",
                    "\(error.reason); \(named.place) names it")
            }
        }
        do throws(EvidenceError) {
            let unnamed = try blobs.digests().count { history.blobs[$0.text] == nil }
            if unnamed > 0 {
                report.find(
                    .note, .blobUnnamed, "evidence", "\(unnamed) files are named by no line: a crash leaves such behind"
                )
            }
        } catch { report.find(.broken, .blobMissing, "evidence", error.reason) }
    }
}

extension Alert {
    /// Whether the row says what was written down when it came.
    fileprivate func isAsReceived(_ receipt: HistoryLine) -> Bool {
        let told = receipt.body
        func says(_ name: String, _ text: String) -> Bool { told[name].map { $0 == .string(text) } ?? true }
        return says("source", source) && says("delivery", deliveryID) && says("body", bodyDigest)
            && says("origin_proof", originProof.rawValue) && receivedAt == receipt.at
    }
}

extension RunRecord {
    /// Whether the columns by which people find it say what its lines say.
    fileprivate func isAsOpened(_ run: Run) -> Bool {
        decision == run.decision && alert == run.alert && playbook == run.playbook.name
            && playbookDigest == run.playbook.digest && subject == run.subject?.key ?? "" && severity == run.severity
            && openedAt == run.openedAt && workflow == run.workflow.name && workflowDigest == run.workflow.digest
            && wake == run.wake?.word && dueAt == run.dueAt
    }
}
