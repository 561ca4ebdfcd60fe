// SPDX-License-Identifier: Apache-2.0

package import CordonCore
package import CordonEvidence
package import CordonLanguage

/// The runs that the lines of a bundle tell of: the population of a sample, for whoever has no state folder. Whether the
/// lines are those that were signed, an audit of the bundle tells.
package struct BundlePopulation: Sendable {
    package struct Member: Sendable, Hashable {
        package var run: String
        package var openedAt: Instant
        package var playbook: String
        package var subject: String
        package var endedAt: Instant?
        package var ending: String?

        package var value: Value {
            [
                "run": .string(run), "opened_at": .string(openedAt.description),
                "ended_at": endedAt.map { .string($0.description) } ?? .null,
                "ending": ending.map(Value.string) ?? .null, "playbook": .string(playbook),
                "subject": .string(subject),
            ]
        }
    }

    /// Those that were opened in it, in the order of their ids.
    package var members: [Member] { opened.values.sorted { $0.run < $1.run } }
    /// What was signed when it was made.
    package let checkpoint: Checkpoint
    private var opened: [String: Member] = [:]

    package init(_ source: ByteSource) throws(EvidenceError) {
        let places = try TarIndex(source).places
        func range(_ name: String) throws(EvidenceError) -> Range<Int> {
            guard let place = places.first(where: { $0.name == name }) else {
                throw EvidenceError(.notFound, "it is no bundle: it has no file \(name)")
            }
            return place.range
        }
        let note = try range(BundleFormat.checkpoint)
        guard note.count <= Note.bytesMax else { throw EvidenceError(.noteMalformed, "its checkpoint is too long") }
        checkpoint = try Checkpoint(parsing: Note(parsing: source.bytes(note)).text)
        var rest: [UInt8] = []
        try source.eachChunk(of: try range(BundleFormat.entries)) { chunk throws(EvidenceError) in
            rest += chunk
            var start = 0
            while let end = rest[start...].firstIndex(of: UInt8(ascii: "\n")) {
                take(Array(rest[start..<end]))
                start = end + 1
            }
            rest.removeFirst(start)
            guard rest.count <= JSONLimits.default.bytesMax else {
                throw EvidenceError(.tooLarge, "a line of it is longer than any that is written")
            }
        }
    }

    private mutating func take(_ bytes: [UInt8]) {
        guard case .success(let line) = HistoryLine.read(bytes) else { return }
        let body = line.told
        switch line.kind {
        case "runOpened":
            let (kind, id) = (body["subject"]?["kind"]?.stringValue, body["subject"]?["id"]?.stringValue)
            opened[line.stream] = Member(
                run: line.stream, openedAt: line.at, playbook: body["playbook"]?["name"]?.stringValue ?? "",
                subject: kind.map { "\($0):\(id ?? "")" } ?? "")
        case "runEnded":
            opened[line.stream]?.endedAt = line.at
            opened[line.stream]?.ending = body["ending"]?.stringValue
        case "rollbackRequested":
            opened[line.stream]?.endedAt = nil
            opened[line.stream]?.ending = nil
        default: return
        }
    }
}
