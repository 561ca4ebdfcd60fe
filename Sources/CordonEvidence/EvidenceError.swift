// SPDX-License-Identifier: Apache-2.0

/// Why evidence could not be kept, read or believed: a closed code to act on and a sentence to show.
///
/// Two errors are equal when their codes are, so that callers and tests never depend on wording.
package struct EvidenceError: Error, Equatable, Sendable, CustomStringConvertible {
    package let code: Code
    /// One sentence, lower case, that names the place and, where there is one, the way out.
    package let reason: String
    /// The `errno` of a failed system call, else 0.
    package let systemCode: Int32
    package let file: String
    package let line: UInt

    package init(
        _ code: Code, _ reason: String, systemCode: Int32 = 0, file: String = #fileID, line: UInt = #line
    ) {
        self.code = code
        self.reason = reason
        self.systemCode = systemCode
        self.file = file
        self.line = line
    }

    package static func == (left: EvidenceError, right: EvidenceError) -> Bool { left.code == right.code }

    package var description: String { "\(code.name): \(reason)" }
}

extension EvidenceError {
    /// A closed set of causes; wrapped, so that a new cause breaks no caller's `switch`.
    package struct Code: Hashable, Sendable, CustomStringConvertible {
        package let name: String
        package var description: String { name }

        // The disk.
        /// The disk did not confirm a sync. What is stored is unknown and asking again proves nothing:
        /// the kernel may have dropped the pages. The caller must end the process and start again.
        package static let syncFailed = Code(name: "syncFailed")
        package static let writeFailed = Code(name: "writeFailed")
        package static let readFailed = Code(name: "readFailed")
        package static let notFound = Code(name: "notFound")
        package static let tooLarge = Code(name: "tooLarge")
        /// A file exists already and says something else than what is to be stored there.
        package static let contentDiffers = Code(name: "contentDiffers")

        // Blobs and digests.
        package static let digestMalformed = Code(name: "digestMalformed")
        package static let saltMalformed = Code(name: "saltMalformed")
        package static let blobChanged = Code(name: "blobChanged")
        /// The key that it is sealed with is not here.
        package static let blobSealed = Code(name: "blobSealed")

        // The tree.
        package static let sizeRefused = Code(name: "sizeRefused")
        package static let frontierMalformed = Code(name: "frontierMalformed")
        package static let inclusionRefused = Code(name: "inclusionRefused")
        package static let consistencyRefused = Code(name: "consistencyRefused")
        package static let tileMalformed = Code(name: "tileMalformed")
        package static let bundleMalformed = Code(name: "bundleMalformed")
        package static let rootDiffers = Code(name: "rootDiffers")

        // Notes and keys.
        package static let noteMalformed = Code(name: "noteMalformed")
        package static let checkpointMalformed = Code(name: "checkpointMalformed")
        package static let proofMalformed = Code(name: "proofMalformed")
        package static let policyMalformed = Code(name: "policyMalformed")
        package static let requestMalformed = Code(name: "requestMalformed")
        package static let keyMalformed = Code(name: "keyMalformed")
        package static let keyFileMode = Code(name: "keyFileMode")
        package static let keyFileExists = Code(name: "keyFileExists")
        package static let signatureInvalid = Code(name: "signatureInvalid")
        package static let signatureMissing = Code(name: "signatureMissing")
        package static let quorumMissing = Code(name: "quorumMissing")

        // The log of an installation, and what is handed out of it.
        /// What was signed before is not the beginning of what is there now.
        package static let logForked = Code(name: "logForked")
        package static let archiveMalformed = Code(name: "archiveMalformed")
        package static let envelopeMalformed = Code(name: "envelopeMalformed")
    }
}
