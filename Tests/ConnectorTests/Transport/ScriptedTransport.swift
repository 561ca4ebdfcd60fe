// SPDX-License-Identifier: Apache-2.0
import CordonConnectors
import Synchronization

/// Answers from a script and remembers what it was asked: for faults that a real socket can't show.
final class ScriptedTransport: Transport {
    private struct State {
        var requests: [OutboundRequest] = []
        var isClosed = false
    }

    private let state = Mutex(State())
    private let script: @Sendable (OutboundRequest, Int) -> Delivery

    /// The script is asked with each request and its number, from 1.
    init(_ script: @escaping @Sendable (OutboundRequest, Int) -> Delivery) { self.script = script }

    var requests: [OutboundRequest] { state.withLock { $0.requests } }

    func send(_ request: OutboundRequest) async -> Delivery {
        let number = state.withLock { state -> Int? in
            if state.isClosed { return nil }
            state.requests.append(request)
            return state.requests.count
        }
        guard let number else {
            let fault = Fault(kind: .closed, number: 0, reason: "the transport is closed")
            return Delivery(fate: .notSent(fault), durationMilliseconds: 0)
        }
        return script(request, number)
    }

    func close() async { state.withLock { $0.isClosed = true } }
}

extension Delivery {
    static func answered(_ status: Int, _ body: String = "", headers: [String: String] = [:]) -> Delivery {
        let response = OutboundResponse(status: status, headers: headers, body: Array(body.utf8))
        return Delivery(fate: .answered(response), durationMilliseconds: 1)
    }
}
