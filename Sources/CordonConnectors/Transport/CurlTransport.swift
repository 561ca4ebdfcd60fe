// SPDX-License-Identifier: Apache-2.0
import CCurl
import Glibc
import Synchronization

/// Sends requests over libcurl, all of them on one thread of its own; connections are kept and used again.
///
/// Speaks HTTP/1.1 only, over TLS 1.2 or later: HTTP/2 repeats refused streams by itself and gains nothing for calls
/// this small. Follows no redirect, uses no proxy, reads no netrc, keeps no cookie, always verifies certificates, and
/// reaches only addresses that the request's egress policy opens. Cancelling the task ends the transfer.
package final class CurlTransport: Transport {
    /// Everything is bounded, and each bound has its name here.
    package struct Limits: Sendable, Hashable {
        /// Transfers that run at one time; further ones wait, and their time runs while they wait.
        package var inFlightMax = 256
        package var waitingMax = 65_536
        package var pooledConnectionsMax = 256
        package var pooledConnectionIdleSecondsMax = 60
        package var pooledConnectionAgeSecondsMax = 900
        package var timeoutMillisecondsMax: Int64 = 900_000
        package var urlBytesMax = 8192
        package var requestHeadersMax = 64
        package var requestHeaderBytesMax = 32_768
        package var requestBytesMax = 16 << 20
        package var responseHeadersMax = 256
        package var responseHeaderBytesMax = 65_536

        package init() {}
    }

    private let limits: Limits
    private let mailbox: CurlMailbox
    private let lastNumber = Atomic<UInt64>(0)

    /// Throws when the system gives no descriptor or thread.
    package init(limits: Limits = Limits()) throws(Fault) {
        guard Self.librarySetUp == CURLE_OK else { throw Fault(code: Self.librarySetUp, detail: "") }
        self.limits = limits
        mailbox = try CurlMailbox()
        try CurlThread.start(limits: limits, mailbox: mailbox)
    }

    deinit { mailbox.post(.stop(nil)) }

    /// Must happen once, before any other use, in the whole process.
    private static let librarySetUp = curl_global_init(Int(CURL_GLOBAL_DEFAULT))

    package func send(_ request: OutboundRequest) async -> Delivery {
        let started = MonotonicClock.nowMilliseconds()
        let checked: CheckedRequest
        do throws(Fault) {
            checked = try CheckedRequest(request, limits: limits)
        } catch {
            return Delivery(fate: .notSent(error), durationMilliseconds: 0)
        }
        let number = lastNumber.add(1, ordering: .relaxed).newValue
        let ticket = CurlTicket()
        let result = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let order = CurlOrder(
                    number: number, checked: checked, ticket: ticket,
                    deadlineMilliseconds: started + checked.timeoutMilliseconds, continuation: continuation)
                if !mailbox.post(.start(order)) { continuation.resume(returning: .transportClosed) }
            }
        } onCancel: {
            ticket.isCancelled.store(true, ordering: .releasing)
            mailbox.post(.cancel(number))
        }
        return result.delivery(durationMilliseconds: MonotonicClock.nowMilliseconds() - started)
    }

    package func close() async {
        await withCheckedContinuation { continuation in
            if !mailbox.post(.stop(continuation)) { continuation.resume() }
        }
    }
}

/// Tells the loop that the caller gave up, also when it did so before the loop heard of the request.
final class CurlTicket: Sendable {
    let isCancelled = Atomic<Bool>(false)
}

/// A checked request on its way to the loop. Its continuation is resumed by whoever takes it out, exactly once.
/// A class, so that handing it on costs one reference and not one for each header.
final class CurlOrder: Sendable {
    let number: UInt64
    let checked: CheckedRequest
    let ticket: CurlTicket
    let deadlineMilliseconds: Int64
    let continuation: CheckedContinuation<CurlResult, Never>

    init(
        number: UInt64, checked: CheckedRequest, ticket: CurlTicket, deadlineMilliseconds: Int64,
        continuation: CheckedContinuation<CurlResult, Never>
    ) {
        self.number = number
        self.checked = checked
        self.ticket = ticket
        self.deadlineMilliseconds = deadlineMilliseconds
        self.continuation = continuation
    }
}

/// What the loop hands back. Header lines are read as fields by the caller's thread, not by the loop's.
enum CurlResult: Sendable {
    case answered(status: Int, head: ResponseHead, body: [UInt8], wasSentTwice: Bool)
    case failed(Delivery.Fate, wasSentTwice: Bool)

    static let transportClosed = CurlResult.failed(.notSent(.transportClosed), wasSentTwice: false)

    func delivery(durationMilliseconds: Int64) -> Delivery {
        switch self {
        case .answered(let status, let head, let body, let wasSentTwice):
            let response = OutboundResponse(status: status, headers: head.fields(), body: body)
            return Delivery(
                fate: .answered(response), wasSentTwice: wasSentTwice, durationMilliseconds: durationMilliseconds)
        case .failed(let fate, let wasSentTwice):
            return Delivery(fate: fate, wasSentTwice: wasSentTwice, durationMilliseconds: durationMilliseconds)
        }
    }
}

extension Fault {
    static let transportClosed = Fault(kind: .closed, number: 0, reason: "the transport is closed")
    static let callerGaveUp = Fault(kind: .closed, number: 0, reason: "the caller cancelled the request")
    static let timedOutWaiting = Fault(
        kind: .timedOut, number: 0, reason: "timed out while waiting for a free place among the transfers")
}

enum MonotonicClock {
    private static let start = SuspendingClock.now

    static func nowMilliseconds() -> Int64 {
        let span = start.duration(to: .now).components
        return span.seconds * 1000 + span.attoseconds / 1_000_000_000_000_000
    }
}
