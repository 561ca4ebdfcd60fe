// SPDX-License-Identifier: Apache-2.0

/// Why a connector could not be used as configured. Equal by code.
///
/// What the world answers is no error but an `Outcome`; what an author wrote wrongly is a `Diagnostic`.
package struct ConnectorError: Error, Sendable, CustomStringConvertible {
    package enum Code: String, Sendable, CaseIterable {
        case secretMissing
        /// A secret's file may be read by others.
        case secretExposed
        /// It is somewhere else, which does not answer now.
        case secretUnavailable
        case unknownSource
        case unknownProvider
        case transport
    }

    package var code: Code
    package var reason: String

    package init(_ code: Code, _ reason: String) {
        self.code = code
        self.reason = reason
    }

    package var description: String { reason }
}

extension ConnectorError: Equatable {
    package static func == (left: ConnectorError, right: ConnectorError) -> Bool { left.code == right.code }
}
