// SPDX-License-Identifier: Apache-2.0

import CordonLanguage

/// Whether what had its time really had it: by the policy that was in force, by the ends of the runs, by legal holds.
struct RetentionAudit {
    /// The names of what it reads in the history, stored for ever.
    static let stream = "retention"
    static let policySet = "retentionPolicySet"

    private struct Policy {
        var evidence: Int64?
        var bodies: Int64?
        var place: String
    }

    /// What else of the history it asks for while it reads a line.
    struct Record {
        /// A run as its lines make it so far.
        var run: (String) -> Run?
        /// The runs that name a blob so far.
        var namers: (String) -> [String]
        /// When an alert came.
        var receivedAt: (String) -> Instant?
    }

    private var policy: Policy?
    /// `run run_…` or `subject credential:…`, with the line that set it.
    private var holds: [String: String] = [:]
    private(set) var findings: [AuditFinding] = []

    mutating func take(_ line: HistoryLine, _ record: Record) {
        guard line.stream == Self.stream else { return }
        let body = line.body
        switch line.kind {
        case Self.policySet:
            policy = Policy(
                evidence: body["evidence_ms"]?.intValue, bodies: body["alert_bodies_ms"]?.intValue,
                place: line.place.text)
        case "legalHoldSet": body["scope"]?.stringValue.map { holds[$0] = line.place.text }
        case "legalHoldReleased": body["scope"]?.stringValue.map { holds[$0] = nil }
        case "evidenceExpired": expireEvidence(line, record)
        case "bodiesExpired": expireBodies(line, record)
        case "subjectErased": erase(line)
        default: break
        }
    }

    // MARK: Evidence

    private mutating func expireEvidence(_ line: HistoryLine, _ record: Record) {
        guard let before = bound("ended_before", line) else { return }
        weigh(before, line, policy?.evidence, "evidence")
        let runs = strings("runs", line)
        for name in runs {
            guard let run = record.run(name) else { continue }
            guard let ended = run.endedAt else {
                early(line, "evidence of \(name) is taken away, and that run has not ended")
                continue
            }
            if ended >= before {
                early(line, "evidence of \(name) is taken away, which ended at \(ended) and not before \(before)")
            }
            for scope in ["run \(name)"] + (run.subject.map { ["subject \($0.key)"] } ?? []) {
                held(scope, line, "evidence of \(name)")
            }
        }
        let known = Set(runs)
        for digest in strings("blobs", line) {
            // The line names of each blob the run that named it first; others that name it must have had their time too.
            for name in record.namers(digest) where !known.contains(name) {
                guard let run = record.run(name), run.endedAt.map({ $0 >= before }) ?? true else { continue }
                early(line, "blob \(digest) is taken away, which \(name) names too, whose time it was not")
            }
        }
    }

    // MARK: Bodies

    private mutating func expireBodies(_ line: HistoryLine, _ record: Record) {
        guard let before = bound("received_before", line) else { return }
        weigh(before, line, policy?.bodies, "alert_bodies")
        for alert in strings("alerts", line) {
            guard let came = record.receivedAt(alert), came >= before else { continue }
            early(line, "the body of \(alert) is taken away, which came at \(came) and not before \(before)")
        }
    }

    private mutating func erase(_ line: HistoryLine) {
        let subject = line.body["subject"]?.stringValue ?? ""
        held("subject \(subject)", line, "all of \(subject)")
        for run in strings("runs", line) { held("run \(run)", line, "evidence of \(run)") }
    }

    // MARK: What was in force

    /// Whether the policy of that moment let go what is older than `before`.
    private mutating func weigh(_ before: Instant, _ line: HistoryLine, _ kept: Int64?, _ name: String) {
        guard let policy else {
            findings.append(
                AuditFinding(
                    .open, .retentionUnknown, line.place.text,
                    "no line before it says how long \(name) is kept: whether it had its time can't be shown"))
            return
        }
        guard let kept else {
            return early(line, "something of \(name) is taken away, which \(policy.place) keeps for ever")
        }
        let due = line.at.adding(milliseconds: -kept)
        if before > due {
            early(
                line,
                "what is older than \(before) is taken away, and by \(policy.place) only what is older than \(due) had its time"
            )
        }
    }

    private mutating func held(_ scope: String, _ line: HistoryLine, _ what: String) {
        guard let place = holds[scope] else { return }
        findings.append(
            AuditFinding(
                .broken, .expiredWhileHeld, line.place.text,
                "\(what) is taken away while a legal hold stands on \(scope) (\(place))"))
    }

    private mutating func early(_ line: HistoryLine, _ says: String) {
        findings.append(AuditFinding(.broken, .expiredTooEarly, line.place.text, says))
    }

    /// The moment that a line says it counts from.
    private mutating func bound(_ name: String, _ line: HistoryLine) -> Instant? {
        if let bound = line.body[name]?.stringValue.flatMap(Instant.init(rfc3339:)) { return bound }
        early(line, "it does not say which time is up: '\(name)' is missing")
        return nil
    }

    private func strings(_ name: String, _ line: HistoryLine) -> [String] {
        (line.body[name]?.arrayValue ?? []).compactMap(\.stringValue)
    }
}
