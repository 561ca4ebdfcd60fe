// SPDX-License-Identifier: Apache-2.0

import CordonConnectors
import CordonCore
import CordonEvidence
import CordonLanguage

// What sources signed is looked at again, with the keys that the history has of them.

extension AuditReport {
    /// - Parameter isWhole: every line of the history was read, so that a key that is not told was never told.
    mutating func checkOrigin(
        _ body: [UInt8]?, of alert: String, _ named: HistoryAudit.Named, _ history: HistoryAudit, isWhole: Bool
    ) {
        guard let key = named.key else { return }
        guard let text = history.originKeys[key] else {
            return find(
                isWhole ? .broken : .note, .originKeyMissing, named.place,
                "no line here tells the key \(key) by which it was found to be its source's"
                    + (isWhole ? "" : "; it may stand before the first of them"))
        }
        guard digestText(Array(text.utf8)) == key else {
            return find(.broken, .originInvalid, named.place, "the key that is told as \(key) is another one")
        }
        guard let body, !named.isCut, let at = named.at,
            OriginCheck.of(body, signedBy: Array(text.utf8), at: at) == .fails
        else { return }
        find(
            .broken, .originInvalid, named.place,
            "the body of \(alert) is not signed by the key that is said to have shown whose it is")
    }
}

extension BundleAudit {
    mutating func checkOrigins(_ head: BundleHead, _ history: HistoryAudit) {
        for (alert, named) in history.bodies.sorted(by: { $0.key < $1.key }) where named.key != nil {
            let kept = contents(BundleFormat.blob(named.digest), bytesMax: Limits.bodyBytesCeiling + 64)
            let body = kept.map { SaltedBlob(bytes: $0)?.content ?? $0 }
            report.checkOrigin(body, of: alert, named, history, isWhole: head.kind == .run)
        }
    }
}
