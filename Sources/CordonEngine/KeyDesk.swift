// SPDX-License-Identifier: Apache-2.0

import CordonConnectors
import CordonCore
import Synchronization

/// The keys that issuers publish, fetched when they are needed and kept for a while; those that were good are used on when
/// they can't be fetched. Whoever sends tokens that don't fit causes a request now and then, and no more.
///
/// No delivery waits longer than `Limits.keySetPatienceMilliseconds`: what takes longer is fetched at length by whoever
/// keeps nobody waiting, and meanwhile the keys that are known are used.
final class KeyDesk: Sendable {
    /// A request that took too long for an answer that somebody waits for.
    enum Errand: Sendable, Hashable {
        case keys(Connections.PublishedKeys)
        case certificate(url: String, source: String)
    }

    struct Found: Sendable {
        /// `nil`: they could not be fetched, and none were before.
        var keys: Secret?
        /// A request for newer ones is still under way: that a token fits none of these says nothing yet.
        var isLate = false
    }

    private struct Kept: Sendable {
        var keys: Secret?
        /// When these were asked for.
        var keysAt: Instant?
        var askedAt: Instant?
        var isUnderWay = false
        /// The last request brought none.
        var hasFailed = false
    }

    private struct Certificates: Sendable {
        var kept: [String: Secret] = [:]
        /// Those that a message was signed with: what strangers name pushes none of them out.
        var proven: Set<String> = []
        var askedAt: Instant?
    }

    private enum Answer {
        case keys(Secret)
        case none
        case late
    }

    private let kept = Mutex<[String: Kept]>([:])
    private let certificates = Mutex<[String: Certificates]>([:])
    /// One request at a time for each address of which nothing is known; those who wait for it find what it brought.
    private let locks = SubjectLocks()
    private let transport: any Transport
    private let later: @Sendable (Errand) -> Void

    /// - Parameter later: has an errand carried out by somebody who keeps no sender waiting.
    init(_ transport: any Transport, later: @escaping @Sendable (Errand) -> Void) {
        self.transport = transport
        self.later = later
    }

    func keys(_ published: Connections.PublishedKeys, ageMillisecondsMax age: Int64, at now: Instant) async -> Found {
        guard kept.withLock({ $0[published.url]?.keys }) == nil else { return await look(published, age, now) }
        return await locks.whileLocked([published.url]) { await look(published, age, now) }
    }

    private func look(_ published: Connections.PublishedKeys, _ age: Int64, _ now: Instant) async -> Found {
        if let found = atHand(published.url, age, now) { return found }
        let answer = await fetch(published, Limits.keySetPatienceMilliseconds)
        if case .late = answer { later(.keys(published)) }
        return settle(published.url, answer)
    }

    /// `nil`: it is for the caller to ask, and nobody else does.
    private func atHand(_ url: String, _ age: Int64, _ now: Instant) -> Found? {
        kept.withLock { kept in
            var known = kept[url] ?? Kept()
            // What an issuer took back must not count for ever because its address gives no keys any more.
            if let at = known.keysAt, now.since(at) >= Limits.keySetKeptMillisecondsMax {
                (known.keys, known.keysAt) = (nil, nil)
                kept[url] = known
            }
            // A clock that was set back is no reason to go by old keys.
            func isRecent(_ bound: Int64) -> Bool {
                known.askedAt.map { (0..<bound).contains(now.since($0)) } ?? false
            }
            if known.isUnderWay, isRecent(Limits.keySetMillisecondsMin) {
                return Found(keys: known.keys, isLate: true)
            }
            let again = known.keys == nil ? Limits.keySetRetryMilliseconds : Limits.keySetMillisecondsMin
            if isRecent(known.keys == nil || known.hasFailed ? min(age, again) : age) {
                return Found(keys: known.keys)
            }
            known.askedAt = now
            known.isUnderWay = true
            kept[url] = known
            return nil
        }
    }

    private func settle(_ url: String, _ answer: Answer) -> Found {
        kept.withLock { kept in
            switch answer {
            case .keys(let keys):
                let askedAt = kept[url]?.askedAt
                kept[url]?.keys = keys
                kept[url]?.keysAt = askedAt
                kept[url]?.isUnderWay = false
                kept[url]?.hasFailed = false
            case .none:
                kept[url]?.isUnderWay = false
                kept[url]?.hasFailed = true
            case .late: return Found(keys: kept[url]?.keys, isLate: true)
            }
            return Found(keys: kept[url]?.keys)
        }
    }

    /// The certificate at an address that a message names, before anybody knows whose message it is: few are kept, and a
    /// new one is fetched no oftener than once in a while. `nil`: not now, so that the sender comes again.
    func certificate(_ url: String, of source: String, at now: Instant) async -> Secret? {
        // Who has a certificate that is known waits for nobody.
        if let known = certificates.withLock({ $0[source]?.kept[url] }) { return known }
        return await locks.whileLocked(["certificates of \(source)"]) {
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
            switch await fetchCertificate(url, Limits.keySetPatienceMilliseconds) {
            case .keys(let pem): return keep(pem, url, source)
            case .none: return nil
            case .late:
                later(.certificate(url: url, source: source))
                return nil
            }
        }
    }

    private func keep(_ pem: Secret, _ url: String, _ source: String) -> Secret {
        certificates.withLock { certificates in
            var own = certificates[source] ?? Certificates()
            // Amazon changes it seldom; whoever names many is not Amazon.
            if own.kept.count >= Limits.certificatesKeptMax {
                let proven = own.proven
                own.kept = own.kept.filter { proven.contains($0.key) }
                if own.kept.count >= Limits.certificatesKeptMax { (own.kept, own.proven) = ([:], []) }
            }
            own.kept[url] = pem
            certificates[source] = own
            return pem
        }
    }

    /// A message was signed with it.
    func prove(_ url: String, of source: String) {
        certificates.withLock { certificates in
            guard certificates[source]?.kept[url] != nil else { return }
            certificates[source]?.proven.insert(url)
        }
    }

    // MARK: Requests

    /// Asks anew, with all the time that an answer may take.
    func carryOut(_ errand: Errand) async {
        switch errand {
        case .keys(let published):
            let answer = await fetch(published, Limits.keySetTimeoutMilliseconds)
            if case .late = answer { _ = settle(published.url, .none) } else { _ = settle(published.url, answer) }
        case .certificate(let url, let source):
            if case .keys(let pem) = await fetchCertificate(url, Limits.keySetTimeoutMilliseconds) {
                _ = keep(pem, url, source)
            }
        }
    }

    private func fetchCertificate(_ url: String, _ timeout: Int64) async -> Answer {
        let request = OutboundRequest(
            method: "GET", url: url, timeoutMilliseconds: timeout, responseBytesMax: Limits.keySetBytesMax)
        return await answer(request, TopicMessage.isCertificate)
    }

    private func fetch(_ published: Connections.PublishedKeys, _ timeout: Int64) async -> Answer {
        let request = OutboundRequest(
            method: "GET", url: published.url, headers: [("accept", "application/json")], timeoutMilliseconds: timeout,
            responseBytesMax: Limits.keySetBytesMax, egress: published.egress)
        return await answer(request, SourceShape.Authentication.isKeySet)
    }

    private func answer(_ request: OutboundRequest, _ isSound: ([UInt8]) -> Bool) async -> Answer {
        switch await transport.send(request).fate {
        case .answered(let response) where response.status == 200 && isSound(response.body):
            .keys(Secret(response.body))
        case .answered: .none
        case .notSent(let fault), .mayHaveBeenSent(let fault): fault.kind == .timedOut ? .late : .none
        }
    }
}
