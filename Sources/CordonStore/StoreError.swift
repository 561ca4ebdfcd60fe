// SPDX-License-Identifier: Apache-2.0

/// Why a store could not do what it was asked. Equal by code, so that a test states the error it expects in a line.
package struct StoreError: Error, Sendable {
    package enum Code: String, Sendable, CaseIterable {
        /// Someone else was first: read again and decide anew. Nothing was stored.
        case conflict
        case notFound
        /// No room left on the disk. Nothing was stored; try again later.
        case full
        /// The folder or file can't be written. Nothing was stored.
        case readOnly
        /// Another process has this store open.
        case locked
        /// The store was written by a newer Cordon.
        case tooNew
        /// The file is no store of ours, or its content contradicts itself.
        case corrupt
        /// A sync or a read failed: it is unknown what is stored. The process must end and start again.
        case unavailable
        /// The queue of waiting writes is at its bound. Nothing was stored; try again shortly.
        case busy
        case closed
    }

    package var code: Code
    /// One sentence for a person, with the way out where there is one.
    package var reason: String

    package init(_ code: Code, _ reason: String) {
        self.code = code
        self.reason = reason
    }
}

extension StoreError: Equatable {
    package static func == (left: StoreError, right: StoreError) -> Bool { left.code == right.code }
}

extension StoreError: CustomStringConvertible {
    package var description: String { "\(code.rawValue): \(reason)" }
}
