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
            /// A cursor in the answer, null or empty at the end, that the next request has as this query parameter.
            case cursor(Arguments, parameter: String)
        }

        /// Of an answer, the list of its entries.
        package var items: Arguments
        package var next: Next

        package init(items: Arguments, next: Next) {
            self.items = items
            self.next = next
        }
    }
}

/// The pages of a listing that have come so far.
struct Listing {
    enum Turn {
        /// Where the next page is.
        case next(String)
        /// It ended with this page.
        case whole
        case broken(String)
    }

    private(set) var items: [Value] = []
    private(set) var pages = 0
    private var bytes = 0
    private var addresses: Set<String> = []

    /// Takes one page in and says how the listing goes on.
    /// - Parameters:
    ///   - url: where this page was.
    ///   - first: where the listing began: cursors are appended to it.
    mutating func take(
        _ answer: Answer, bytes count: Int, of shape: ProviderShape.Pages, at url: String, first: String
    ) -> Turn {
        guard case .success(.array(let entries)) = shape.items.render(answer.variables) else {
            return .broken("a page of the listing has no list where its connector looks")
        }
        items += entries
        pages += 1
        bytes += count
        addresses.insert(url)
        let following: String?
        switch next(answer, shape.next, at: url, first: first) {
        case .success(let address): following = address
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
        _ answer: Answer, _ next: ProviderShape.Pages.Next, at url: String, first: String
    ) -> Result<String?, Refusal> {
        switch next {
        case .link: return answer.headers["link"].flatMap(nextLink).map { within(url, $0) } ?? .success(nil)
        case .address(let arguments):
            return text(arguments, answer).flatMap { $0.map { within(url, $0) } ?? .success(nil) }
        case .cursor(let arguments, let parameter):
            return text(arguments, answer).map { cursor in
                cursor.map {
                    first + (first.contains("?") ? "&" : "?") + percentEncoded(parameter) + "=" + percentEncoded($0)
                }
            }
        }
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
    private func within(_ url: String, _ address: String) -> Result<String?, Refusal> {
        let origin = originOf(url)
        if address.hasPrefix("/"), !address.hasPrefix("//") { return .success(origin + address) }
        guard originOf(address) == origin else {
            return .failure(Refusal(.undecided, "the listing's next page would be at another host; it is not asked"))
        }
        return .success(address)
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
