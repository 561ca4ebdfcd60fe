// SPDX-License-Identifier: Apache-2.0

import CordonCore
import CordonEvidence
import CordonLanguage

extension BundleFormat {
    static let timestamps = "timestamps/"
    static let stampedNote = ".checkpoint"
    static let stampedAnswer = ".tsr"
    static let stampedProof = ".json"
}

extension Bundler {
    /// The first stamp that covers all of the bundle's entries, or the last that there is, with the proof that the
    /// bundle's checkpoint goes on from the stamped one.
    func timestampFiles(covering last: Int, within checkpoint: Checkpoint) throws -> [Tar.File] {
        let stamps = TimestampFolder(log: log).stamps().filter { $0.size <= checkpoint.size }
        guard let stamp = stamps.first(where: { $0.size > UInt64(last) }) ?? stamps.last else { return [] }
        let hashes =
            stamp.size == checkpoint.size
            ? [] : try log.tiles(size: checkpoint.size).tree.consistencyProof(from: stamp.size).hashes
        let proof: Value = [
            "size": .string(String(stamp.size)),
            "consistency": .array(hashes.map { .string(Base64.text($0.bytes)) }),
        ]
        let name = BundleFormat.timestamps + TimestampFolder.name(stamp.size)
        return [
            Tar.File(name: name + BundleFormat.stampedNote, bytes: stamp.note),
            Tar.File(name: name + BundleFormat.stampedAnswer, bytes: stamp.answer),
            Tar.File(name: name + BundleFormat.stampedProof, bytes: BundleViews.jsonFile(proof)),
        ]
    }
}
