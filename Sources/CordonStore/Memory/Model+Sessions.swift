// SPDX-License-Identifier: Apache-2.0

import CordonCore

extension Model {
    mutating func commit(session change: SessionCommit) throws(StoreError) {
        try begin()
        let stored = sessions[change.session.id]
        guard stored?.number ?? 0 == change.expectedNumber,
            last(AgentSession.stream(of: change.session.id)) == change.expectedNumber
        else { throw .overtaken(change) }
        var row = change.session
        // Whom it stands under and since when was settled when it was opened.
        row.root = stored?.root ?? row.root
        row.openedAt = stored?.openedAt ?? row.openedAt
        sessions[row.id] = row
        append(change.entries)
        insert(change.notices)
    }

    func sessions(_ query: SessionQuery) -> [SessionRecord] {
        let found = sessions.values.filter { session in
            (query.id == nil || session.id == query.id) && (query.beyond.map { session.id > $0 } ?? true)
                && (!query.onlyLive || sessions[session.root].map { $0.closedAt == nil } ?? false)
        }
        return Array(found.sorted { $0.id < $1.id }.prefix(pageRows(query.limit)))
    }
}
