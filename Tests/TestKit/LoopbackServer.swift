// SPDX-License-Identifier: Apache-2.0
import Glibc
import Synchronization

/// A small HTTP/1.1 server on 127.0.0.1 that does what the test says, also what no honest server does, and remembers
/// every request that it read whole, in order of arrival.
///
/// ```swift
/// let server = try LoopbackServer { request in .respond(200, ["content-type": "application/json"], "{}") }
/// defer { server.stop() }
/// ```
/// The handler runs on the connection's own thread, so it may block; `Gate` is there to hold an answer back.
package final class LoopbackServer: Sendable {
    package struct Request: Sendable {
        package var method: String
        /// As it came: path and query.
        package var target: String
        /// Names in lower case; repeated fields joined by a comma and a blank.
        package var headers: [String: String]
        package var body: [UInt8]
        /// The how-manieth request of the server, from 1.
        package var order: Int
        /// The how-manieth connection of the server, from 1.
        package var connection: Int
        /// The how-manieth request on its connection, from 1.
        package var orderOnConnection: Int

        package var path: String { String(target.prefix { $0 != "?" }) }
        package var bodyText: String { String(decoding: body, as: UTF8.self) }
    }

    /// What to do with a connection before anything is read from it.
    package enum Welcome: Sendable {
        case serve
        /// FIN without reading.
        case close
        /// RST without reading.
        case reset
        /// Reads at least so many bytes, whatever they are, then RST.
        case resetMidway(afterBytes: Int)
        /// Neither reads nor closes until the server stops.
        case ignore
        /// Writes these bytes at once, then closes: no HTTP, no TLS.
        case babble([UInt8])
    }

    package typealias Handler = @Sendable (Request) -> Answer

    package let port: UInt16
    package var url: String { "http://127.0.0.1:\(port)" }

    private struct State {
        var requests: [Request] = []
        var connections = 0
        /// The number of each connection by its descriptor.
        var open: [Int32: Int] = [:]
        var waiters: [(count: Int, continuation: CheckedContinuation<Void, Never>)] = []
        var isListening = true
        var isStopped = false
        var threads = 0
    }

    private let state = Mutex(State())
    private let listener: Int32
    private let welcome: @Sendable (Int) -> Welcome
    private let handler: Handler
    private let ending = Gate()

    /// `welcome` is asked with the number of each new connection, from 1.
    package init(
        port: UInt16 = 0, backlog: Int32 = 1024, _ handler: @escaping Handler,
        welcome: @escaping @Sendable (Int) -> Welcome = { _ in .serve }
    ) throws(SystemError) {
        (listener, self.port) = try Socket.listen(port: port, backlog: backlog)
        self.welcome = welcome
        self.handler = handler
        let server = self
        startThread { server.acceptAll() }
    }

    /// All requests read whole so far, in order of arrival.
    package var requests: [Request] { state.withLock { $0.requests } }
    package var connectionCount: Int { state.withLock { $0.connections } }
    /// The numbers of the connections that are being served: what was sent on any other is read, or is lost.
    package var openConnections: Set<Int> { state.withLock { Set($0.open.values) } }

    /// Returns once this many requests have been read whole; at once after `stop`.
    package func waitForRequests(_ count: Int) async {
        await withCheckedContinuation { continuation in
            let isThere = state.withLock { state in
                if state.requests.count >= count || state.isStopped { return true }
                state.waiters.append((count, continuation))
                return false
            }
            if isThere { continuation.resume() }
        }
    }

    /// New connections are refused by the system from now on; open ones live on.
    package func stopListening() {
        let mustClose = state.withLock { state in
            defer { state.isListening = false }
            return state.isListening
        }
        // The accepting thread sees the shut down socket and closes it.
        if mustClose { shutdown(listener, Int32(SHUT_RDWR)) }
    }

    /// Ends all connections and lets every thread go. May be called twice.
    package func stop() {
        stopListening()
        let waiters = state.withLock { state in
            state.isStopped = true
            for descriptor in state.open.keys { shutdown(descriptor, Int32(SHUT_RDWR)) }
            defer { state.waiters = [] }
            return state.waiters
        }
        ending.open()
        for waiter in waiters { waiter.continuation.resume() }
    }

    // MARK: - Threads

    private func acceptAll() {
        while true {
            guard let descriptor = Socket.accept(on: listener) else { break }
            let number = state.withLock { state -> Int? in
                if state.isStopped { return nil }
                state.connections += 1
                state.open[descriptor] = state.connections
                return state.connections
            }
            guard let number else {
                close(descriptor)
                continue
            }
            startThread { [self] in
                live(descriptor, number)
                // Closed under the lock: `stop` must never shut down a descriptor that means something else by now.
                state.withLock { state in
                    state.open[descriptor] = nil
                    _ = close(descriptor)
                }
            }
        }
        close(listener)
    }

    private func live(_ descriptor: Int32, _ number: Int) {
        let socket = Socket(descriptor: descriptor)
        switch welcome(number) {
        case .close: return
        case .reset: return socket.resetOnClose()
        case .resetMidway(let count):
            socket.read(atLeast: count)
            return socket.resetOnClose()
        case .ignore: return ending.wait()
        case .babble(let bytes):
            socket.write(bytes)
            return
        case .serve: break
        }
        var reader = RequestReader(socket: socket)
        var orderOnConnection = 0
        while var request = reader.next() {
            orderOnConnection += 1
            request.connection = number
            request.orderOnConnection = orderOnConnection
            record(&request)
            guard perform(handler(request), for: request, on: socket) else { return }
        }
    }

    private func record(_ request: inout Request) {
        let recorded = request
        let (order, ready) = state.withLock { state in
            var recorded = recorded
            recorded.order = state.requests.count + 1
            state.requests.append(recorded)
            let ready = state.waiters.filter { $0.count <= recorded.order }
            state.waiters.removeAll { $0.count <= recorded.order }
            return (recorded.order, ready)
        }
        request.order = order
        for waiter in ready { waiter.continuation.resume() }
    }

    /// Returns whether the connection lives on.
    private func perform(_ answer: Answer, for request: Request, on socket: Socket) -> Bool {
        switch answer.kind {
        case .whole(let message):
            let isHead = request.method == "HEAD"
            guard socket.write(message.bytes(declaring: message.body.count, sendsBody: !isHead)) else { return false }
            return message.keepsConnection && request.headers["connection"]?.lowercased() != "close"
        case .chunked(let message):
            return socket.write(message.chunkedBytes()) && message.keepsConnection
        case .bytes(let bytes, let keepsConnection):
            return socket.write(bytes) && keepsConnection
        case .close:
            return false
        case .reset:
            socket.resetOnClose()
            return false
        case .silence:
            ending.wait()
            return false
        case .drip(let bytes, let size, let gap):
            for start in stride(from: 0, to: bytes.count, by: size) {
                guard socket.write(Array(bytes[start..<min(start + size, bytes.count)])) else { return false }
                if ending.wait(milliseconds: gap) { return false }
            }
            return true
        case .after(let milliseconds, let answer):
            if ending.wait(milliseconds: milliseconds) { return false }
            return perform(answer, for: request, on: socket)
        case .held(let gate, let answer):
            gate.wait()
            return perform(answer, for: request, on: socket)
        }
    }
}
