// SPDX-License-Identifier: Apache-2.0

import CordonCore

/// The sentences that all stores say alike.
extension StoreError {
    static var closed: StoreError { StoreError(.closed, "the store is closed") }

    static func idTaken(_ id: String) -> StoreError { StoreError(.conflict, "\(id) is stored already") }

    static func alreadyRead(_ alert: AlertID) -> StoreError {
        StoreError(.conflict, "\(alert) is unknown or was read already")
    }

    static func eventTaken(_ event: EventKey) -> StoreError {
        StoreError(.conflict, "a stored signal of \(event.source) tells of that event already: read the alert again")
    }

    static func overtaken(_ change: RunChange) -> StoreError {
        StoreError(.conflict, "\(change.run.id) no longer stands at entry \(change.expectedNumber): read it again")
    }

    static func entryTaken(_ entry: Entry) -> StoreError {
        StoreError(.conflict, "entry \(entry.number) is not the next of \(entry.stream): read its history again")
    }

    static func notExpirable(_ alert: AlertID) -> StoreError {
        StoreError(.conflict, "the body of \(alert) is gone already, or a live run or an unread alert needs it")
    }

    static func noToken(_ id: String) -> StoreError {
        StoreError(.notFound, "there is no token \(id); `cordon token list` shows those there are")
    }
}
