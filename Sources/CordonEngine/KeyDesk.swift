// SPDX-License-Identifier: Apache-2.0

import CordonConnectors
import CordonCore
import Synchronization

/// The keys that issuers publish, fetched when they are needed and kept for a while; those that were good are used on when
/// they can't be fetched. Whoever sends tokens that don't fit causes a request now and then, and no more.
final class KeyDesk: Sendable {
    private struct Kept: Sendable {
        var keys: Secret?
        var askedAt: Instant
    }

    private struct Certificates: Sendable {
        var kept: [String: Secret] = [:]
        var askedAt: Instant?
    }

    private let kept = Mutex<[String: Kept]>([:])
    private let certificates = Mutex<[String: Certificates]>([:])
    /// One request at a time for each address; those who wait for it find what it brought.
    private let locks = SubjectLocks()

    /// `nil`: they could not be fetched, and none were before.
    func keys(
        _ published: Connections.PublishedKeys, ageMillisecondsMax age: Int64, over transport: any Transport,
        at now: Instant
    ) async -> Secret? {
        await locks.whileLocked([published.url]) {
            let known = kept.withLock { $0[published.url] }
            let patience = known?.keys == nil ? min(age, Limits.keySetRetryMilliseconds) : age
            // A clock that was set back is no reason to go by old keys.
            if let known, case let since = now.since(known.askedAt), since >= 0, since < patience { return known.keys }
            let keys = await fetch(published, transport) ?? known?.keys
            kept.withLock { $0[published.url] = Kept(keys: keys, askedAt: now) }
            return keys
        }
    }

    /// The certificate at an address that a message names, before anybody knows whose message it is: few are kept, and a
    /// new one is fetched no oftener than once in a while. `nil`: not now, so that the sender comes again.
    func certificate(
        _ url: String, of source: String, over transport: any Transport, at now: Instant
    ) async -> Secret? {
        await locks.whileLocked(["certificates of \(source)"]) {
            if let known = certificates.withLock({ $0[source]?.kept[url] }) { return known }
            let mayAsk = certificates.withLock { certificates in
                let last = certificates[source]?.askedAt
                // A clock that was set back is no reason to wait.
                guard last.map({ !(0..<Limits.keySetRetryMilliseconds).contains(now.since($0)) }) ?? true else {
                    return false
                }
                certificates[source, default: Certificates()].askedAt = now
                return true
            }
            guard mayAsk else { return nil }
            let request = OutboundRequest(
                method: "GET", url: url, timeoutMilliseconds: 5000, responseBytesMax: Limits.keySetBytesMax)
            guard case .answered(let response) = await transport.send(request).fate, response.status == 200,
                TopicMessage.isCertificate(response.body)
            else { return nil }
            return certificates.withLock { certificates in
                let pem = Secret(response.body)
                // Amazon changes it seldom; whoever names many is not Amazon.
                if certificates[source, default: Certificates()].kept.count >= Limits.certificatesKeptMax {
                    certificates[source]?.kept = [:]
                }
                certificates[source]?.kept[url] = pem
                return pem
            }
        }
    }

    private func fetch(_ published: Connections.PublishedKeys, _ transport: any Transport) async -> Secret? {
        let request = OutboundRequest(
            method: "GET", url: published.url, headers: [("accept", "application/json")], timeoutMilliseconds: 5000,
            responseBytesMax: Limits.keySetBytesMax, egress: published.egress)
        guard case .answered(let response) = await transport.send(request).fate, response.status == 200,
            SourceShape.Authentication.isKeySet(response.body)
        else { return nil }
        return Secret(response.body)
    }
}
