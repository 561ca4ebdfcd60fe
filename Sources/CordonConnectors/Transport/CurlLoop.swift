// SPDX-License-Identifier: Apache-2.0
import CCurl
import Glibc
import Synchronization

/// Starts the thread that owns the multi handle.
enum CurlThread {
    private final class Boot {
        let limits: CurlTransport.Limits
        let mailbox: CurlMailbox
        let watch: SocketWatch

        init(limits: CurlTransport.Limits, mailbox: CurlMailbox, watch: SocketWatch) {
            self.limits = limits
            self.mailbox = mailbox
            self.watch = watch
        }
    }

    static func start(limits: CurlTransport.Limits, mailbox: CurlMailbox) throws(Fault) {
        let boot = Unmanaged.passRetained(Boot(limits: limits, mailbox: mailbox, watch: try SocketWatch()))
        var thread = pthread_t()
        let code = pthread_create(&thread, nil, body, boot.toOpaque())
        guard code == 0 else {
            boot.release()
            errno = code
            throw .system("pthread_create")
        }
        pthread_detach(thread)
    }

    private static let body: @convention(c) (UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? = { context in
        // Signals belong to other threads; and a write to a closed TLS connection must not end the process.
        var all = sigset_t()
        sigfillset(&all)
        pthread_sigmask(SIG_SETMASK, &all, nil)
        // Passed by `start` alone.
        for closer in live(Unmanaged<Boot>.fromOpaque(context!).takeRetainedValue()) { closer.resume() }
        return nil
    }

    /// The loop and its descriptors are gone when this returns, and before anyone hears that the transport is closed.
    private static func live(_ boot: consuming Boot) -> [CheckedContinuation<Void, Never>] {
        CurlLoop(limits: boot.limits, mailbox: boot.mailbox, watch: boot.watch).run()
    }
}

/// The loop: commands in, `curl_multi_socket_action` per ready socket and due timer, results out. Made, used and
/// ended on its own thread.
final class CurlLoop {
    private let limits: CurlTransport.Limits
    private let mailbox: CurlMailbox
    private let watch: SocketWatch
    private let multi: UnsafeMutableRawPointer?
    private var transfers: [UInt64: CurlTransfer] = [:]
    private var waiting = WaitingLine()
    private var idleHandles: [CurlHandle] = []
    private var timerDeadline: Int64?
    private var closers: [CheckedContinuation<Void, Never>] = []
    private var isStopping = false
    private var scratch: [UInt8] = []

    init(limits: CurlTransport.Limits, mailbox: CurlMailbox, watch: SocketWatch) {
        self.limits = limits
        self.mailbox = mailbox
        self.watch = watch
        multi = curl_multi_init()
    }

    /// Returns those who wait for the end, once everything is released.
    func run() -> [CheckedContinuation<Void, Never>] {
        if let multi { turn(multi) }
        endEverything()
        return closers
    }

    private func turn(_ multi: UnsafeMutableRawPointer) {
        ccurl_multi_set_long(multi, CURLMOPT_MAXCONNECTS, limits.pooledConnectionsMax)
        let context = Unmanaged.passUnretained(self).toOpaque()
        ccurl_multi_on_socket(multi, onSocket, context)
        ccurl_multi_on_timer(multi, onTimer, context)
        _ = ccurl_epoll_change(watch.epoll, EPOLL_CTL_ADD, mailbox.wakeDescriptor, EPOLLIN.rawValue)
        var commands: [CurlCommand] = []
        var events = [epoll_event](repeating: epoll_event(), count: Self.eventsMax)
        while true {
            mailbox.take(into: &commands)
            let hadCommands = !commands.isEmpty
            for command in commands { obey(command) }
            commands.removeAll(keepingCapacity: true)
            if isStopping { return }
            runTimers(multi)
            reap(multi)
            let pause = hadCommands ? 0 : pauseMilliseconds()
            let count = epoll_wait(watch.epoll, &events, Int32(Self.eventsMax), pause)
            for index in 0..<max(0, Int(count)) { handle(events[index], multi) }
            if count > 0 { reap(multi) }
        }
    }

    private static let eventsMax = 256

    private func obey(_ command: CurlCommand) {
        switch command {
        case .start(let order):
            if order.ticket.isCancelled.load(ordering: .acquiring) {
                order.continuation.resume(returning: .failed(.notSent(.callerGaveUp), wasSentTwice: false))
            } else if transfers.count < limits.inFlightMax {
                start(order)
            } else if waiting.count < limits.waitingMax {
                waiting.append(order)
            } else {
                let fault = Fault(
                    kind: .other, number: 0, reason: "\(limits.waitingMax) requests wait already: try again later")
                order.continuation.resume(returning: .failed(.notSent(fault), wasSentTwice: false))
            }
        case .cancel(let number):
            if let transfer = transfers[number] {
                finish(transfer, transfer.result(endedBy: .callerGaveUp))
                startWaiting()
            } else if let order = waiting.remove(number) {
                order.continuation.resume(returning: .failed(.notSent(.callerGaveUp), wasSentTwice: false))
            }
        case .stop(let closer):
            isStopping = true
            if let closer { closers.append(closer) }
        }
    }

    private func start(_ order: CurlOrder) {
        let timeLeft = order.deadlineMilliseconds - MonotonicClock.nowMilliseconds()
        guard timeLeft > 0 else {
            order.continuation.resume(returning: .failed(.notSent(.timedOutWaiting), wasSentTwice: false))
            return
        }
        guard let handle = idleHandles.popLast() ?? CurlHandle() else {
            let fault = Fault(code: CURLE_FAILED_INIT, detail: "")
            order.continuation.resume(returning: .failed(.notSent(fault), wasSentTwice: false))
            return
        }
        let transfer = CurlTransfer(order: order, handle: handle, watch: watch, limits: limits)
        transfer.configure(timeoutMilliseconds: timeLeft, scratch: &scratch)
        transfers[order.number] = transfer
        let code = curl_multi_add_handle(multi, handle.easy)
        if code != CURLM_OK { finish(transfer, transfer.result(of: CURLE_FAILED_INIT)) }
    }

    private func startWaiting() {
        while transfers.count < limits.inFlightMax, let order = waiting.popFirst() { start(order) }
    }

    private func finish(_ transfer: CurlTransfer, _ result: CurlResult) {
        curl_multi_remove_handle(multi, transfer.handle.easy)
        transfers[transfer.order.number] = nil
        transfer.handle.reset()
        idleHandles.append(transfer.handle)
        transfer.order.continuation.resume(returning: result)
    }

    private func reap(_ multi: UnsafeMutableRawPointer) {
        var left: Int32 = 0
        while let message = curl_multi_info_read(multi, &left) {
            guard message.pointee.msg == CURLMSG_DONE, let easy = message.pointee.easy_handle,
                let context = ccurl_pointer(easy, CURLINFO_PRIVATE)
            else { continue }
            // CURLOPT_PRIVATE is set for every handle that joins the multi handle, and the table holds its transfer.
            let transfer = Unmanaged<CurlTransfer>.fromOpaque(context).takeUnretainedValue()
            finish(transfer, transfer.result(of: ccurl_message_result(message)))
        }
        startWaiting()
    }

    private func runTimers(_ multi: UnsafeMutableRawPointer) {
        if timerDeadline == nil && waiting.earliestDeadline == nil { return }
        let now = MonotonicClock.nowMilliseconds()
        if let deadline = timerDeadline, deadline <= now {
            timerDeadline = nil
            var running: Int32 = 0
            curl_multi_socket_action(multi, CURL_SOCKET_TIMEOUT, 0, &running)
        }
        for order in waiting.removeExpired(now: now) {
            order.continuation.resume(returning: .failed(.notSent(.timedOutWaiting), wasSentTwice: false))
        }
    }

    private func pauseMilliseconds() -> Int32 {
        guard let deadline = [timerDeadline, waiting.earliestDeadline].compactMap(\.self).min() else { return -1 }
        return Int32(clamping: max(0, deadline - MonotonicClock.nowMilliseconds()))
    }

    private func handle(_ event: epoll_event, _ multi: UnsafeMutableRawPointer) {
        let descriptor = event.data.fd
        if descriptor == mailbox.wakeDescriptor {
            mailbox.drainWake()
        } else if let selection = watch.selection(for: event.events, of: descriptor) {
            var running: Int32 = 0
            curl_multi_socket_action(multi, descriptor, selection, &running)
        }
    }

    /// libcurl wants to be called in so many milliseconds; negative: not at all.
    func setTimer(_ milliseconds: Int) {
        timerDeadline = milliseconds < 0 ? nil : MonotonicClock.nowMilliseconds() + Int64(milliseconds)
    }

    func watchSocket(_ descriptor: Int32, _ what: Int32) { watch.want(what, of: descriptor) }

    private func endEverything() {
        let unread = mailbox.shut()
        for transfer in Array(transfers.values) { finish(transfer, transfer.result(endedBy: .transportClosed)) }
        while let order = waiting.popFirst() { order.continuation.resume(returning: .transportClosed) }
        for command in unread {
            switch command {
            case .start(let order): order.continuation.resume(returning: .transportClosed)
            case .stop(let closer?): closers.append(closer)
            case .cancel, .stop(nil): break
            }
        }
        idleHandles.removeAll()
        if let multi { curl_multi_cleanup(multi) }
    }
}

private func onSocket(
    _ easy: UnsafeMutableRawPointer?, _ descriptor: curl_socket_t, _ what: Int32, _ context: UnsafeMutableRawPointer?,
    _ socketContext: UnsafeMutableRawPointer?
) -> Int32 {
    // The loop is alive while its own `run` calls libcurl.
    Unmanaged<CurlLoop>.fromOpaque(context!).takeUnretainedValue().watchSocket(descriptor, what)
    return 0
}

private func onTimer(
    _ multi: UnsafeMutableRawPointer?, _ milliseconds: Int, _ context: UnsafeMutableRawPointer?
) -> Int32 {
    // As above.
    Unmanaged<CurlLoop>.fromOpaque(context!).takeUnretainedValue().setTimer(milliseconds)
    return 0
}
