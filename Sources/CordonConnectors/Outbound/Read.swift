// SPDX-License-Identifier: Apache-2.0

package import CordonCore
package import CordonLanguage

/// An answer as read: the outcome, and what of the answer may be kept as evidence.
package struct ReadAnswer: Sendable, Hashable {
    package var outcome: Outcome
    /// The kept members of the answer with its status; `nil` when there was no answer to keep.
    package var keepsake: [UInt8]?
    /// What a new credential consists of. It never leaves memory.
    var issued: IssuedSecret?

    package init(outcome: Outcome, keepsake: [UInt8]? = nil) {
        self.outcome = outcome
        self.keepsake = keepsake
    }
}

/// Reads what became of a request. Pure: the world's answer in, an outcome out; nothing here is an error.
package func read(
    _ delivery: Delivery, _ exchange: ProviderShape.Exchange, _ effectClass: EffectClass, arguments: Value = .null,
    rates: RateHeaders? = nil, at now: Instant? = nil, standIn: ([UInt8]) -> String = unmarked
) -> ReadAnswer {
    read(
        delivery, exchange, effectClass, arguments: arguments, rates: rates, at: now,
        page: Page(at: PageAddress(url: ""), first: PageAddress(url: ""), earlier: Listing()), standIn: standIn)
}

/// In place of a secret where nobody has a key to mark it with.
package func unmarked(_ bytes: [UInt8]) -> String { "‹secret›" }

/// The same of the last page of a listing.
func read(
    _ delivery: Delivery, _ exchange: ProviderShape.Exchange, _ effectClass: EffectClass, arguments: Value,
    mark: String = "", rates: RateHeaders?, at now: Instant?, page: Page, standIn: ([UInt8]) -> String = unmarked
) -> ReadAnswer {
    var answer: ReadAnswer
    switch delivery.fate {
    case .answered(let response):
        answer = read(
            Answer(response, exchange.format, with: arguments, mark: mark), exchange, effectClass, page,
            response.body.count, standIn)
        if answer.outcome.kind == .later {
            answer.outcome.retryAfterMilliseconds = retryAfter(response.headers, rates, now)
        }
    case .notSent(let fault):
        answer = ReadAnswer(
            outcome: Outcome(
                fault.isFinal ? .refused : .later, reason: "not sent: \(fault.reason)"))
    case .mayHaveBeenSent(let fault):
        answer = ReadAnswer(
            outcome: Outcome(.unknown, reason: "no answer after the request had left: \(fault.reason)"))
    }
    answer.outcome.wasSentTwice = delivery.wasSentTwice
    answer.outcome.durationMilliseconds = delivery.durationMilliseconds
    return answer
}

private func read(
    _ answer: Answer, _ exchange: ProviderShape.Exchange, _ effectClass: EffectClass, _ page: Page, _ bytes: Int,
    _ standIn: ([UInt8]) -> String
) -> ReadAnswer {
    var (kind, reason) = answer.meaning(exchange.answers, effectClass)
    var whole = answer
    if let pages = exchange.pages, kind == .done || kind == .already {
        switch page.ends(answer, bytes, pages) {
        case .success(let items): whole = answer.holding(items)
        case .failure(let refusal): return ReadAnswer(outcome: incomplete(answer, refusal.reason))
        }
    }
    let kept = whole.keep(exchange).cutting(exchange.secretMembers, standIn)
    let keepsake: Value = ["status": .int(Int64(answer.status)), "body": kept.value ?? .null]
    if kind == .done || kind == .already {
        switch kept {
        case .value, .nothing: break
        case .unreadable(let why):
            // A success that can't be read proves nothing; a read may simply be asked again.
            (kind, reason) = (effectClass.isWrite ? .unknown : .later, why)
        case .nobody(let why): (kind, reason) = (effectClass.isWrite ? .unknown : .refused, why)
        }
    }
    var result = kept.value ?? .null
    let bytes = result.jsonBytes.count
    if bytes > exchange.resultBytesMax {
        // The evidence has it whole. What a change answered is not needed to know that it happened; a reading that can't
        // be used must not pass for one.
        result = .null
        reason =
            "the answer's kept members are \(bytes) bytes, the limit is \(exchange.resultBytesMax) (resultBytesMax)"
        if !effectClass.isWrite, kind == .done || kind == .already { kind = .refused }
    }
    let outcome = Outcome(kind, status: answer.status, reason: reason, result: result)
    let read = ReadAnswer(outcome: outcome, keepsake: keepsake.jsonBytes)
    guard let issue = exchange.issues, kind == .done || kind == .already else { return read }
    return whole.reading(issue, beside: read)
}

/// A part of a listing would let the rest stand unseen.
private func incomplete(_ answer: Answer, _ reason: String) -> Outcome {
    Outcome(.refused, status: answer.status, reason: "the listing is not whole, so nothing of it counts: \(reason)")
}

/// One page of a listing with those before it.
struct Page {
    private let address: PageAddress
    private let first: PageAddress
    private let earlier: Listing

    init(at address: PageAddress, first: PageAddress, earlier: Listing) {
        self.address = address
        self.first = first
        self.earlier = earlier
    }

    /// Where the page after this one is, with this one taken in; `nil` where there is none, or none that may be asked.
    func goesOn(
        _ delivery: Delivery, _ exchange: ProviderShape.Exchange, arguments: Value, mark: String = ""
    ) -> (address: PageAddress, listing: Listing)? {
        guard let pages = exchange.pages, case .answered(let response) = delivery.fate else { return nil }
        let answer = Answer(response, exchange.format, with: arguments, mark: mark)
        let kind = answer.meaning(exchange.answers, .read).kind
        guard kind == .done || kind == .already else { return nil }
        var listing = earlier
        guard
            case .next(let next) = listing.take(
                answer, bytes: response.body.count, of: pages, at: address, first: first)
        else { return nil }
        return (next, listing)
    }

    /// All entries, where the listing ends with this page.
    func ends(_ answer: Answer, _ bytes: Int, _ pages: ProviderShape.Pages) -> Result<[Value], Refusal> {
        var listing = earlier
        switch listing.take(answer, bytes: bytes, of: pages, at: address, first: first) {
        case .whole: return .success(listing.items)
        case .next: return .failure(Refusal(.undecided, "there are more pages"))
        case .broken(let reason): return .failure(Refusal(.undecided, reason))
        }
    }
}

extension Answer {
    /// The connector's rules first, then its sets; then by the hundred, and so that doubt stays doubt: a gateway's 502
    /// or 504 hides what the provider behind it did, and for an effect that must not double even a 503 does.
    func meaning(
        _ answers: ProviderShape.Answers, _ effectClass: EffectClass
    ) -> (kind: Outcome.Kind, reason: String?) {
        var isUndecided = false
        for rule in answers.rules where rule.statuses?.contains(status) ?? true {
            switch rule.condition.decide(variables) {
            case .isTrue where rule.means == .later && isInDoubt(status, effectClass):
                return (.unknown, reason(.unknown))
            case .isTrue: return (rule.means, reason(rule.means))
            case .isFalse: break
            case .undecided: isUndecided = true
            }
        }
        let (kind, reason) = byStatus(answers, effectClass)
        guard isUndecided, kind == .done || kind == .already else { return (kind, reason) }
        return (effectClass.isWrite ? .unknown : .later, "the answer is not of the form that its connector reads")
    }

    private func reason(_ kind: Outcome.Kind) -> String? {
        switch kind {
        case .done, .already: nil
        case .later: "the provider asked to wait"
        case .refused: "the provider refused it"
        case .unknown: "the provider's answer leaves open what it did"
        }
    }

    private func byStatus(
        _ answers: ProviderShape.Answers, _ effectClass: EffectClass
    ) -> (Outcome.Kind, String?) {
        if answers.done.contains(status) { return (.done, nil) }
        if answers.already.contains(status) { return (.already, nil) }
        if answers.conflict.contains(status) {
            return (.refused, "conflict: somebody changed it since it was read, so nothing was written")
        }
        if answers.refused.contains(status) { return (.refused, "the provider refused it") }
        if answers.later.contains(status), !isInDoubt(status, effectClass) {
            return (.later, "the provider asked to wait")
        }
        switch status {
        case 429: return (.later, "too many requests")
        case 503 where effectClass != .once: return (.later, "the provider is unavailable")
        case 500...599: return (.unknown, "the provider answered with a fault of its own")
        case 300...399: return (.refused, "the provider redirects; redirects are not followed")
        case 400...499: return (.refused, "the provider refused it")
        default: return (.unknown, "the provider answered with a status that its connector doesn't know")
        }
    }
}

/// A connector may call a fault of the provider «later», and so did not happen; where a second effect would be one too
/// many, its word is not enough.
private func isInDoubt(_ status: Int, _ effectClass: EffectClass) -> Bool {
    guard (500...599).contains(status) else { return false }
    return effectClass == .once || status != 503 && !effectClass.mayBeIntendedAnew
}

extension Lane.Report {
    /// What a delivery tells of its provider, whatever it tells of the call.
    package init(_ delivery: Delivery, _ rates: RateHeaders? = nil, at now: Instant? = nil) {
        switch delivery.fate {
        case .answered(let response): self.init(response, rates, now)
        case .mayHaveBeenSent: self = .failed
        case .notSent(let fault):
            switch fault.kind {
            case .nameNotResolved, .connectionRefused, .timedOut, .reset, .tlsRefused: self = .failed
            case .addressForbidden, .badRequest, .responseTooLarge, .closed, .other: self = .nothing
            }
        }
    }

    /// The same of a stored outcome, as far as it tells: what a provider asked for and why a call failed, not the last
    /// call of a window that went well.
    package init(_ outcome: Outcome) {
        switch (outcome.kind, outcome.status) {
        case _ where outcome.wasWithheld || outcome == .lost || outcome.wasOutOfTime: self = .nothing
        case (_, 429): self = .limited(outcome.retryAfterMilliseconds ?? 1000)
        case (_, 503): self = outcome.retryAfterMilliseconds.map(Lane.Report.limited) ?? .failed
        case (_, let status?) where (500...599).contains(status): self = .failed
        case (.later, nil), (.unknown, nil): self = .failed
        case (.refused, nil): self = .nothing
        case (.done, _), (.already, _), (.later, _), (.refused, _), (.unknown, _): self = .sound
        }
    }

    private init(_ response: OutboundResponse, _ rates: RateHeaders?, _ now: Instant?) {
        let wait = retryAfter(response.headers, rates, now)
        switch response.status {
        case 429: self = .limited(wait ?? 1000)
        // GitHub's second limit: https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api
        case 403 where wait != nil: self = .limited(wait ?? 1000)
        case 503: self = wait.map(Lane.Report.limited) ?? .failed
        case 500...599: self = .failed
        default: self = exhausted(response.headers, rates, now).map(Lane.Report.limited) ?? .sound
        }
    }
}

/// The provider says that this was the last call of its window: milliseconds until the next.
private func exhausted(_ headers: [String: String], _ rates: RateHeaders?, _ now: Instant?) -> Int64? {
    // GitLab names its headers as the draft does and counts from 1970: the provider's own word goes first.
    let known = rates.map { $0.remaining == RateHeaders.standard.remaining ? [$0] : [RateHeaders.standard, $0] }
    for own in known ?? [.standard] where headers[own.remaining] == "0" {
        guard let text = headers[own.reset], let number = Int64(text), number > 0 else { continue }
        let seconds: Int64
        switch own.resetAs {
        case .seconds: seconds = number
        case .epoch:
            guard let now else { continue }
            seconds = max(1, number - now.milliseconds / 1000)
        }
        return min(seconds, Limits.retryAfterMillisecondsMax / 1000) * 1000
    }
    return nil
}

extension Outcome {
    /// Its own time was up, which says nothing of the provider.
    fileprivate var wasOutOfTime: Bool {
        reason == Outcome.lateReason || reason?.hasPrefix(Outcome.unfinishedReason) == true
    }
}

extension RateHeaders {
    /// draft-ietf-httpapi-ratelimit-headers.
    fileprivate static let standard = RateHeaders(
        remaining: "ratelimit-remaining", reset: "ratelimit-reset", resetAs: .seconds)
}

/// `Retry-After` (RFC 9110 §10.2.3), or else the provider's own header. A date counts from the answer's own `Date`: the
/// provider's clock is not ours, and its two words were read off the same one.
private func retryAfter(_ headers: [String: String], _ rates: RateHeaders?, _ now: Instant?) -> Int64? {
    if let text = headers["retry-after"] {
        if let seconds = Int64(text), seconds >= 0 {
            return min(seconds, Limits.retryAfterMillisecondsMax / 1000) * 1000
        }
        if let at = HTTPDate.instant(text), let date = headers["date"].flatMap(HTTPDate.instant) {
            return min(max(at.since(date), 0), Limits.retryAfterMillisecondsMax)
        }
    }
    return rates.flatMap { exhausted(headers, $0, now) }
}

extension Fault {
    /// Trying again as it is can't help: a person must change something.
    fileprivate var isFinal: Bool {
        switch kind {
        case .addressForbidden, .badRequest, .tlsRefused: true
        case .nameNotResolved, .connectionRefused, .timedOut, .reset, .responseTooLarge, .closed, .other: false
        }
    }
}
