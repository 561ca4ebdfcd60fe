// SPDX-License-Identifier: Apache-2.0

import BenchKit
import Glibc
import TestKit

/// A kept blocking connection to 127.0.0.1 that does no more than a measurement needs: requests are made beforehand,
/// answers are read by their Content-Length.
final class HTTPConnection {
    private let descriptor: Int32
    private var buffer: [UInt8] = []
    private var room = [UInt8](repeating: 0, count: 16_384)

    init(port: UInt16) throws {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { throw SystemError("socket") }
        var yes: Int32 = 1
        setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &yes, socklen_t(MemoryLayout<Int32>.size))
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        let code = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard code == 0 else { throw SystemError("connect to port \(port)") }
    }

    deinit { close(descriptor) }

    /// Sends a whole request and returns its whole answer.
    func exchange(_ request: [UInt8]) throws -> (status: Int, body: [UInt8]) {
        try write(request)
        let head = try readHead()
        let words = head.prefix { $0 != "\r\n" }.split(separator: " ")
        guard words.count >= 2, let status = Int(words[1]) else {
            throw BenchFailure(description: "no HTTP answer: \(head.prefix(80))")
        }
        let length = head.split(separator: "\r\n").first { $0.lowercased().hasPrefix("content-length:") }
        let count = length.flatMap { Int($0.dropFirst(15).drop { $0 == " " }) } ?? 0
        while buffer.count < count { try readMore() }
        defer { buffer.removeFirst(count) }
        return (status, Array(buffer.prefix(count)))
    }

    static func get(_ path: String, port: UInt16, bearer: String? = nil) throws -> (status: Int, body: [UInt8]) {
        let access = bearer.map { "authorization: Bearer \($0)\r\n" } ?? ""
        let request = "GET \(path) HTTP/1.1\r\nhost: 127.0.0.1\r\n\(access)\r\n"
        return try HTTPConnection(port: port).exchange(Array(request.utf8))
    }

    private func write(_ bytes: [UInt8]) throws {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else { throw SystemError("send") }
            rest = rest.dropFirst(count)
        }
    }

    /// The head without its empty line; what follows stays in the buffer.
    private func readHead() throws -> String {
        while true {
            if let end = endOfHead() {
                defer { buffer.removeFirst(end + 4) }
                return String(decoding: buffer[..<end], as: UTF8.self)
            }
            try readMore()
        }
    }

    private func endOfHead() -> Int? {
        guard buffer.count >= 4 else { return nil }
        return (0...(buffer.count - 4)).first { buffer[$0..<($0 + 4)].elementsEqual([13, 10, 13, 10]) }
    }

    private func readMore() throws {
        var count = 0
        repeat { count = recv(descriptor, &room, room.count, 0) } while count < 0 && errno == EINTR
        guard count >= 0 else { throw SystemError("recv") }
        guard count > 0 else { throw BenchFailure(description: "the server closed a connection before its answer") }
        buffer += room[..<count]
    }
}
