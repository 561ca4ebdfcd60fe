// SPDX-License-Identifier: Apache-2.0

package import CordonCore
import CordonLanguage

extension ProviderShape {
    /// How a listing that comes in pages goes on. What is kept of it, and picked, sees all pages as `body.items`.
    ///
    /// A listing counts only whole: of one that breaks off, nothing is believed.
    package struct Pages: Sendable, Hashable {
        package enum Next: Sendable, Hashable {
            /// The header `Link` with `rel="next"` (RFC 8288).
            case link
            /// An address in the answer, or null at the end.
            case address(Arguments)
            /// A cursor in the answer, null or empty at the end, that the next request has as this parameter.
            case cursor(Arguments, parameter: String, in: Part = .query)
            /// The next request says in this parameter where it begins, the first entry being number `first`. The listing
            /// ends at `total` of them where the answer tells it, and otherwise with a page of fewer than `size`.
            case offset(parameter: String, size: Int, first: Int, total: Arguments?, in: Part = .query)
        }

        /// Where a request has a parameter that says which page it is about.
        package enum Part: String, Sendable, Hashable, CaseIterable { case query, form, json }

        /// Of an answer, the list of its entries.
        package var items: Arguments
        package var next: Next

        package init(items: Arguments, next: Next) {
            self.items = items
            self.next = next
        }
    }
}

/// What of a request tells one page of a listing from the next.
struct PageAddress: Hashable {
    var url: String
    var body: [UInt8]?

    /// The same with a parameter more; `nil` where its body is no JSON object to put it into.
    func adding(_ parameter: String, _ value: Value, in part: ProviderShape.Pages.Part) -> PageAddress? {
        let text = value.stringValue ?? value.json
        let pair = percentEncoded(parameter) + "=" + percentEncoded(text)
        var copy = self
        switch part {
        case .query: copy.url += (url.contains("?") ? "&" : "?") + pair
        case .form: copy.body = (body.map { $0 + Array("&".utf8) } ?? []) + Array(pair.utf8)
        case .json:
            guard case .object(var members)? = try? JSON.parse(body ?? Array("{}".utf8)) else { return nil }
            members[parameter] = value
            copy.body = Value.object(members).jsonBytes
        }
        return copy
    }
}

extension BuiltRequest {
    var address: PageAddress {
        get { PageAddress(url: url, body: body) }
        set { (url, body) = (newValue.url, newValue.body) }
    }
}

/// The pages of a listing that have come so far.
struct Listing {
    enum Turn {
        /// Where the next page is.
        case next(PageAddress)
        /// It ended with this page.
        case whole
        case broken(String)
    }

    private(set) var items: [Value] = []
    private(set) var pages = 0
    private var bytes = 0
    private var addresses: Set<PageAddress> = []

    /// Takes one page in and says how the listing goes on.
    /// - Parameters:
    ///   - address: where this page was.
    ///   - first: where the listing began: cursors are appended to it.
    mutating func take(
        _ answer: Answer, bytes count: Int, of shape: ProviderShape.Pages, at address: PageAddress, first: PageAddress
    ) -> Turn {
        guard case .success(.array(let entries)) = shape.items.render(answer.variables) else {
            return .broken("a page of the listing has no list where its connector looks")
        }
        items += entries
        pages += 1
        bytes += count
        addresses.insert(address)
        let following: PageAddress?
        switch next(answer, shape.next, at: address, first: first, entries: entries.count) {
        case .success(let found): following = found
        case .failure(let refusal): return .broken(refusal.reason)
        }
        guard let following else { return .whole }
        guard !addresses.contains(following) else { return .broken("the listing goes in a circle") }
        guard pages < Limits.listingPagesMax, items.count < Limits.listingItemsMax, bytes < Limits.listingBytesMax
        else {
            return .broken(
                "the listing is not at its end after \(pages) pages with \(items.count) entries (listingPagesMax, "
                    + "listingItemsMax, listingBytesMax)")
        }
        return .next(following)
    }

    private func next(
        _ answer: Answer, _ next: ProviderShape.Pages.Next, at address: PageAddress, first: PageAddress, entries: Int
    ) -> Result<PageAddress?, Refusal> {
        switch next {
        case .link:
            return answer.headers["link"].flatMap(nextLink).map { within(address, $0).map(Optional.some) }
                ?? .success(nil)
        case .address(let arguments):
            return text(arguments, answer).flatMap {
                $0.map { within(address, $0).map(Optional.some) } ?? .success(nil)
            }
        case .cursor(let arguments, let parameter, let part):
            return text(arguments, answer).flatMap { cursor in
                cursor.map { adding(parameter, .string($0), to: first, part) } ?? .success(nil)
            }
        case .offset(let parameter, let size, let start, let total, let part):
            return isWhole(answer, entries: entries, size: size, total).flatMap { isWhole in
                isWhole ? .success(nil) : adding(parameter, .int(Int64(start + items.count)), to: first, part)
            }
        }
    }

    /// Whether an entry after these is not to be had.
    private func isWhole(
        _ answer: Answer, entries: Int, size: Int, _ total: Arguments?
    ) -> Result<Bool, Refusal> {
        switch total?.render(answer.variables) {
        case nil, .success(.null)?: return .success(entries < size)
        case .success(.int(let total))? where items.count >= total: return .success(true)
        case .success(.int)? where entries > 0: return .success(false)
        case .success?, .failure?:
            return .failure(Refusal(.undecided, "the listing's total and its pages don't go together"))
        }
    }

    private func adding(
        _ parameter: String, _ value: Value, to first: PageAddress, _ part: ProviderShape.Pages.Part
    ) -> Result<PageAddress?, Refusal> {
        guard let next = first.adding(parameter, value, in: part) else {
            return .failure(Refusal(.undecided, "the request has no JSON object to put '\(parameter)' into"))
        }
        return .success(next)
    }

    private func text(_ arguments: Arguments, _ answer: Answer) -> Result<String?, Refusal> {
        switch arguments.render(answer.variables) {
        case .success(.null), .success(.string("")): .success(nil)
        case .success(.string(let text)): .success(text)
        case .success(.int(let number)): .success(String(number))
        case .success, .failure:
            .failure(Refusal(.undecided, "how the listing goes on can't be told from its answer"))
        }
    }

    /// An address out of an answer is followed only where the listing began: whoever asks is told there.
    private func within(_ here: PageAddress, _ link: String) -> Result<PageAddress, Refusal> {
        let origin = originOf(here.url)
        if link.hasPrefix("/"), !link.hasPrefix("//") {
            return .success(PageAddress(url: origin + link, body: here.body))
        }
        guard originOf(link) == origin else {
            return .failure(Refusal(.undecided, "the listing's next page would be at another host; it is not asked"))
        }
        return .success(PageAddress(url: link, body: here.body))
    }
}

/// Scheme, host and port as they are written.
private func originOf(_ url: String) -> String {
    guard let scheme = url.firstRange(of: "://") else { return "" }
    let rest = url[scheme.upperBound...]
    let end = rest.firstIndex { $0 == "/" || $0 == "?" || $0 == "#" } ?? rest.endIndex
    return url[..<end].lowercased()
}

/// The target of the link whose relation is `next` (RFC 8288 §3).
func nextLink(_ header: String) -> String? {
    var rest = header[...]
    while let open = rest.firstIndex(of: "<"), let close = rest[open...].firstIndex(of: ">") {
        let target = rest[rest.index(after: open)..<close]
        let tail = rest[rest.index(after: close)...]
        let end = tail.firstIndex(of: "<") ?? tail.endIndex
        let isNext = tail[..<end].split(separator: ";").contains { parameter in
            let pair = parameter.split(separator: "=", maxSplits: 1)
            guard pair.count == 2, trimmed(pair[0]).lowercased() == "rel" else { return false }
            return trimmed(pair[1]).lowercased().split(separator: " ").contains("next")
        }
        if isNext { return String(target) }
        rest = tail[end...]
    }
    return nil
}

private func trimmed(_ text: Substring) -> String {
    var text = text
    while let edge = text.first, " ,\"\t".contains(edge) { text.removeFirst() }
    while let edge = text.last, " ,\"\t".contains(edge) { text.removeLast() }
    return String(text)
}
