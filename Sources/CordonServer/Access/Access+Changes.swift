// SPDX-License-Identifier: Apache-2.0

package import CordonCore
import CordonEngine
import CordonLanguage
package import CordonStore
import Synchronization

/// The stream of the installation's own history.
private let nodeStream = "node"

extension Access {
    /// Grants a token: stored as a hash, told in the node's history, shown once.
    ///
    /// - Parameter by: who grants it, as the history shall name them.
    package func grant(
        name: String, role: Role, expiresAt: Instant? = nil, by: String
    ) async throws(ServerError) -> Grant {
        let now = clock.now
        try requireName(name)
        if let expiresAt, expiresAt <= now {
            throw ServerError(.badExpiry, "the token would have expired before it is used; choose a later time")
        }
        try await requireRoom(at: now)
        var random = SystemRandomNumberGenerator()
        for _ in 0..<ServerLimits.nodeEntryTriesMax {
            let token = AccessToken(using: &random)
            let record = TokenRecord(
                id: token.id, name: name, role: role.rawValue, hash: token.hash, createdAt: now, expiresAt: expiresAt)
            do throws(StoreError) {
                try await store.grant(record, entry: try await nextEntry("tokenGranted", record, by: by, at: now))
                remember(record)
                return Grant(token: token, record: record)
            } catch {
                guard error.code == .conflict else { throw ServerError(error) }
            }
        }
        throw ServerError.contended
    }

    /// Revokes a token; from now on nobody is let in by it. Revoking twice changes nothing.
    @discardableResult
    package func revoke(id: String, by: String) async throws(ServerError) -> TokenRecord {
        for _ in 0..<ServerLimits.nodeEntryTriesMax {
            do throws(StoreError) {
                guard var record = try await store.tokens().first(where: { $0.id == id }) else {
                    throw StoreError(.notFound, "there is no token \(id)")
                }
                if record.revokedAt == nil {
                    let now = clock.now
                    let entry = try await nextEntry("tokenRevoked", record, by: by, at: now)
                    try await store.revoke(token: id, at: now, entry: entry)
                    record.revokedAt = now
                }
                remember(record)
                return record
            } catch {
                guard error.code == .conflict else { throw ServerError(error) }
            }
        }
        throw ServerError.contended
    }

    private func requireName(_ name: String) throws(ServerError) {
        guard name.contains(where: { !$0.isWhitespace }), name.utf8.count <= ServerLimits.tokenNameBytesMax,
            name.isOneVisibleLine
        else {
            throw ServerError(
                .badName,
                "a token's name is 1 to \(ServerLimits.tokenNameBytesMax) bytes without control characters: say whose it is"
            )
        }
    }

    private func requireRoom(at now: Instant) async throws(ServerError) {
        let valid: Int
        do throws(StoreError) {
            valid = try await store.tokens().count { $0.isValid(at: now) }
        } catch {
            throw ServerError(error)
        }
        guard valid < ServerLimits.tokensMax else {
            throw ServerError(
                .tooManyTokens,
                "\(valid) tokens are valid, the limit is \(ServerLimits.tokensMax) (tokensMax); revoke some first")
        }
    }

    private func remember(_ record: TokenRecord) {
        known.withLock { known in
            known.tokens[record.id] = record
            known.changes += 1
        }
    }

    /// The node's next line; another writer may take its number first, then the store says `conflict`.
    private func nextEntry(
        _ kind: String, _ record: TokenRecord, by: String, at now: Instant
    ) async throws(StoreError) -> Entry {
        var body: [String: Value] = [
            "id": .string(record.id), "name": .string(record.name), "role": .string(record.role), "by": .string(by),
            // Of 256 random bits: it tells an auditor whose secret was let in, and nobody the secret.
            "hash": .string(record.hash),
        ]
        if let expiresAt = record.expiresAt { body["expires_at"] = .string(expiresAt.description) }
        let number = try await lastNumber() + 1
        return Chronicle().entry(nodeStream, number, now, kind, .object(body))
    }

    private func lastNumber() async throws(StoreError) -> Int {
        var last = known.withLock { $0.lastNumber }
        while true {
            let page = try await store.history(nodeStream, from: last + 1, limit: ServerLimits.pageRowsMax)
            last = page.last?.entry.number ?? last
            guard page.count == ServerLimits.pageRowsMax else { break }
        }
        let seen = last
        known.withLock { $0.lastNumber = max($0.lastNumber, seen) }
        return last
    }
}

extension String {
    /// No line ends, no other control characters, nothing that turns the direction of writing.
    package var isOneVisibleLine: Bool {
        unicodeScalars.allSatisfy { scalar in
            switch scalar.properties.generalCategory {
            case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate, .unassigned, .privateUse: false
            default: true
            }
        }
    }
}
