// SPDX-License-Identifier: Apache-2.0

/// Writing so that a crash leaves the old or the new, never a part: draft, sync, rename, sync of the folder.
extension Disk {
    /// How a draft's name begins; nothing else in our folders begins so.
    static let draftPrefix = "draft-"

    /// Stores bytes that never change under a name. When it returns, they are durable under that name.
    ///
    /// A file that is there already and says the same is kept, one that says something else is refused.
    func store(_ bytes: [UInt8], in folder: String, as name: String) throws(EvidenceError) {
        let path = folder + "/" + name
        if try exists(path) {
            guard try holds(path, bytes) else { throw EvidenceError.differs(path) }
            // It may be there from a crash between the rename and the sync below, so it is synced again.
            try syncFolder(folder)
        } else {
            try replace(bytes, in: folder, as: name)
        }
    }

    /// Stores bytes under a name whose content changes with time. When it returns, they are durable.
    func replace(_ bytes: [UInt8], in folder: String, as name: String) throws(EvidenceError) {
        let draft = folder + "/" + Disk.draftPrefix + Hex.text(BigEndian.bytes(UInt64.random(in: 0...UInt64.max)))
        do throws(EvidenceError) {
            try writeDraft(bytes, at: draft)
            try rename(draft, folder + "/" + name)
        } catch {
            // The first error is the one to report. A draft that cannot be removed is harmless: `sweep` takes it.
            _ = try? remove(draft)
            throw error
        }
        try syncFolder(folder)
        // Durable from here: the content is synced, and so is the name that leads to it.
    }

    /// Makes the folder of a whole store inside a folder that exists.
    func makeRoot(_ path: String) throws(EvidenceError) {
        _ = try makeFolder(path)
        try syncFolder(path.parentFolder)
    }

    func syncFolder(_ path: String) throws(EvidenceError) {
        let descriptor = try openFolder(path)
        defer { close(descriptor) }
        try sync(descriptor, path)
    }

    /// Removes the drafts that crashes left in a folder. Only the folder's one owner may call it, at its start.
    func sweep(_ folder: String) throws(EvidenceError) {
        for name in try names(folder) where name.hasPrefix(Disk.draftPrefix) { _ = try remove(folder + "/" + name) }
    }

    private func holds(_ path: String, _ bytes: [UInt8]) throws(EvidenceError) -> Bool {
        do { return try read(path, bytes.count)?.bytes == bytes } catch {
            if error.code == .tooLarge { return false }
            throw error
        }
    }

    private func writeDraft(_ bytes: [UInt8], at path: String) throws(EvidenceError) {
        let descriptor = try create(path)
        defer { close(descriptor) }
        try write(descriptor, bytes)
        try sync(descriptor, path)
    }
}

extension EvidenceError {
    fileprivate static func differs(_ path: String) -> EvidenceError {
        EvidenceError(
            .contentDiffers,
            "could not store \(path): a file is there that says something else; keep it aside as evidence, "
                + "find out who changed it, then repeat")
    }
}

extension String {
    /// The folder that holds this path, `.` for a bare name.
    var parentFolder: String {
        let trimmed = count > 1 && hasSuffix("/") ? String(dropLast()) : self
        guard let slash = trimmed.lastIndex(of: "/") else { return "." }
        return slash == trimmed.startIndex ? "/" : String(trimmed[..<slash])
    }

    /// What follows the last slash.
    var lastName: String { lastIndex(of: "/").map { String(self[index(after: $0)...]) } ?? self }
}
