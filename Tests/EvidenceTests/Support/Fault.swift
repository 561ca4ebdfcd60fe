// SPDX-License-Identifier: Apache-2.0
import Synchronization

@testable import CordonEvidence

/// Lets one write point of a disk fail, and counts them.
final class Fault: Sendable {
    enum Kind: CaseIterable {
        case notStored
        /// The call did its work and then reported a failure.
        case stored
        /// Of a write only a half arrived.
        case torn
    }

    /// What the program does afterwards.
    enum Afterwards: CaseIterable {
        case goesOn
        /// No later call arrives, as after a kill.
        case dies
    }

    private let point: Int
    private let kind: Kind
    private let afterwards: Afterwards
    private let seen = Mutex(0)

    /// Point 1 is the first; a point that is never reached lets nothing fail.
    init(at point: Int, _ kind: Kind = .notStored, _ afterwards: Afterwards = .goesOn) {
        (self.point, self.kind, self.afterwards) = (point, kind, afterwards)
    }

    var pointsSeen: Int { seen.withLock { $0 } }

    private func pass<Result: Sendable>(
        _ code: EvidenceError.Code, torn: () throws(EvidenceError) -> Void = { () throws(EvidenceError) in },
        _ body: () throws(EvidenceError) -> Result
    ) throws(EvidenceError) -> Result {
        let number = seen.withLock { seen in
            seen += 1
            return seen
        }
        guard number >= point, number == point || afterwards == .dies else { return try body() }
        if number == point, kind == .stored { _ = try body() }
        if number == point, kind == .torn { try torn() }
        throw EvidenceError(code, "injected failure at point \(number)")
    }

    func disk(over disk: Disk) -> Disk {
        var faulty = disk
        faulty.makeFolder = { path throws(EvidenceError) in
            try self.pass(.writeFailed) { () throws(EvidenceError) in try disk.makeFolder(path) }
        }
        faulty.create = { path throws(EvidenceError) in
            try self.pass(.writeFailed) { () throws(EvidenceError) in try disk.create(path) }
        }
        faulty.write = { descriptor, bytes throws(EvidenceError) in
            try self.pass(
                .writeFailed,
                torn: { () throws(EvidenceError) in
                    try disk.write(descriptor, Array(bytes.prefix(bytes.count / 2)))
                }
            ) { () throws(EvidenceError) in try disk.write(descriptor, bytes) }
        }
        faulty.sync = { descriptor, path throws(EvidenceError) in
            try self.pass(.syncFailed) { () throws(EvidenceError) in try disk.sync(descriptor, path) }
        }
        faulty.openFolder = { path throws(EvidenceError) in
            try self.pass(.writeFailed) { () throws(EvidenceError) in try disk.openFolder(path) }
        }
        faulty.rename = { path, newPath throws(EvidenceError) in
            try self.pass(.writeFailed) { () throws(EvidenceError) in try disk.rename(path, newPath) }
        }
        faulty.remove = { path throws(EvidenceError) in
            try self.pass(.writeFailed) { () throws(EvidenceError) in try disk.remove(path) }
        }
        return faulty
    }
}

/// Every way in which one point can fail.
struct FaultCase: CustomStringConvertible {
    let kind: Fault.Kind
    let afterwards: Fault.Afterwards
    let names: ModelDisk.UnsyncedNames

    static let all = Fault.Kind.allCases.flatMap { kind in
        Fault.Afterwards.allCases.flatMap { afterwards in
            ModelDisk.UnsyncedNames.allCases.map { FaultCase(kind: kind, afterwards: afterwards, names: $0) }
        }
    }

    var description: String { "\(kind), then the program \(afterwards), unsynced names \(names)" }
}
