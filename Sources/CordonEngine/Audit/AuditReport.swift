// SPDX-License-Identifier: Apache-2.0

package import CordonCore
package import CordonLanguage

/// What an audit looked at and what it found.
package struct AuditReport: Sendable {
    /// `state folder`, `run bundle` or `period bundle`.
    package var subject: String
    package var origin = ""
    /// The log's size at the checkpoint that all was checked against.
    package var size: UInt64 = 0
    package var entries = 0
    package var runs = 0
    package var blobs = 0
    package var checkpoints = 0
    /// The public keys under which the signatures hold.
    package var keys: [String] = []
    package var findings: [AuditFinding] = []

    package init(subject: String) { self.subject = subject }

    package var isBroken: Bool { findings.contains { $0.grade == .broken } }
    package var openItems: Int { findings.count { $0.grade == .open } }

    package var verdict: String {
        if isBroken { return "broken" }
        return openItems == 0 ? "sound" : "sound, with open items"
    }

    package var value: Value {
        [
            "subject": .string(subject), "verdict": .string(verdict), "origin": .string(origin),
            "size": .int(Int64(clamping: size)), "entries": .int(Int64(entries)), "runs": .int(Int64(runs)),
            "blobs": .int(Int64(blobs)), "checkpoints": .int(Int64(checkpoints)),
            "keys": .array(keys.map(Value.string)), "findings": .array(findings.ordered.map(\.value)),
        ]
    }

    mutating func find(
        _ grade: AuditFinding.Grade, _ code: AuditFinding.Code, _ place: String, _ says: String
    ) {
        findings.append(AuditFinding(grade, code, place, says))
    }
}
