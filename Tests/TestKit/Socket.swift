// SPDX-License-Identifier: Apache-2.0
import Glibc

/// A system call that failed, with what it said.
package struct SystemError: Error, Equatable, CustomStringConvertible {
    package var call: String
    package var number: Int32

    package init(_ call: String, _ number: Int32 = errno) {
        self.call = call
        self.number = number
    }

    package static func == (left: SystemError, right: SystemError) -> Bool { left.number == right.number }
    package var description: String { "\(call): \(String(cString: strerror(number)))" }
}

/// A connected blocking socket; whoever made it closes it.
struct Socket: Sendable {
    let descriptor: Int32

    /// A listening socket on 127.0.0.1, and the port that it got.
    static func listen(port: UInt16, backlog: Int32) throws(SystemError) -> (descriptor: Int32, port: UInt16) {
        let descriptor = socket(
            AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue), 0)
        guard descriptor >= 0 else { throw SystemError("socket") }
        var yes: Int32 = 1
        setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &yes, socklen_t(MemoryLayout<Int32>.size))
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let code = withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { raw in
                if bind(descriptor, raw, size) != 0 { return Int32(-1) }
                if Glibc.listen(descriptor, backlog) != 0 { return Int32(-1) }
                return getsockname(descriptor, raw, &size)
            }
        }
        guard code == 0 else {
            let error = SystemError("bind, listen or getsockname")
            close(descriptor)
            throw error
        }
        return (descriptor, UInt16(bigEndian: address.sin_port))
    }

    /// The next connection; nil once the listening socket is shut down.
    static func accept(on listener: Int32) -> Int32? {
        while true {
            var entry = pollfd(fd: listener, events: Int16(POLLIN), revents: 0)
            if poll(&entry, 1, -1) < 0 && errno != EINTR { return nil }
            let (descriptor, number) = Spawn.withoutSpawning {
                let descriptor = Glibc.accept(listener, nil, nil)
                if descriptor >= 0 {
                    _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
                    _ = fcntl(descriptor, F_SETFL, 0)
                }
                return (descriptor, errno)
            }
            if descriptor >= 0 { return descriptor }
            if ![EINTR, ECONNABORTED, EAGAIN].contains(number) { return nil }
        }
    }

    /// Nil at the end of the stream and on any error.
    func read() -> [UInt8]? {
        let bytes = [UInt8](unsafeUninitializedCapacity: 65_536) { buffer, count in
            repeat { count = recv(descriptor, buffer.baseAddress, buffer.count, 0) } while count < 0 && errno == EINTR
            count = max(0, count)
        }
        return bytes.isEmpty ? nil : bytes
    }

    /// Reads and forgets at least so many bytes, or all there are.
    func read(atLeast count: Int) {
        var left = count
        while left > 0, let bytes = read() { left -= bytes.count }
    }

    /// False when the peer is gone.
    @discardableResult
    func write(_ bytes: [UInt8]) -> Bool {
        bytes.withUnsafeBytes { buffer in
            var done = 0
            while done < buffer.count {
                // The loop runs only over bytes that are there, so there is a base address.
                let count = send(descriptor, buffer.baseAddress! + done, buffer.count - done, Int32(MSG_NOSIGNAL))
                if count < 0 && errno == EINTR { continue }
                if count <= 0 { return false }
                done += count
            }
            return true
        }
    }

    /// The close that follows sends RST instead of FIN.
    func resetOnClose() {
        var linger = linger(l_onoff: 1, l_linger: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &linger, socklen_t(MemoryLayout<Glibc.linger>.size))
    }
}

/// Runs the work on a new thread with a small stack.
func startThread(_ work: @escaping @Sendable () -> Void) {
    final class Box {
        let work: @Sendable () -> Void
        init(_ work: @escaping @Sendable () -> Void) { self.work = work }
    }
    var attributes = pthread_attr_t()
    pthread_attr_init(&attributes)
    defer { pthread_attr_destroy(&attributes) }
    pthread_attr_setstacksize(&attributes, 512 << 10)
    pthread_attr_setdetachstate(&attributes, Int32(PTHREAD_CREATE_DETACHED))
    let box = Unmanaged.passRetained(Box(work))
    var thread = pthread_t()
    let code = pthread_create(
        &thread, &attributes,
        { context in
            // Passed just below, once.
            Unmanaged<Box>.fromOpaque(context!).takeRetainedValue().work()
            return nil
        }, box.toOpaque())
    precondition(code == 0, "no thread for the test kit: \(String(cString: strerror(code)))")
}
