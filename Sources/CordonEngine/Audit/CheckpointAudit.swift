// SPDX-License-Identifier: Apache-2.0

import CordonCore
package import CordonEvidence

/// Whom an auditor trusts to have signed.
package struct AuditTrust: Sendable {
    /// The log's keys that he brought; none: those that lie beside what is checked, which proves less.
    package var keys: [VerifierKey]
    /// Which witnesses must have signed too.
    package var policy: WitnessPolicy?

    package init(keys: [VerifierKey] = [], policy: WitnessPolicy? = nil) {
        self.keys = keys
        self.policy = policy
    }

    /// The keys to check with, given those that lie beside.
    func keys(beside own: [VerifierKey]) -> [VerifierKey] {
        let brought = keys + (policy?.logKeys ?? [])
        return brought.isEmpty ? own : brought
    }

    var isBrought: Bool { !keys.isEmpty || policy != nil }
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

    mutating func tellKeys(_ keys: [VerifierKey], _ trust: AuditTrust, _ place: String) {
        self.keys = keys.map(\.text)
        guard !trust.isBrought else { return }
        find(
            .note, .keysFromBundle, place,
            "the keys lie beside what they sign: compare them with what the installation's owner gave you, or use --key"
        )
    }
}
