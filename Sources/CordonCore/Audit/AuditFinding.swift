// SPDX-License-Identifier: Apache-2.0

package import CordonLanguage

/// One thing that an auditor is told: how grave it is, where it is, what is wrong.
package struct AuditFinding: Sendable, Hashable {
    package enum Grade: String, Sendable, Hashable, CaseIterable {
        /// The record contradicts itself: something was changed, lost or never so.
        case broken
        /// The record is sound and says that something is not finished or not known.
        case open
        /// Worth knowing; nothing follows from it.
        case note
    }

    /// What was found, in words that scripts may rely on.
    package enum Code: String, Sendable, Hashable, CaseIterable {
        // The bytes
        case archiveMalformed, manifestMalformed, fileMissing, fileChanged, fileUnlisted
        case signatureInvalid, signatureMissing, keyUnknown, keysFromBundle
        case checkpointMalformed, checkpointDiffers, checkpointMissing, quorumMissing
        case entryChanged, entryMissing, entryUnreadable, entryUnproved, entriesUnsigned
        case tileChanged, tileMissing, logForked, logMissing
        case blobMissing, blobChanged, blobErased, blobUnnamed, blobSealed, erasurePending
        case snapshotDiffers, rowDiffers, viewsUnchecked
        case schemaDiffers, keyChanged, clockUnread
        case originInvalid, originKeyMissing
        case timestamped, timestampInvalid, timestampUnchecked
        // What they mean
        case streamGap, streamCut, streamUnopened
        case outcomeWithoutIntent, intentTwice, callOpen, callUnknown, callSettledByHand
        case endedWithOpenCall, changeWithoutConsent, changeBeforeEvidence, changeWithoutEvidence
        case answerNotAllowed, consentWithoutQuorum, consentDiffers
        case answerByAuthor, authorUnknown, answersUnjudged
        case expiredTooEarly, expiredWhileHeld, retentionUnknown
        case runWithoutDecision, definitionUnpublished
        case runLive, runNotCompleted, timeRunsBack
        case lineAfterEnd, stepUnfinished, verifiedUnseen, changeWhileStopped
        case alertUndecided, runUnopened, logReopened, unwitnessed
    }

    package var grade: Grade
    package var code: Code
    /// `run_…@7`, `log/checkpoint`, `blobs/…`: where to look.
    package var place: String
    /// One sentence.
    package var says: String

    package init(_ grade: Grade, _ code: Code, _ place: String, _ says: String) {
        self.grade = grade
        self.code = code
        self.place = place
        self.says = says
    }

    package var value: Value {
        [
            "grade": .string(grade.rawValue), "code": .string(code.rawValue), "place": .string(place),
            "says": .string(says),
        ]
    }
}
