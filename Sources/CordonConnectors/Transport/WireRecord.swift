// SPDX-License-Identifier: Apache-2.0

/// What was seen of one request on the wire, and what follows from it: whether bytes may have left, and how often.
///
/// libcurl repeats a request by itself when a reused connection dies before the first byte of the answer. Each send is
/// announced (`begins`) with the number of request bytes that libcurl has counted so far over all sends; a send whose
/// count grew put bytes on the wire. So a repetition shows without knowing how long one request is.
struct WireRecord: Equatable, Sendable {
    /// Over TLS a write can fail after whole records have left, and libcurl then counts nothing.
    let isEncrypted: Bool
    private(set) var begun = 0
    private(set) var sends = 0
    private(set) var bytesCounted = 0

    init(isEncrypted: Bool) { self.isEncrypted = isEncrypted }

    mutating func begins(bytesCounted count: Int) {
        advance(to: count)
        begun += 1
    }

    mutating func ends(bytesCounted count: Int) { advance(to: count) }

    private mutating func advance(to count: Int) {
        if count > bytesCounted { sends += 1 }
        bytesCounted = max(bytesCounted, count)
    }

    var mayHaveBeenSent: Bool { bytesCounted > 0 || (isEncrypted && begun > 0) }
    var wasSentTwice: Bool { sends > 1 }

    /// The fate of a request that got no whole answer.
    func fate(of fault: Fault) -> Delivery.Fate { mayHaveBeenSent ? .mayHaveBeenSent(fault) : .notSent(fault) }
}
