// SPDX-License-Identifier: Apache-2.0
import CCurl
import Glibc

/// The sockets that libcurl wants watched, kept in epoll.
///
/// libcurl stops and starts watching a kept connection at the end and start of each request. A socket that we opened
/// ourselves stays registered in between, because its end is announced to us too (`closes`): a request over a kept
/// connection then costs no epoll call. Other descriptors (the resolver's) are taken out at once.
final class SocketWatch {
    private struct Entry {
        var registered: UInt32 = 0
        var wanted: UInt32 = 0
        var isOurs = false
    }

    let epoll: Int32
    private var entries: [Entry] = []

    init() throws(Fault) {
        epoll = ccurl_epoll_create()
        if epoll < 0 { throw .system("epoll_create1") }
    }

    deinit { Glibc.close(epoll) }

    func opened(_ descriptor: Int32) { entry(of: descriptor) { $0 = Entry(isOurs: true) } }

    func closes(_ descriptor: Int32) {
        entry(of: descriptor) { entry in
            if entry.registered != 0 { _ = ccurl_epoll_change(epoll, EPOLL_CTL_DEL, descriptor, 0) }
            entry = Entry()
        }
    }

    /// `what` is one of libcurl's CURL_POLL_ values.
    func want(_ what: Int32, of descriptor: Int32) {
        entry(of: descriptor) { entry in
            var events: UInt32 = 0
            if what == CURL_POLL_IN || what == CURL_POLL_INOUT { events |= EPOLLIN.rawValue }
            if what == CURL_POLL_OUT || what == CURL_POLL_INOUT { events |= EPOLLOUT.rawValue }
            entry.wanted = events
            if events == 0 && entry.isOurs { return }
            if events != entry.registered { register(events, descriptor, &entry) }
        }
    }

    /// What to tell libcurl about an event; nil when it doesn't watch this socket now.
    func selection(for events: UInt32, of descriptor: Int32) -> Int32? {
        entry(of: descriptor) { entry in
            if entry.wanted == 0 {
                // A kept connection that was closed by its peer would report so for ever.
                register(0, descriptor, &entry)
                return nil
            }
            // On errors the call itself must fail, so that libcurl sees the reason: report what it waits for.
            let isFailure = events & (EPOLLERR.rawValue | EPOLLHUP.rawValue) != 0
            let ready = isFailure ? entry.wanted : events
            return (ready & EPOLLIN.rawValue != 0 ? CURL_CSELECT_IN : 0)
                | (ready & EPOLLOUT.rawValue != 0 ? CURL_CSELECT_OUT : 0)
        }
    }

    private func register(_ events: UInt32, _ descriptor: Int32, _ entry: inout Entry) {
        if events == 0 {
            if entry.registered != 0 { _ = ccurl_epoll_change(epoll, EPOLL_CTL_DEL, descriptor, 0) }
        } else if entry.registered == 0 {
            if ccurl_epoll_change(epoll, EPOLL_CTL_ADD, descriptor, events) != 0 && errno == EEXIST {
                _ = ccurl_epoll_change(epoll, EPOLL_CTL_MOD, descriptor, events)
            }
        } else if ccurl_epoll_change(epoll, EPOLL_CTL_MOD, descriptor, events) != 0 && errno == ENOENT {
            _ = ccurl_epoll_change(epoll, EPOLL_CTL_ADD, descriptor, events)
        }
        entry.registered = events
    }

    private func entry<Result>(of descriptor: Int32, _ change: (inout Entry) -> Result) -> Result {
        let index = Int(descriptor)
        while entries.count <= index { entries.append(Entry()) }
        return change(&entries[index])
    }
}
