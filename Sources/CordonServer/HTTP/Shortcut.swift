// SPDX-License-Identifier: Apache-2.0

import CordonCore
import HTTPTypes
import NIOCore
import NIOHTTPTypes
import Synchronization

/// Answers what can be answered at once on the connection's own thread, so that it stands in no line with what takes
/// long: alerts that come in, pages that are read.
///
/// Only a request that comes alone and without a body goes this way, and only when `answer` has an answer to it; whatever
/// else comes goes on to its route, and both ways say the same.
final class Shortcut: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPRequestPart
    typealias InboundOut = HTTPRequestPart
    typealias OutboundIn = HTTPResponsePart
    typealias OutboundOut = HTTPResponsePart

    typealias Answering = @Sendable (HTTPRequest) -> WholeAnswer?

    private let answer: Answering
    /// The answer to the request whose end is still to be read.
    private var ready: WholeAnswer?
    /// Requests that went on and are not answered yet: answers keep the order of their requests.
    private var underWay = 0

    init(_ answer: @escaping Answering) { self.answer = answer }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let request):
            // Whoever doesn't read its answers goes the long way, which waits for it.
            if underWay == 0, context.channel.isWritable, request.comesAlone, let answer = answer(request) {
                ready = answer
            } else {
                underWay += 1
                context.fireChannelRead(data)
            }
        case .body: if ready == nil { context.fireChannelRead(data) }
        case .end:
            guard let answer = ready else { return context.fireChannelRead(data) }
            ready = nil
            write(answer, context)
        }
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        if case .end = unwrapOutboundIn(data) { underWay -= 1 }
        context.write(data, promise: promise)
    }

    private func write(_ answer: WholeAnswer, _ context: ChannelHandlerContext) {
        var head = HTTPResponse(status: answer.status, headerFields: answer.headers)
        head.headerFields[.contentLength] = String(answer.body.count)
        context.write(wrapOutboundOut(.head(head)), promise: nil)
        if !answer.body.isEmpty {
            context.write(wrapOutboundOut(.body(ByteBuffer(bytes: answer.body))), promise: nil)
        }
        context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
    }
}

/// An answer that is there as a whole.
struct WholeAnswer: Sendable {
    var status: HTTPResponse.Status
    var headers: HTTPFields
    var body: [UInt8] = []
}

extension HTTPRequest {
    /// Nothing follows its head, and the connection goes on after it.
    fileprivate var comesAlone: Bool {
        !headerFields.contains(.transferEncoding) && !headerFields.contains(.expect)
            && headerFields[values: .contentLength].allSatisfy { $0 == "0" }
            && (headerFields[.connection].map { $0.lowercased() == "keep-alive" } ?? true)
    }
}

/// The text of a `Date` field (RFC 9110 §5.6.7), made once a second.
final class DateText: Sendable {
    private let last = Mutex((second: Int64.min, text: ""))

    func text(at now: Instant) -> String {
        let second = now.milliseconds / 1000
        return last.withLock { last in
            if last.second != second { last = (second, DateText.make(now)) }
            return last.text
        }
    }

    private static func make(_ now: Instant) -> String {
        let text = Array(now.description)  // 2026-11-24T04:11:17.250Z
        let weekdays = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"]
        let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
        let days = Int(now.milliseconds / 86_400_000)
        let month = Int(String(text[5...6])) ?? 1
        return "\(weekdays[((days % 7) + 7) % 7]), \(String(text[8...9])) \(months[month - 1]) \(String(text[0...3])) "
            + "\(String(text[11...18])) GMT"
    }
}
