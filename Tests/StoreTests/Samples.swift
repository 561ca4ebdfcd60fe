// SPDX-License-Identifier: Apache-2.0

import CordonCore
import CordonStore
import Testing

/// Records for tests, all of one small world: alert `n` has the stem `n`, as have its signal, decision and run.
enum Sample {
    static func time(_ seconds: Int) -> Instant { Instant(milliseconds: 1_760_000_000_000 + Int64(seconds) * 1000) }

    static func stem(_ number: Int) -> String {
        "01TEST" + String(repeating: "0", count: 6 - "\(number)".count) + "\(number)"
    }

    static func alertID(_ number: Int) -> AlertID { AlertID(stem: stem(number)) }
    static func runID(_ number: Int) -> RunID { RunID(stem: stem(number)) }

    static func entry(_ stream: String, _ number: Int, _ text: String = "happened") -> Entry {
        Entry(
            stream: stream, number: number, at: time(number), kind: text,
            bytes: Array(#"{"kind":"\#(text)","number":\#(number),"stream":"\#(stream)"}"#.utf8),
            leaf: [UInt8](repeating: UInt8(truncatingIfNeeded: number &* 31 &+ stream.utf8.count), count: 32))
    }

    static func alert(_ number: Int, source: String = "github", delivery: String? = nil) -> Alert {
        Alert(
            id: alertID(number), source: source, deliveryID: delivery ?? "delivery-\(number)",
            receivedAt: time(number), headers: ["x-github-event": "secret_scanning_alert", "a\"b\u{0}": "ü\\\n"],
            body: Array(#"{"alert":\#(number)}"#.utf8), bodyDigest: "sha256:\(number)", originProof: .sharedSecret,
            salt: [UInt8](repeating: 9, count: 32), mark: "hmac-sha256:0a0b0c0d:\(number)",
            cuts: [Alert.Cut(place: "/a~1b/**/c\"", kind: .secret, count: number)])
    }

    static func signal(_ number: Int, ordinal: Int = 1) -> SignalRecord {
        SignalRecord(
            id: alertID(number).signal(ordinal), alert: alertID(number), kind: "secret.exposed",
            receivedAt: time(number), body: Array("signal \(number).\(ordinal)".utf8))
    }

    static func decision(_ number: Int, ordinal: Int = 1, verdict: String = "enforce") -> DecisionRecord {
        let signal = signal(number, ordinal: ordinal)
        return DecisionRecord(
            id: signal.id.decision, signal: signal.id, alert: signal.alert, verdict: verdict, at: time(number),
            body: Array("decision \(number).\(ordinal)".utf8))
    }

    static func run(_ number: Int, at entry: Int, phase: String = "running") -> RunRecord {
        let hasEnded = phase == "ended"
        return RunRecord(
            id: runID(number), decision: decision(number).id, alert: alertID(number), playbook: "exposed-credential",
            playbookDigest: "sha256:play", workflow: "revoke", workflowDigest: "sha256:work",
            subject: "credential:key-\(number % 3)", severity: Signal.Severity.allCases[number % 4], phase: phase,
            wake: hasEnded ? nil : "call", dueAt: hasEnded ? nil : time(100 + number), number: entry,
            openedAt: time(number), updatedAt: time(number + entry), endedAt: hasEnded ? time(number + entry) : nil,
            snapshot: Array("run \(number) at \(entry)".utf8))
    }

    /// The run's change from entry `from` to entry `to`.
    static func change(_ number: Int, from: Int, to: Int, phase: String = "running", mark: String = "done") -> RunChange
    {
        RunChange(
            expectedNumber: from, run: run(number, at: to, phase: phase),
            entries: (from + 1...to).map { entry(runID(number).text, $0, mark) })
    }

    static func reading(_ number: Int, state: Alert.State = .read, opens: Bool = true) -> Reading {
        Reading(
            alert: alertID(number), state: state, signals: [signal(number)], decisions: [decision(number)],
            opened: opens ? [change(number, from: 0, to: 2)] : [], entries: [entry(alertID(number).text, 2, "read")])
    }

    static func definition(_ name: String, source: String = "name: x") -> Definition {
        Definition(
            digest: "sha256:\(name)", kind: .playbook, name: name, source: Array(source.utf8), publishedAt: time(1))
    }

    static func token(_ id: String, at seconds: Int = 1) -> TokenRecord {
        TokenRecord(
            id: id, name: "ci", role: "operator", hash: String(repeating: "ab", count: 32), createdAt: time(seconds),
            expiresAt: time(seconds + 3600))
    }
}

extension Store {
    /// Accepts alert `number` and records a reading that opens its run.
    func openRun(_ number: Int) async throws(StoreError) {
        _ = try await accept(Sample.alert(number), entry: Sample.entry(Sample.alertID(number).text, 1, "received"))
        try await record(Sample.reading(number))
    }

    func run(_ number: Int) async throws(StoreError) -> RunRecord? {
        var query = RunQuery()
        query.id = Sample.runID(number)
        return try await runs(query).first
    }

    func alert(_ number: Int) async throws(StoreError) -> Alert? {
        var query = AlertQuery()
        query.id = Sample.alertID(number)
        return try await alerts(query).first
    }

    func runs(_ change: (inout RunQuery) -> Void) async throws(StoreError) -> [RunRecord] {
        var query = RunQuery()
        change(&query)
        return try await runs(query)
    }

    func alerts(_ change: (inout AlertQuery) -> Void) async throws(StoreError) -> [Alert] {
        var query = AlertQuery()
        change(&query)
        return try await alerts(query)
    }

    func decisions(_ change: (inout DecisionQuery) -> Void) async throws(StoreError) -> [DecisionRecord] {
        var query = DecisionQuery()
        change(&query)
        return try await decisions(query)
    }

    /// The whole log, checked: indexed from 0 without gaps, every stream numbered from 1 without gaps.
    func checkedLog() async throws -> [IndexedEntry] {
        var log: [IndexedEntry] = []
        while true {
            let page = try await self.log(from: log.count, limit: 1000)
            if page.isEmpty { break }
            log += page
        }
        var last: [String: Int] = [:]
        for (place, entry) in log.enumerated() {
            try #require(entry.index == place, "the log has a gap at \(place)")
            last[entry.entry.stream, default: 0] += 1
            try #require(last[entry.entry.stream] == entry.entry.number, "\(entry.entry.stream) has a gap")
        }
        return log
    }
}
