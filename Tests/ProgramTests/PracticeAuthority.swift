// SPDX-License-Identifier: Apache-2.0

import Foundation
import Synchronization
import TestKit

/// An authorization server that counts, and that can be stopped at any point of a call. It stands beside the real one
/// for the moments that the real one can't be held at.
final class PracticeAuthority: Sendable {
    enum Point: String, Sendable, CaseIterable {
        /// The request has arrived whole; nothing was done.
        case beforeEffect
        /// The effect happened; not a byte of the answer has left.
        case afterEffect
    }

    static let token = "tok_0123456789abcdefghijklmnopqrstuvwxyz"

    let server: LoopbackServer
    private let box: Box

    private struct State {
        var isActive = true
        var revocations = 0
        var introspections = 0
    }

    /// What the handler, which is made before `self`, shares with it.
    private final class Box: Sendable {
        let state = Mutex(State())
        let onPoint = Mutex<(@Sendable (Point, String) -> Void)?>(nil)
    }

    init() throws {
        let box = Box()
        self.box = box
        server = try LoopbackServer { request in
            box.onPoint.withLock { $0 }?(.beforeEffect, request.path)
            let answer: LoopbackServer.Answer = box.state.withLock { state in
                let names = request.bodyText.contains(PracticeAuthority.token)
                switch request.path {
                case "/introspect":
                    state.introspections += 1
                    return .json(
                        names && state.isActive
                            ? #"{"active":true,"scope":"repo:read","client_id":"billing"}"# : #"{"active":false}"#)
                case "/revoke":
                    state.revocations += 1
                    if names { state.isActive = false }
                    return .respond(200)
                default: return .respond(404)
                }
            }
            box.onPoint.withLock { $0 }?(.afterEffect, request.path)
            return answer
        }
    }

    var isActive: Bool { box.state.withLock { $0.isActive } }
    var revocations: Int { box.state.withLock { $0.revocations } }
    var introspections: Int { box.state.withLock { $0.introspections } }

    /// Called on the server's thread at each point of each call; the call goes on when it returns.
    func onPoint(_ body: (@Sendable (Point, String) -> Void)?) { box.onPoint.withLock { $0 = body } }

    func installation() throws -> Installation {
        try Installation(
            introspect: server.url + "/introspect", revoke: server.url + "/revoke", clientID: "cordon",
            clientSecret: "client-secret", token: PracticeAuthority.token)
    }
}
