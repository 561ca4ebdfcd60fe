// SPDX-License-Identifier: Apache-2.0

package import CordonConnectors
package import CordonCore
package import CordonEvidence
import Synchronization

/// Asks the witnesses of a policy to cosign a checkpoint, and hears from them whether this log is the one they saw.
///
/// Whoever answers is believed only by his signature; but that a witness saw more than there is, or another tree, is
/// taken at its word, because going on would put two trees under one name. Nobody signs such an answer (C2SP tlog-witness
/// has a size alone in it), so it counts only from where nobody else can give it: over TLS, or from this machine. Over
/// plain HTTP it is no more than silence, and a witness is never believed to have seen less than it signed for.
package final class WitnessRing: Sendable {
    /// What one round of asking gave.
    package struct Round: Sendable {
        /// The note with every cosignature that it has now.
        package var note: Note
        /// Why the log here is not the one that a witness saw.
        package var contradiction: String?
        /// Who said nothing that helps, with the reason.
        package var silent: [(witness: String, reason: String)] = []
        /// Whether the policy's quorum stands under the note.
        package var isMet = false
    }

    /// The consistency proof from that size to the checkpoint's.
    package typealias Prove = @Sendable (_ oldSize: UInt64) async throws(EvidenceError) -> [Digest]

    private enum Answer: Sendable {
        case cosigned([UInt8])
        case contradicts(String)
        case silent(String)
    }

    private static let timeoutMilliseconds: Int64 = 3000
    private static let answerBytesMax = 1 << 16
    /// So that one that is away delays nothing at each checkpoint.
    private static let pauseMilliseconds: Int64 = 30_000
    private static let triesMax = 3
    /// The policy is the operator's own word, and an answer proves itself: any network may lie between.
    private static let egress = EgressPolicy(
        allowsPlainHTTP: true, allowsLoopback: true,
        allowedNetworks: ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7"])

    private struct State {
        /// What each cosigned last, as far as this process knows.
        var sizes: [VerifierKey: UInt64] = [:]
        var pausedUntil: [VerifierKey: Instant] = [:]
    }

    package let policy: WitnessPolicy
    private let transport: any Transport
    private let known: KnownSecrets
    private let state = Mutex(State())

    /// - Parameter known: what is never quoted from an answer.
    package init(policy: WitnessPolicy, transport: any Transport, known: KnownSecrets = KnownSecrets()) {
        self.known = known
        self.policy = policy
        self.transport = transport
    }

    package var keys: [VerifierKey] { policy.witnessKeys }

    /// Takes in a note that was cosigned before. Whatever the witnesses under it answer, they saw as much.
    package func recall(_ bytes: [UInt8]) throws(EvidenceError) {
        let note = try Note(parsing: bytes)
        let size = try Checkpoint(parsing: note.text).size
        let signers = (try? note.verify(with: keys)) ?? []
        state.withLock { state in
            for signer in signers { state.sizes[signer.key] = max(size, state.sizes[signer.key] ?? 0) }
        }
    }

    /// Whether it would be worth asking somebody who has not signed this note yet.
    package func isWorthAsking(about note: Note, now: Instant) -> Bool { !missing(note, now).isEmpty }

    /// Asks everybody who has not signed this note yet, all at once.
    ///
    /// - Parameter insists: whether those are asked too that said nothing a moment ago.
    package func ask(
        about note: Note, _ checkpoint: Checkpoint, at now: Instant, insists: Bool = false, _ prove: @escaping Prove
    ) async -> Round {
        var round = Round(note: note)
        let asked = missing(note, insists ? nil : now)
        let answers = await withTaskGroup(of: (WitnessPolicy.NamedWitness, Answer).self) { tasks in
            for witness in asked {
                tasks.addTask { (witness, await self.ask(witness, note, checkpoint, prove)) }
            }
            var all: [(WitnessPolicy.NamedWitness, Answer)] = []
            for await answer in tasks { all.append(answer) }
            return all.sorted { $0.0.name < $1.0.name }
        }
        for (witness, answer) in answers { take(answer, of: witness, checkpoint, now, &round) }
        let signers = (try? round.note.verify(with: keys)) ?? []
        round.isMet = policy.isMet(by: signers.map(\.key))
        return round
    }

    private func missing(_ note: Note, _ now: Instant?) -> [WitnessPolicy.NamedWitness] {
        let signed = Set(((try? note.verify(with: keys)) ?? []).map(\.key))
        let paused = state.withLock { $0.pausedUntil }
        return policy.witnesses.filter { witness in
            guard witness.url != nil, witness.key.kind == .cosignature, !signed.contains(witness.key) else {
                return false
            }
            guard let now, let until = paused[witness.key] else { return true }
            return now >= until
        }
    }

    private func take(
        _ answer: Answer, of witness: WitnessPolicy.NamedWitness, _ checkpoint: Checkpoint, _ now: Instant,
        _ round: inout Round
    ) {
        var reason: String?
        switch answer {
        case .cosigned(let lines):
            do throws(EvidenceError) {
                round.note = try round.note.adding(lines, by: [witness.key])
                state.withLock { $0.sizes[witness.key] = checkpoint.size }
            } catch { reason = "its answer is no cosignature under its key: \(error.reason)" }
        case .contradicts(let says): round.contradiction = round.contradiction ?? says
        case .silent(let says): reason = says
        }
        if let reason { round.silent.append((witness.name, reason)) }
        let until = reason == nil ? nil : now.adding(milliseconds: WitnessRing.pauseMilliseconds)
        state.withLock { $0.pausedUntil[witness.key] = until }
    }

    // MARK: One witness

    private func ask(
        _ witness: WitnessPolicy.NamedWitness, _ note: Note, _ checkpoint: Checkpoint, _ prove: Prove
    ) async -> Answer {
        guard let url = witness.url else { return .silent("the policy names no address for it") }
        let signed = state.withLock { $0.sizes[witness.key] } ?? 0
        var old = min(signed, checkpoint.size)
        for _ in 0..<WitnessRing.triesMax {
            let hashes: [Digest]
            do throws(EvidenceError) {
                hashes = old == 0 || old == checkpoint.size ? [] : try await prove(old)
            } catch { return .silent("no proof from \(old) entries could be made: \(error.reason)") }
            let request = WitnessRequest(oldSize: old, hashes: hashes, checkpoint: note.bytes)
            switch await send(request, to: url) {
            case .failure(let reason): return .silent(reason.text)
            case .success(let response):
                if response.status == 409, let size = WitnessRing.size(response.body), size != old {
                    guard size >= signed else { return .silent(WitnessRing.forgot(size, signed)) }
                    guard size <= checkpoint.size else {
                        return heard(saw(witness, size, checkpoint.size), from: url)
                    }
                    old = size
                    continue
                }
                return answer(response, of: witness, url, old, checkpoint)
            }
        }
        return .silent("it says another size each time that it is asked")
    }

    private func answer(
        _ response: OutboundResponse, of witness: WitnessPolicy.NamedWitness, _ url: String, _ old: UInt64,
        _ new: Checkpoint
    ) -> Answer {
        let first = String(decoding: response.body.prefix { $0 >= 0x20 }, as: UTF8.self)
        let quoted = known.quote(first, 200)
        let says = quoted.isEmpty ? "" : ": \(quoted)"
        switch response.status {
        case 200: return .cosigned(response.body)
        case 409 where old == new.size && old > 0:
            return heard("the witness \(witness.name) cosigned another tree of \(old) entries", from: url)
        case 422 where old > 0 && old < new.size:
            return heard(
                "the witness \(witness.name) cosigned \(old) entries that are not the beginning of the \(new.size) here",
                from: url)
        case 404: return .silent("it does not know this log; give it the log's public key ('cordon key list')")
        case 403: return .silent("it knows none of the keys that sign this log\(says)")
        default: return .silent("it answers \(response.status)\(says)")
        }
    }

    private func saw(_ witness: WitnessPolicy.NamedWitness, _ size: UInt64, _ here: UInt64) -> String {
        "the witness \(witness.name) cosigned \(size) entries, \(here) are signed here: entries \(here) to "
            + "\(size - 1) are lost"
    }

    private static func forgot(_ size: UInt64, _ signed: UInt64) -> String {
        "it says that it cosigned \(size) entries, and its own signature under \(signed) is here: it lost its memory, "
            + "or something answers in its place"
    }

    /// What nobody signed counts only from where nobody else can say it.
    private func heard(_ says: String, from url: String) -> Answer {
        guard !WitnessRing.isVouched(url) else { return .contradicts(says) }
        return .silent(
            "something answers there that \(says); over plain HTTP nobody can tell who: give the witness an https address"
        )
    }

    private static func isVouched(_ url: String) -> Bool {
        if url.hasPrefix("https://") { return true }
        guard url.hasPrefix("http://") else { return false }
        let place = url.dropFirst("http://".count).prefix { $0 != "/" }
        if place == "[::1]" || place.hasPrefix("[::1]:") { return true }
        let host = place.prefix { $0 != ":" }
        let parts = host.split(separator: ".", omittingEmptySubsequences: false)
        return !place.contains("@") && (host == "localhost" || host.hasPrefix("127.") && parts.count == 4)
            && (host == "localhost" || parts.allSatisfy { UInt8($0) != nil })
    }

    private struct Unheard: Error { var text: String }

    private func send(_ request: WitnessRequest, to url: String) async -> Result<OutboundResponse, Unheard> {
        let delivery = await transport.send(
            OutboundRequest(
                method: "POST", url: url + WitnessRequest.path, headers: [("content-type", "text/plain")],
                body: request.bytes, timeoutMilliseconds: WitnessRing.timeoutMilliseconds,
                connectTimeoutMilliseconds: WitnessRing.timeoutMilliseconds,
                responseBytesMax: WitnessRing.answerBytesMax, egress: WitnessRing.egress))
        switch delivery.fate {
        case .answered(let response): return .success(response)
        case .notSent(let fault), .mayHaveBeenSent(let fault): return .failure(Unheard(text: fault.reason))
        }
    }

    private static func size(_ body: [UInt8]) -> UInt64? {
        guard body.last == UInt8(ascii: "\n"), body.count <= 21 else { return nil }
        return UInt64(String(decoding: body.dropLast(), as: UTF8.self))
    }
}
