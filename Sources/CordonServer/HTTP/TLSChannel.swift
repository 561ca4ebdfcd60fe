// SPDX-License-Identifier: Apache-2.0

import HummingbirdCore
import Logging
import NIOCore
import NIOSSL

/// HTTP/1.1 inside TLS, under what the desk holds when the connection comes.
struct TLSChannel: HTTPChannelHandler {
    typealias Value = HTTP1Channel.Value

    let inner: HTTP1Channel
    let desk: TLSDesk

    var responder: Responder { inner.responder }

    func setup(channel: any NIOCore.Channel, logger: Logger) -> EventLoopFuture<Value> {
        let context = desk.current.context
        return channel.eventLoop.makeCompletedFuture {
            let peer = TLSPeer()
            // Every certificate passes the handshake, whose end proves the key; whose it is, is asked later.
            let handler = NIOSSLServerHandler(
                context: context,
                customVerificationCallback: { presented, promise in
                    peer.keep(presented: presented.compactMap { try? $0.toDERBytes() })
                    promise.succeed(.certificateVerified)
                })
            try channel.pipeline.syncOperations.addHandlers([handler, peer])
        }.flatMap { inner.setup(channel: channel, logger: logger) }
    }

    func handle(value: Value, logger: Logger) async { await inner.handle(value: value, logger: logger) }
}
