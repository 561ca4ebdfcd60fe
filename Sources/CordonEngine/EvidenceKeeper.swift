// SPDX-License-Identifier: Apache-2.0

package import CordonEvidence
import Dispatch
import Synchronization

/// Keeps evidence on threads of its own: a sync blocks, and the shared pool must not. Several are kept at a time, because
/// the disk takes syncs that it is asked for at once together.
///
/// What is kept is salted: the history names a commitment, from which nobody guesses content that was erased, however
/// short it was.
package final class EvidenceKeeper: Sendable {
    private static let rememberedMax = 4096
    private static let lanes = 4

    private let blobs: Blobs
    /// None where nothing blocks: on a disk in memory.
    private let queues: [DispatchQueue]
    private let turn = Atomic(0)
    private let makeSalt: @Sendable () -> Salt
    /// What this process made durable, by its content: providers say the same of many subjects, and once is enough.
    private let kept = Mutex<[Content: Digest]>([:])

    /// What is sealed with one key is never found under another's: it would go with that one.
    private struct Content: Hashable {
        var digest: Digest
        var label: String?
    }

    package init(blobs: Blobs) {
        self.blobs = blobs
        queues = (0..<Self.lanes).map { DispatchQueue(label: "cordon.evidence.\($0)") }
        makeSalt = { Salt.random() }
    }

    /// Keeps on the caller's own thread, and so that a rehearsal gives the same each time.
    init(inMemory blobs: Blobs) {
        self.blobs = blobs
        queues = []
        makeSalt = { Salt.zero }
    }

    /// The key that seals what nothing else is said of.
    var standardLabel: String? { blobs.standardLabel }

    /// For a body that is kept elsewhere.
    func salt() -> [UInt8] { makeSalt().bytes }

    /// What is kept from here on gets names of its own: nothing under way comes to share what is about to go.
    package func forget() { kept.withLock { $0 = [:] } }

    /// The name under which the bytes are kept, durably when it returns; only then may the history name it.
    ///
    /// - Parameter label: the key that seals it; `nil`: that of the installation, where it has one.
    package func keep(_ bytes: [UInt8], sealedWith label: String? = nil) async throws(EvidenceError) -> Digest {
        let content = Content(digest: Digest.of(bytes), label: label)
        if let digest = kept.withLock({ $0[content] }) { return digest }
        let salted = SaltedBlob(content: bytes, salt: makeSalt())
        let digest = try await work { (blobs) throws(EvidenceError) in
            try blobs.put(salted.bytes, sealedWith: label)
        }
        kept.withLock { kept in
            if kept.count >= Self.rememberedMax { kept.removeAll(keepingCapacity: true) }
            kept[content] = digest
        }
        return digest
    }

    /// Those for which there is a file, or may be one; no word on whether it is sound.
    func kept(among texts: [String]) async -> Set<String> {
        let named = texts.compactMap { text in (try? Digest(parsing: text)).map { (text, $0) } }
        let found = try? await work { (blobs) throws(EvidenceError) in
            named.filter { (try? blobs.contains($0.1)) ?? true }.map(\.0)
        }
        return Set(found ?? texts)
    }

    /// Takes them away, content and salt; gone for good when it returns. Those that are gone already change nothing.
    package func erase(_ texts: [String]) async throws(EvidenceError) {
        let digests = try texts.map { (text) throws(EvidenceError) in try Digest(parsing: text) }
        guard !digests.isEmpty else { return }
        let gone = Set(digests)
        kept.withLock { kept in kept = kept.filter { !gone.contains($0.value) } }
        try await work { (blobs) throws(EvidenceError) in
            for digest in digests where try blobs.contains(digest) { _ = try blobs.erase(digest) }
        }
    }

    private func work<Answer: Sendable>(
        _ body: @escaping @Sendable (Blobs) throws(EvidenceError) -> Answer
    ) async throws(EvidenceError) -> Answer {
        let blobs = self.blobs
        guard !queues.isEmpty else { return try body(blobs) }
        let queue = queues[turn.wrappingAdd(1, ordering: .relaxed).oldValue & (Self.lanes - 1)]
        let result: Result<Answer, EvidenceError> = await withCheckedContinuation { continuation in
            queue.async {
                do throws(EvidenceError) {
                    continuation.resume(returning: .success(try body(blobs)))
                } catch {
                    continuation.resume(returning: .failure(error))
                }
            }
        }
        return try result.get()
    }
}
