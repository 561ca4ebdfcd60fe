// SPDX-License-Identifier: Apache-2.0

import CordonCore
import CordonLanguage

/// What lines say of the installation itself: how its clock stood, and which settings were in force.
struct NodeAudit {
    /// A server reads the clock each hour; one line may come late.
    private static let clockMilliseconds: Int64 = 2 * 3_600_000
    /// So many gaps are told one by one.
    private static let gapsMax = 20

    private var clock: Instant?
    private var gaps = 0
    private(set) var findings: [AuditFinding] = []
    /// Settings whose bytes are kept, by their digests, with the line that named each first.
    private(set) var kept: [String: String] = [:]
    private var inventories: Set<String> = []

    mutating func take(_ line: HistoryLine) {
        if line.stream == ClockKeeper.stream {
            if line.kind == ClockKeeper.kind { clock = line.at }
        } else if line.stream == ConfigurationBook.stream {
            read(line)
        } else if line.kind == "decisionMade" {
            checkInventory(line)
            checkClock(line)
        } else if line.kind == "runEnded" || line.kind == "alertReceived" {
            checkClock(line)
        }
    }

    /// Before the first such line an older version wrote.
    private mutating func checkClock(_ line: HistoryLine) {
        guard let read = clock, line.at.since(read) > Self.clockMilliseconds else { return }
        gaps += 1
        // Told once: until the clock was read again.
        clock = nil
        guard gaps <= Self.gapsMax else { return }
        findings.append(
            AuditFinding(
                .open, .clockUnread, "\(line.stream)@\(line.number)",
                "no line tells how the clock stood since \(read), though a server reads it each hour"))
    }

    private mutating func read(_ line: HistoryLine) {
        guard line.kind == ConfigurationBook.changed else { return }
        for change in line.body["changes"]?.arrayValue ?? [] {
            guard let digest = change["digest"]?.stringValue else { continue }
            if change["kept"] == true, kept[digest] == nil { kept[digest] = "\(line.stream)@\(line.number)" }
            if change["what"]?.stringValue == ConfigurationFile.inventory { inventories.insert(digest) }
        }
    }

    private mutating func checkInventory(_ line: HistoryLine) {
        guard !inventories.isEmpty, let digest = line.told["inventory"]?.stringValue, !inventories.contains(digest)
        else { return }
        findings.append(
            AuditFinding(
                .broken, .definitionUnpublished, "\(line.stream)@\(line.number)",
                "it was decided under the inventory \(digest), of which no line before it tells"))
        // Once for each.
        inventories.insert(digest)
    }
}
