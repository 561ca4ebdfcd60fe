// SPDX-License-Identifier: Apache-2.0

package import CordonCore
package import CordonEngine
package import CordonStore
import Synchronization

/// Who may do what: knows the tokens, grants and revokes them, and tells who presents one.
///
/// Denied by default: a token that is malformed, unknown, expired, revoked or of a role that this version doesn't know
/// is no token, and the answer doesn't say which. When the store can't be asked nobody is let in.
package final class Access: Sendable {
    /// A known caller.
    package struct Caller: Sendable, Hashable {
        package var id: String
        package var name: String
        package var role: Role

        /// How the history names the caller: the name can be given twice, the id can't.
        package var by: String { "\(name) (\(id))" }
    }

    /// What was granted; the token is shown this once.
    package struct Grant: Sendable {
        package var token: AccessToken
        package var record: TokenRecord
    }

    struct Known {
        var tokens: [String: TokenRecord] = [:]
        var readAt: Instant?
        /// Somebody reads them anew just now.
        var isBeingRead = false
        /// Counts the changes made here, so that a reading begun before one doesn't undo it.
        var changes = 0
        /// The number of the last entry of the node's stream that was seen.
        var lastNumber = 0
    }

    let store: any Store
    let clock: any WallClock
    let refreshMilliseconds: Int64
    let known = Mutex(Known())

    package init(
        store: any Store, clock: any WallClock, refreshMilliseconds: Int64 = ServerLimits.tokensRefreshMilliseconds
    ) {
        self.store = store
        self.clock = clock
        self.refreshMilliseconds = refreshMilliseconds
    }

    /// The caller that an `Authorization` field's value speaks for; `nil` whatever is wrong with it.
    package func caller(authorization: String?) async throws(StoreError) -> Caller? {
        guard let token = bearerToken(authorization) else { return nil }
        switch refreshDue() {
        case .now: try await refresh()
        // What fails here fails once more when it is due now, and then whoever asks must know.
        case .soon: try? await refresh()
        case .later: break
        }
        return caller(presenting: token)
    }

    /// The same from memory and on the caller's own thread. Nothing also when the tokens are to be read anew first.
    func callerAtOnce(authorization: String) -> Caller? {
        guard refreshDue() == .later, let token = bearerToken(authorization) else { return nil }
        return caller(presenting: token)
    }

    private func caller(presenting token: AccessToken) -> Caller? {
        let now = clock.now
        let record = known.withLock { $0.tokens[token.id] }
        // An unknown id is compared too, so that the time doesn't tell it from a wrong secret.
        let isRight = isEqualInConstantTime(token.hash, record?.hash ?? String(repeating: "-", count: 64))
        guard isRight, let record, record.isValid(at: now), let role = Role(rawValue: record.role) else { return nil }
        return Caller(id: record.id, name: record.name, role: role)
    }

    private func bearerToken(_ authorization: String?) -> AccessToken? {
        guard let authorization else { return nil }
        let parts = authorization.split(separator: " ", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2, parts[0].lowercased() == "bearer" else { return nil }
        return AccessToken(String(parts[1]))
    }

    private enum Due { case now, soon, later }

    /// One caller reads them soon, so that the others never wait for it.
    private func refreshDue() -> Due {
        let now = clock.now
        return known.withLock { known in
            // A clock that was set back makes the reading stale, not eternal.
            guard let readAt = known.readAt, readAt <= now, now.since(readAt) < refreshMilliseconds else { return .now }
            return now.since(readAt) >= refreshMilliseconds / 2 && !known.isBeingRead ? .soon : .later
        }
    }

    private func refresh() async throws(StoreError) {
        known.withLock { $0.isBeingRead = true }
        defer { known.withLock { $0.isBeingRead = false } }
        let changesBefore = known.withLock { $0.changes }
        let now = clock.now
        let stored = try await store.tokens()
        known.withLock { known in
            guard known.changes == changesBefore else { return }
            known.tokens = Dictionary(stored.map { ($0.id, $0) }) { _, last in last }
            known.readAt = now
        }
    }

    /// Every token ever granted, without the tokens themselves.
    package func tokens() async throws(StoreError) -> [TokenRecord] { try await store.tokens() }
}

extension TokenRecord {
    package func isValid(at now: Instant) -> Bool {
        revokedAt == nil && (expiresAt.map { now < $0 } ?? true)
    }
}
