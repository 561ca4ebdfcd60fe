// SPDX-License-Identifier: Apache-2.0

import CordonCore
package import CordonEvidence

/// Whom an auditor trusts to have signed.
package struct AuditTrust: Sendable {
    /// The log's keys that he brought; none: those that lie beside what is checked, which proves less.
    package var keys: [VerifierKey]
    /// Which witnesses must have signed too.
    package var policy: WitnessPolicy?
    /// The policy is the installation's own: it says who has to cosign, and nothing of whether a log was ever begun, nor
    /// whose keys an auditor trusts.
    package var isPolicyOwn = false
    /// A checkpoint that he kept from before: what is here must begin with it.
    package var since: [UInt8]?

    package init(keys: [VerifierKey] = [], policy: WitnessPolicy? = nil, since: [UInt8]? = nil) {
        self.keys = keys
        self.policy = policy
        self.since = since
    }

    /// How findings name the checkpoint that he kept.
    static let sincePlace = "--since"

    /// The keys to check with, given those that lie beside.
    func keys(beside own: [VerifierKey]) -> [VerifierKey] {
        isBrought ? brought : own
    }

    /// All that he brought, his policy's too.
    package var brought: [VerifierKey] { keys + (isPolicyOwn ? [] : policy?.logKeys ?? []) }

    var isBrought: Bool { !brought.isEmpty }
}

extension AuditReport {
    /// Checks one signed note; gives its checkpoint when it is to be believed.
    mutating func open(
        _ note: [UInt8], _ place: String, _ trust: AuditTrust, _ keys: [VerifierKey]
    ) -> Checkpoint? {
        do throws(EvidenceError) {
            return try OpenedCheckpoint(note, logKeys: keys).checkpoint
        } catch {
            switch error.code {
            case .signatureInvalid: find(.broken, .signatureInvalid, place, error.reason)
            case .signatureMissing: find(.broken, .signatureMissing, place, error.reason)
            default: find(.broken, .checkpointMalformed, place, error.reason)
            }
            return nil
        }
    }

    /// Checks that enough witnesses stand under a note that a key of the log signed.
    mutating func checkQuorum(_ note: [UInt8], _ place: String, _ policy: WitnessPolicy, _ grade: AuditFinding.Grade) {
        do throws(EvidenceError) {
            let signers = try policy.signers(under: note)
            guard !policy.isMet(by: signers) else { return }
            find(
                grade, .quorumMissing, place,
                "\(signers.count) of the policy's \(policy.witnesses.count) witnesses cosigned it, which is no quorum")
        } catch { find(.broken, .signatureInvalid, place, error.reason) }
    }

    /// Opens the checkpoint that the auditor kept; gives nothing when he brought none, or one of another log or a larger
    /// one: then what was signed is not here any more.
    mutating func openSince(_ trust: AuditTrust, _ keys: [VerifierKey], _ last: Checkpoint) -> Checkpoint? {
        let place = AuditTrust.sincePlace
        guard let note = trust.since, let kept = open(note, place, trust, keys) else { return nil }
        guard kept.origin.utf8.elementsEqual(last.origin.utf8) else {
            find(.broken, .checkpointDiffers, place, "it is of the log \(kept.origin), not of \(last.origin)")
            return nil
        }
        guard kept.size <= last.size else {
            find(
                .broken, .checkpointDiffers, place,
                "it was signed for \(kept.size) entries, \(last.size) are signed here: those from \(last.size) to "
                    + "\(kept.size - 1) are lost")
            return nil
        }
        checkpoints += 1
        return kept
    }

    mutating func tellKeys(_ keys: [VerifierKey], _ trust: AuditTrust, _ place: String) {
        self.keys = keys.map(\.text)
        guard !trust.isBrought else { return }
        find(
            .note, .keysFromBundle, place,
            "the keys lie beside what they sign: compare them with what the installation's owner gave you, or use --key"
        )
    }
}
