// SPDX-License-Identifier: Apache-2.0

import CordonCore
import CordonEvidence
import Foundation

/// Reads files that anybody may have put where definitions lie: regular ones only, and of one that is too long no more
/// than what shows that it is.
enum BoundedFile {
    enum Fault: Error, Hashable {
        case unreadable, notRegular, tooLong
    }

    static func load(_ path: String, max: Int = Limits.definitionFileBytesMax) -> Result<[UInt8], Fault> {
        // Where a link leads counts, not the link.
        let target = URL(filePath: path).resolvingSymlinksInPath().path
        let kind = (try? FileManager.default.attributesOfItem(atPath: target))?[.type] as? FileAttributeType
        guard let kind else { return .failure(.unreadable) }
        guard kind == .typeRegular else { return .failure(.notRegular) }
        // It opens without waiting: what takes the file's place meanwhile is refused, and keeps nobody.
        guard let source = try? ByteSource(file: target) else { return .failure(.unreadable) }
        guard source.count <= max else { return .failure(.tooLong) }
        do { return .success(try source.bytes(0..<source.count)) } catch { return .failure(.unreadable) }
    }

    /// `nil` where it can't be read, is no file, or is longer than a definition may be.
    static func contents(_ path: String) -> [UInt8]? { try? load(path).get() }
}

extension BoundedFile.Fault {
    var words: String {
        switch self {
        case .unreadable: "the file can't be read"
        case .notRegular: "this is no regular file"
        case .tooLong:
            "the file has more than \(Limits.definitionFileBytesMax >> 20) MiB (definitionFileBytesMax)"
        }
    }
}
