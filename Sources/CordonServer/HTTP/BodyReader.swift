// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import Synchronization

/// Reads bodies whole, within a bound for each and one for all together. How long a body may take is the connection's
/// own clock's business.
final class BodyReader: Sendable {
    private let heldBytes = Atomic(0)
    private let heldBytesMax: Int

    init(heldBytesMax: Int) { self.heldBytesMax = heldBytesMax }

    /// Hands the body to `use`; it counts as held until `use` returns.
    func read<Result: Sendable>(
        _ request: Request, upTo bytesMax: Int, _ use: (_ body: [UInt8]) async throws -> Result
    ) async throws -> Result {
        if let declared = request.headers[.contentLength].flatMap({ Int($0) }), declared > bytesMax {
            throw BodyReader.tooLarge(bytesMax)
        }
        var held = 0
        defer { heldBytes.subtract(held, ordering: .relaxed) }
        var body: [UInt8] = []
        var pieces = request.body.makeAsyncIterator()
        while let piece = try await next(&pieces) {
            let count = piece.readableBytes
            guard count <= bytesMax - body.count else { throw BodyReader.tooLarge(bytesMax) }
            held += count
            guard heldBytes.add(count, ordering: .relaxed).newValue <= heldBytesMax else {
                var problem = Problem.unavailable(retryAfterSeconds: 1)
                problem.endsConnection = true
                throw problem
            }
            body.append(contentsOf: piece.readableBytesView)
        }
        return try await use(body)
    }

    private func next(_ pieces: inout RequestBody.AsyncIterator) async throws(Problem) -> ByteBuffer? {
        do {
            return try await pieces.next()
        } catch {
            // The framing is broken, or the peer or the connection's clock ended it: nothing more will come.
            throw Problem(.badRequest, "the body is not what its head announced", endsConnection: true)
        }
    }

    private static func tooLarge(_ bytesMax: Int) -> Problem {
        Problem(.bodyTooLarge, "the body is over \(bytesMax) bytes, the bound here", endsConnection: true)
    }
}
