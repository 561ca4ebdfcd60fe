// SPDX-License-Identifier: Apache-2.0
import Glibc

/// Sends bytes as they are to a port of this machine, and returns what came back once `isWhole` says so or the peer
/// left: for what no client library would send.
package func exchange(
    _ bytes: [UInt8], port: Int, isWhole: @escaping @Sendable ([UInt8]) -> Bool
) async throws -> [UInt8] {
    try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<[UInt8], any Error>) in
        startThread { continuation.resume(with: Result { try exchangeHere(bytes, port, isWhole) }) }
    }
}

/// The same on the calling thread, which waits: for handlers of `LoopbackServer`, which have threads of their own.
package func exchangeHere(_ bytes: [UInt8], _ port: Int, _ isWhole: ([UInt8]) -> Bool) throws -> [UInt8] {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
    guard descriptor >= 0 else { throw SystemError("socket") }
    defer { close(descriptor) }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = in_port_t(port).bigEndian
    address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
    let code = withUnsafePointer(to: &address) {
        $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
            connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
        }
    }
    guard code == 0 else { throw SystemError("connect") }
    let peer = Socket(descriptor: descriptor)
    guard peer.write(bytes) else { throw SystemError("send") }
    var answer: [UInt8] = []
    while !isWhole(answer), let more = peer.read() { answer += more }
    return answer
}
