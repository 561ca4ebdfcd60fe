// SPDX-License-Identifier: Apache-2.0
import Glibc
import Testing

@testable import CordonConnectors

/// Which sockets the loop is woken for; a wrong answer is a loop that never sleeps, or one that never wakes.
@Suite struct SocketWatchTests {
    // libcurl's CURL_POLL_ and CURL_CSELECT_ values and the kernel's EPOLL ones, all part of their ABIs.
    private let pollIn: Int32 = 1
    private let pollOut: Int32 = 2
    private let pollRemove: Int32 = 4
    private let selectIn: Int32 = 1
    private let selectOut: Int32 = 2
    private let epollIn: UInt32 = 1
    private let epollOut: UInt32 = 4
    private let epollError: UInt32 = 8
    private let epollHangUp: UInt32 = 16

    private func pair() throws -> (ours: Int32, peer: Int32) {
        var ends: [Int32] = [-1, -1]
        try #require(socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0, &ends) == 0)
        return (ends[0], ends[1])
    }

    /// An epoll descriptor is itself readable while it has something to report.
    private func hasEvents(_ watch: SocketWatch) -> Bool {
        var entry = pollfd(fd: watch.epoll, events: Int16(POLLIN), revents: 0)
        return poll(&entry, 1, 0) == 1
    }

    private func writeByte(to descriptor: Int32) {
        var byte: UInt8 = 1
        #expect(write(descriptor, &byte, 1) == 1)
    }

    @Test func `a kept socket whose peer hangs up is reported once and then left alone`() throws {
        let watch = try SocketWatch()
        let (ours, peer) = try pair()
        watch.opened(ours)
        watch.want(pollIn, of: ours)
        #expect(!hasEvents(watch))
        watch.want(pollRemove, of: ours)
        close(peer)
        #expect(hasEvents(watch))
        #expect(watch.selection(for: epollIn | epollHangUp, of: ours) == nil)
        #expect(!hasEvents(watch))
        watch.want(pollIn, of: ours)
        #expect(hasEvents(watch))
        watch.closes(ours)
        close(ours)
    }

    @Test func `a kept socket is watched again`() throws {
        let watch = try SocketWatch()
        let (ours, peer) = try pair()
        watch.opened(ours)
        for _ in 0..<3 {
            watch.want(pollIn, of: ours)
            watch.want(pollRemove, of: ours)
        }
        watch.want(pollIn, of: ours)
        writeByte(to: peer)
        #expect(hasEvents(watch))
        #expect(watch.selection(for: epollIn, of: ours) == selectIn)
        watch.closes(ours)
        close(ours)
        close(peer)
    }

    @Test func `a number that is used again means the new socket`() throws {
        let watch = try SocketWatch()
        let (ours, peer) = try pair()
        watch.opened(ours)
        watch.want(pollIn, of: ours)
        watch.want(pollRemove, of: ours)
        watch.closes(ours)
        let (next, nextPeer) = try pair()
        #expect(dup2(next, ours) == ours)
        // As the resolver's descriptors come: without a word beforehand.
        watch.want(pollIn, of: ours)
        writeByte(to: nextPeer)
        #expect(hasEvents(watch))
        watch.want(pollRemove, of: ours)
        #expect(!hasEvents(watch))
        for descriptor in [ours, peer, next, nextPeer] { close(descriptor) }
    }

    @Test func `an error is reported as what libcurl waits for, so that its own call fails`() throws {
        let watch = try SocketWatch()
        let (ours, peer) = try pair()
        watch.opened(ours)
        watch.want(pollOut, of: ours)
        #expect(watch.selection(for: epollError, of: ours) == selectOut)
        #expect(watch.selection(for: epollOut, of: ours) == selectOut)
        watch.want(pollIn | pollOut, of: ours)
        #expect(watch.selection(for: epollHangUp, of: ours) == selectIn | selectOut)
        #expect(watch.selection(for: epollIn, of: ours) == selectIn)
        watch.closes(ours)
        close(ours)
        close(peer)
    }
}
