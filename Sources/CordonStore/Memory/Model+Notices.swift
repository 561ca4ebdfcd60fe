// SPDX-License-Identifier: Apache-2.0

import CordonCore

extension Model {
    struct NoticeName: Hashable {
        var key: String
        var endpoint: String
    }

    /// A notice that is known under its key is not told anew.
    mutating func insert(_ new: [NoticeRecord]) {
        for notice in new {
            let name = NoticeName(key: notice.key, endpoint: notice.endpoint)
            guard noticePlaces[name] == nil else { continue }
            noticePlaces[name] = notices.count
            notices.append(notice)
        }
    }

    mutating func settle(_ changed: [NoticeRecord], _ forgotten: Instant?) throws(StoreError) {
        try begin()
        for notice in changed {
            guard let place = noticePlaces[NoticeName(key: notice.key, endpoint: notice.endpoint)] else { continue }
            notices[place].dueAt = notice.dueAt
            notices[place].state = notice.state
            notices[place].settledAt = notice.settledAt
            notices[place].attempts = notice.attempts
            notices[place].message = notice.message
            notices[place].problem = notice.problem
        }
        guard let forgotten else { return }
        notices.removeAll { $0.state != .waiting && ($0.settledAt.map { $0 < forgotten } ?? false) }
        noticePlaces = [:]
        for (place, notice) in notices.enumerated() {
            noticePlaces[NoticeName(key: notice.key, endpoint: notice.endpoint)] = place
        }
    }

    func notices(_ query: NoticeQuery) -> [NoticeRecord] {
        let found = notices.enumerated().filter { _, notice in
            (query.endpoint.map { $0 == notice.endpoint } ?? notice.isForPeople)
                && (query.state == nil || notice.state == query.state)
                && (query.run == nil || notice.run == query.run)
                && (query.message == nil || notice.message == query.message)
                && (query.dueBy.map { notice.state == .waiting && notice.dueAt <= $0 } ?? true)
        }
        let inOrder =
            query.dueBy == nil
            ? Array(found.reversed())
            : found.sorted { ($0.element.dueAt, $0.offset) < ($1.element.dueAt, $1.offset) }
        return inOrder.prefix(pageRows(query.limit)).map(\.element)
    }
}
