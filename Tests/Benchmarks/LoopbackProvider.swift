// SPDX-License-Identifier: Apache-2.0

import BenchKit
import Synchronization
import TestKit

/// The OAuth 2.0 authorization server that all credentials live on (RFC 7662, RFC 7009): answers at once, and remembers
/// when each token was first asked about and when it was revoked.
final class LoopbackProvider: Sendable {
    let server: LoopbackServer
    private let book: Book

    private struct Entry {
        var firstAt: Int64?
        var revokedAt: Int64?
        var isRevoked = false
        var calls = 0
    }

    /// What the handler, which is made before `self`, shares with it.
    private final class Book: Sendable {
        let entries: Mutex<[Int: Entry]> = Mutex([:])
    }

    init() throws {
        let book = Book()
        self.book = book
        server = try LoopbackServer { request in
            let now = Monotonic.nanoseconds
            guard let number = LoopbackProvider.number(in: request.bodyText) else { return .respond(400) }
            let isActive = book.entries.withLock { entries in
                var entry = entries[number] ?? Entry()
                entry.firstAt = entry.firstAt ?? now
                entry.calls += 1
                if request.path == "/revoke" {
                    entry.isRevoked = true
                    entry.revokedAt = entry.revokedAt ?? now
                }
                entries[number] = entry
                return !entry.isRevoked
            }
            if request.path == "/revoke" { return .respond(200) }
            // The token's own number in it, so that no two answers are the same evidence.
            guard isActive else { return .json(#"{"active":false}"#) }
            return .json(#"{"active":true,"scope":"repo:read","client_id":"bench","jti":"\#(number)"}"#)
        }
    }

    func firstCall(of number: Int) -> Int64? { book.entries.withLock { $0[number]?.firstAt } }

    func revocation(of number: Int) -> Int64? { book.entries.withLock { $0[number]?.revokedAt } }

    func calls(of numbers: some Sequence<Int>) -> Int {
        book.entries.withLock { entries in numbers.reduce(0) { $0 + (entries[$1]?.calls ?? 0) } }
    }

    func areRevoked(_ numbers: some Sequence<Int>) -> Bool {
        book.entries.withLock { entries in numbers.allSatisfy { entries[$0]?.isRevoked == true } }
    }

    static func token(_ number: Int) -> String { "bench-token-of-credential-\(number)" }

    private static func number(in form: String) -> Int? {
        let token = form.split(separator: "&").first { $0.hasPrefix("token=") }
        return token?.split(separator: "-").last.flatMap { Int($0) }
    }
}
