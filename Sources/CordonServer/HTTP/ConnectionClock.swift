// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import NIOCore
import NIOHTTPTypes

/// Ends connections that take too long: a head that doesn't come, a body that drips, an answer whose peer doesn't leave.
/// The library's own idle timer starts anew with every byte; these don't.
final class ConnectionClock: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPRequestPart
    typealias InboundOut = HTTPRequestPart
    typealias OutboundIn = HTTPResponsePart
    typealias OutboundOut = HTTPResponsePart

    struct Spans: Sendable {
        var idleMilliseconds: Int64
        var bodyMilliseconds: Int64
        var lingerMilliseconds: Int64
    }

    private let spans: Spans
    private var timer: Scheduled<Void>?
    private var isReadingBody = false
    private var isWritingAnswer = false
    private var endsWithAnswer = false
    /// Heads read whose answers are not written whole.
    private var unanswered = 0

    init(_ spans: Spans) { self.spans = spans }

    func handlerAdded(context: ChannelHandlerContext) {
        if context.channel.isActive { awaitHead(context) }
    }

    func channelActive(context: ChannelHandlerContext) {
        awaitHead(context)
        context.fireChannelActive()
    }

    func channelInactive(context: ChannelHandlerContext) {
        timer?.cancel()
        context.fireChannelInactive()
    }

    func handlerRemoved(context: ChannelHandlerContext) { timer?.cancel() }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head):
            isReadingBody = true
            unanswered += 1
            start(spans.bodyMilliseconds, context) { $0.endBody($1) }
            if head.headerFields[.expect]?.lowercased() == "100-continue", unanswered == 1 {
                context.writeAndFlush(wrapOutboundOut(.head(HTTPResponse(status: .continue))), promise: nil)
            }
        case .body: break
        case .end:
            isReadingBody = false
            if unanswered == 0 { awaitHead(context) } else if !endsWithAnswer { timer?.cancel() }
        }
        context.fireChannelRead(data)
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        switch unwrapOutboundIn(data) {
        case .head(let head):
            isWritingAnswer = true
            if head.headerFields[.connection]?.lowercased() == "close" { endsWithAnswer = true }
        case .body: break
        case .end:
            isWritingAnswer = false
            unanswered -= 1
            if endsWithAnswer {
                start(spans.lingerMilliseconds, context) { $1.close(promise: nil) }
            } else if unanswered == 0, !isReadingBody {
                awaitHead(context)
            }
        }
        context.write(data, promise: promise)
    }

    private func awaitHead(_ context: ChannelHandlerContext) {
        start(spans.idleMilliseconds, context) { $1.close(promise: nil) }
    }

    private func endBody(_ context: ChannelHandlerContext) {
        // Only when no byte of an answer is out and none of an earlier request is owed, the answer can be ours.
        if unanswered == 1, !isWritingAnswer {
            let head = HTTPResponse(status: .requestTimeout, headerFields: [.connection: "close", .contentLength: "0"])
            context.write(wrapOutboundOut(.head(head)), promise: nil)
            context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
        }
        context.close(promise: nil)
    }

    private func start(
        _ milliseconds: Int64, _ context: ChannelHandlerContext,
        _ act: @escaping (ConnectionClock, ChannelHandlerContext) -> Void
    ) {
        timer?.cancel()
        timer = context.eventLoop.assumeIsolated().scheduleTask(in: .milliseconds(milliseconds)) { act(self, context) }
    }
}
