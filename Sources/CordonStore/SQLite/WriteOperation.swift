// SPDX-License-Identifier: Apache-2.0

import CordonCore
import CordonLanguage
import Foundation

/// One writing verb with its arguments, as data: what waits in the queue can be weighed, tried again and told off.
/// Indirect: a change is many strings, and each hand that it goes through would count all of them.
indirect enum WriteOperation: Sendable {
    case accept(Alert, headers: String, Entry)
    case record(Reading)
    case commit(RunChange)
    case commitSession(SessionCommit)
    case publish(Definition)
    case grant(TokenRecord, Entry)
    case revoke(token: String, at: Instant, Entry)
    case note(Entry, [NoticeRecord])
    case settle([NoticeRecord], forgettingBefore: Instant?)
    case expire([AlertID], Entry)

    /// About what it adds to the write-ahead log.
    var bytes: Int {
        switch self {
        case .accept(let alert, let headers, let entry): alert.body.count + headers.utf8.count + entry.bytes.count
        case .record(let reading):
            reading.signals.reduce(0) { $0 + $1.body.count } + reading.decisions.reduce(0) { $0 + $1.body.count }
                + reading.opened.reduce(0) { $0 + $1.bytes } + reading.entries.bytes + reading.notices.bytes
        case .commit(let change): change.bytes
        case .commitSession(let change): change.session.snapshot.count + change.entries.bytes + change.notices.bytes
        case .publish(let definition): definition.source.count
        case .note(let entry, let notices): entry.bytes.count + notices.bytes
        case .settle(let notices, _): notices.bytes
        case .grant(_, let entry), .revoke(_, _, let entry), .expire(_, let entry): entry.bytes.count
        }
    }

    /// New work is refused first when the disk gets full; what has begun may still be finished.
    var takesOnWork: Bool {
        switch self {
        case .accept: true
        case .record(let reading): !reading.opened.isEmpty
        case .commitSession(let change): change.expectedNumber == 0
        case .commit, .publish, .grant, .revoke, .note, .settle, .expire: false
        }
    }
}

extension RunChange {
    fileprivate var bytes: Int { run.snapshot.count + entries.bytes + notices.bytes }
}

extension [NoticeRecord] {
    fileprivate var bytes: Int { reduce(0) { $0 + $1.body.count + $1.key.utf8.count } }
}

extension [Entry] {
    fileprivate var bytes: Int { reduce(0) { $0 + $1.bytes.count + $1.leaf.count } }
}

/// An operation on its way to the disk, and who waits for it. A class, so that the queue moves only references.
final class PendingWrite: Sendable {
    typealias Answer = Result<Acceptance, StoreError>

    let operation: WriteOperation
    let bytes: Int
    private let waiter: CheckedContinuation<Answer, Never>

    init(_ operation: WriteOperation, _ waiter: CheckedContinuation<Answer, Never>) {
        self.operation = operation
        self.waiter = waiter
        bytes = operation.bytes
    }

    func answer(_ answer: Answer) { waiter.resume(returning: answer) }
}

/// The headers of an alert as the database keeps them: a JSON object.
enum HeaderText {
    static func encode(_ headers: [String: String]) -> String {
        if headers.isEmpty { return "{}" }
        var writer = JSONWriter()
        writer.beginObject()
        for (name, value) in headers.sorted(by: { $0.key < $1.key }) { writer.field(name, value) }
        writer.endObject()
        return writer.text
    }

    static func decode(_ text: String) -> [String: String]? {
        if text == "{}" { return [:] }
        return try? JSONDecoder().decode([String: String].self, from: Data(text.utf8))
    }
}
