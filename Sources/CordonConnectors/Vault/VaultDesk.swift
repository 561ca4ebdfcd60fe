// SPDX-License-Identifier: Apache-2.0

package import CordonCore
import Synchronization

/// The secrets that were read of a Vault, in memory alone. Asking it for one never waits and never sends: what is not at
/// hand is wanted from then on, and `refresh` brings it.
///
/// What the Vault says holds: a secret that it refuses or does not have is given up at once. While it says nothing, the
/// last word is used until the lease's end, and not a moment longer.
package final class VaultDesk: Sendable {
    /// What a path of the Vault holds.
    private struct Kept: Sendable {
        var fields: [String: Secret]
        /// From here on it is read anew.
        var staleAt: Instant
        /// From here on it is not used.
        var endsAt: Instant
    }

    private struct Place: Sendable {
        var kept: Kept?
        /// Why there is nothing, or nothing newer.
        var fault: VaultFault?
        var failures = 0
        var againAt: Instant?
    }

    struct Token: Sendable {
        var value: Secret
        var isRenewable: Bool
        /// `nil`: it doesn't end.
        var staleAt: Instant?
        var endsAt: Instant?
    }

    private struct State {
        var places: [String: Place] = [:]
        var token: Token?
    }

    let vault: Vault
    let secrets: SecretReader
    let transport: any Transport
    private let clock: @Sendable () -> Instant
    private let state = Mutex(State())

    /// - Parameter secrets: where what opens the Vault is read.
    package init(
        _ vault: Vault, secrets: SecretReader, transport: any Transport, clock: @escaping @Sendable () -> Instant
    ) {
        self.vault = vault
        self.secrets = secrets
        self.transport = transport
        self.clock = clock
    }

    /// They are read at the next refresh.
    package func want(_ references: [SecretReference]) {
        state.withLock { state in
            for case .vault(let path, _) in references where state.places[path] == nil {
                state.places[path] = Place()
            }
        }
    }

    /// A secret as the Vault told it last.
    package func secret(_ path: String, _ field: String) throws(ConnectorError) -> Secret {
        let now = clock()
        let place = state.withLock { state in
            let place = state.places[path] ?? Place()
            state.places[path] = place
            return place
        }
        let name = SecretReference.vault(path: path, field: field).text
        if let kept = place.kept, now < kept.endsAt {
            guard let secret = kept.fields[field] else {
                throw ConnectorError(.secretMissing, "\(name): there is no text under that field of the secret")
            }
            return secret
        }
        switch place.fault {
        case .refused(let reason), .forbidden(let reason):
            throw ConnectorError(.secretMissing, "\(name): \(reason)")
        case .silent(let reason): throw ConnectorError(.secretUnavailable, "\(name): \(reason)")
        case nil: throw ConnectorError(.secretUnavailable, "\(name): it has not been read of the Vault yet")
        }
    }

    /// Reads what is due, one after the other. One caller at a time.
    ///
    /// - Returns: what changed for the worse, or for the better again, in sentences for a log.
    package func refresh() async -> [(isFault: Bool, text: String)] {
        let due = dueNow()
        guard !due.isEmpty else { return [] }
        var told: [(isFault: Bool, text: String)] = []
        var isFresh = false
        for path in due {
            let begun = clock()
            let token: Token
            switch await currentToken(&isFresh) {
            case .success(let held): token = held
            case .failure(let fault):
                // Who is not let in for one is not let in for the next.
                for rest in due.drop(while: { $0 != path }) { told += settle(rest, .failure(fault)) }
                return told
            }
            var answer = await ask(path, token, at: clock())
            // The token may have been ended since; what is refused to one that was given just now is refused.
            if case .failure(.forbidden) = answer, !isFresh, vault.login.isExchanged {
                state.withLock { $0.token = nil }
                switch await currentToken(&isFresh) {
                case .success(let renewed): answer = await ask(path, renewed, at: clock())
                case .failure(let fault): answer = .failure(fault)
                }
            }
            told += settle(path, answer)
            // It took all its time: the others come before it the next time, and whoever waits for this goes on.
            if case .failure(.silent) = answer, clock().since(begun) >= Limits.vaultTimeoutMilliseconds { break }
        }
        return told
    }

    private func dueNow() -> [String] {
        let now = clock()
        return state.withLock { state in
            state.places.filter { _, place in
                if let again = place.againAt { return now >= again }
                return place.kept.map { now >= $0.staleAt } ?? true
            }.sorted { ($0.value.failures, $0.key) < ($1.value.failures, $1.key) }.map(\.key)
        }
    }

    private func currentToken(_ isFresh: inout Bool) async -> Result<Token, VaultFault> {
        let now = clock()
        let held = state.withLock { $0.token }
        if let held, held.staleAt.map({ now < $0 }) ?? true { return .success(held) }
        var given: Result<Token, VaultFault>?
        if let held, held.isRenewable, held.endsAt.map({ now < $0 }) ?? false {
            given = await renew(held, at: now)
            if case .failure? = given { given = nil }
        }
        let result: Result<Token, VaultFault>
        if let given { result = given } else { result = await logIn(at: now) }
        guard case .success(let token) = result else { return result }
        isFresh = true
        secrets.known.note(token.value)
        // A token that somebody else keeps is read anew each time.
        state.withLock { $0.token = vault.login.isExchanged ? token : nil }
        return .success(token)
    }

    private func settle(
        _ path: String, _ answer: Result<VaultSecret, VaultFault>
    ) -> [(isFault: Bool, text: String)] {
        let now = clock()
        return state.withLock { state in
            var place = state.places[path] ?? Place()
            defer { state.places[path] = place }
            switch answer {
            case .success(let secret):
                let wasAtFault = place.fault != nil
                place = Place(
                    kept: Kept(
                        fields: secret.fields, staleAt: secret.staleAt(now, vault), endsAt: secret.endsAt(now, vault)))
                return wasAtFault ? [(false, "vault:\(path) could be read again")] : []
            case .failure(let fault):
                if fault.isItsWord { place.kept = nil }
                let isNews = place.fault != fault
                place.fault = fault
                let wait = min(
                    Limits.vaultRetryMillisecondsMax, Limits.vaultRetryMillisecondsMin << Int64(min(place.failures, 6)))
                place.failures += 1
                place.againAt = now.adding(milliseconds: wait)
                guard isNews else { return [] }
                let use =
                    place.kept.map {
                        $0.endsAt > now ? "; what was read before is used until \($0.endsAt)" : ""
                    } ?? ""
                return [(true, "vault:\(path): \(fault.reason)\(use)")]
            }
        }
    }
}

/// Why a secret could not be read, in words that hold nothing of the answer.
enum VaultFault: Error, Sendable, Hashable {
    /// The Vault's own word: it is not there, or not for us.
    case refused(String)
    /// The same, and it may be the token that no longer opens it.
    case forbidden(String)
    /// No word of it.
    case silent(String)

    var isItsWord: Bool { if case .silent = self { false } else { true } }

    var reason: String {
        switch self {
        case .refused(let reason), .forbidden(let reason), .silent(let reason): reason
        }
    }
}

/// What one path held when it was read.
struct VaultSecret: Sendable {
    var fields: [String: Secret]
    /// 0: it has no lease, as all of the key-value store.
    var leaseMilliseconds: Int64
    /// When this version is deleted, if that is known.
    var deletedAt: Instant?

    func endsAt(_ now: Instant, _ vault: Vault) -> Instant {
        let end = now.adding(milliseconds: leaseMilliseconds > 0 ? leaseMilliseconds : vault.keepMilliseconds)
        return deletedAt.map { min($0, end) } ?? end
    }

    func staleAt(_ now: Instant, _ vault: Vault) -> Instant {
        let life = endsAt(now, vault).since(now)
        let own = leaseMilliseconds > 0 ? leaseMilliseconds * 2 / 3 : vault.refreshMilliseconds
        return now.adding(milliseconds: max(Limits.vaultRetryMillisecondsMin, min(own, life * 2 / 3)))
    }
}

extension Vault.Login {
    /// It is exchanged for a token of the Vault's.
    var isExchanged: Bool { if case .token = self { false } else { true } }
}
