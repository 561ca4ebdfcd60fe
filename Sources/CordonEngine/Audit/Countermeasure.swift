// SPDX-License-Identifier: Apache-2.0

import CordonLanguage

/// What a capability is in D3FEND 1.2.0, and the tactic that OCSF's Remediation Activity names. What is changed here
/// changes what pages say of the same lines: it needs a new version of them.
struct Countermeasure: Hashable {
    let activity: Int64
    private let technique: Technique?

    private enum Tactic { static let isolate: Int64 = 1, evict: Int64 = 2, restore: Int64 = 3, harden: Int64 = 4 }

    private enum Technique: String {
        case accountLocking = "D3-AL"
        case credentialRevocation = "D3-CR"
        case credentialRotation = "D3-CRO"
        case executionIsolation = "D3-EI"
        case multiFactor = "D3-MFA"
        case processSuspension = "D3-PS"
        case restoreObject = "D3-RO"
        case restoreAccess = "D3-RUAA"
        case sessionTermination = "D3-ST"
        case permissions = "D3-UAP"
        case unlockAccount = "D3-ULA"

        var name: String {
            switch self {
            case .accountLocking: "Account Locking"
            case .credentialRevocation: "Credential Revocation"
            case .credentialRotation: "Credential Rotation"
            case .executionIsolation: "Execution Isolation"
            case .multiFactor: "Multi-factor Authentication"
            case .processSuspension: "Process Suspension"
            case .restoreObject: "Restore Object"
            case .restoreAccess: "Restore User Account Access"
            case .sessionTermination: "Session Termination"
            case .permissions: "User Account Permissions"
            case .unlockAccount: "Unlock Account"
            }
        }
    }

    private init(_ activity: Int64, _ technique: Technique? = nil) {
        (self.activity, self.technique) = (activity, technique)
    }

    static let other = Countermeasure(99)

    /// As OCSF lists it; empty where D3FEND has no such technique.
    var list: Value {
        guard let technique else { return [] }
        return [
            [
                "version": "1.2.0",
                "d3f_technique": ["uid": .string(technique.rawValue), "name": .string(technique.name)],
            ]
        ]
    }

    static func of(_ capability: String) -> Countermeasure {
        switch capability {
        case "account.restore": Countermeasure(Tactic.restore, .unlockAccount)
        // Neither has a technique of its own: D3FEND restores accounts and objects, no sessions and no processes.
        case "session.release", "workload.resume": Countermeasure(Tactic.restore)
        case "store.restore_version": Countermeasure(Tactic.restore, .restoreObject)
        default: first(capability)
        }
    }

    /// Of what sets it back.
    static func inverse(of capability: String) -> Countermeasure {
        let forward = of(capability)
        switch capability {
        case "account.suspend": return Countermeasure(Tactic.restore, .unlockAccount)
        case "scopes.reduce", "policy.deny_write", "session.limit", "credential.disable":
            return Countermeasure(Tactic.restore, .restoreAccess)
        // What was issued is taken back.
        case "credential.issue": return Countermeasure(Tactic.evict, .credentialRevocation)
        default: return forward == other ? other : Countermeasure(Tactic.restore)
        }
    }

    /// As pages of version 1 tell it.
    static func first(_ capability: String, isUndo: Bool) -> Countermeasure {
        isUndo ? Countermeasure(Tactic.restore, .restoreAccess) : first(capability)
    }

    private static func first(_ capability: String) -> Countermeasure {
        switch capability {
        case "tokens.revoke", "grants.revoke", "credential.disable", "credential.delete":
            Countermeasure(Tactic.evict, .credentialRevocation)
        case "sessions.revoke", "session.end": Countermeasure(Tactic.evict, .sessionTermination)
        case "account.suspend": Countermeasure(Tactic.evict, .accountLocking)
        case "scopes.reduce", "policy.deny_write", "session.limit": Countermeasure(Tactic.isolate, .permissions)
        case "session.isolate": Countermeasure(Tactic.isolate, .executionIsolation)
        case "workload.pause": Countermeasure(Tactic.evict, .processSuspension)
        case "factor.challenge": Countermeasure(Tactic.harden, .multiFactor)
        case "credential.issue", "secret.deliver": Countermeasure(Tactic.harden, .credentialRotation)
        case "account.restore", "scopes.restore", "policy.allow_write", "credential.enable", "session.release",
            "workload.resume":
            Countermeasure(Tactic.restore, .restoreAccess)
        default: other
        }
    }
}
