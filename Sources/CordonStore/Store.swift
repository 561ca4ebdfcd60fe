// SPDX-License-Identifier: Apache-2.0

package import CordonCore

/// The durable truth: one port in the domain's words, with one contract suite for all that implement it.
///
/// What every implementation promises:
/// - A writing verb that returns has stored everything it was given, durably and at once: a crash a moment later
///   loses none of it, and a reader sees all of it or none.
/// - A writing verb that throws `conflict` has stored nothing, and so has every other code but `unavailable`:
///   after `unavailable` the caller doesn't know, and reads again before it goes on.
/// - A run is read as it stands: with a snapshot that some change brought, and all entries after it.
/// - Entries of one stream are numbered from 1 without gaps; an entry, once stored, never changes. Over all streams
///   they are indexed from 0 without gaps, in the order of their commits: that index is the leaf's place in the log.
package protocol Store: Sendable {
    // Intake

    /// Stores the alert and its first entry, unless (source, delivery id) is known already.
    func accept(_ alert: Alert, entry: Entry) async throws(StoreError) -> Acceptance
    /// Stores what reading an alert gave: its signals, decisions, opened runs, the entries of them all, and the
    /// alert's new state. `conflict` when the alert is unknown or no longer `received`: it is read once. `conflict` also
    /// when one of the signals tells of an event that a stored one tells of: an event gives one signal. And `conflict`
    /// when a reservation's bounds leave no room for it: a limit is kept by the transaction that spends it.
    /// A matter's closing is kept as of its latest time; those that are old, or too many, are forgotten.
    func record(_ reading: Reading) async throws(StoreError)

    // Runs

    /// Advances one run by compare-and-set: `conflict` unless the stored run's last entry number is
    /// `change.expectedNumber`.
    func commit(_ change: RunChange) async throws(StoreError)

    // Agent sessions

    /// Advances one session by compare-and-set, as `commit` does a run.
    func commit(session change: SessionCommit) async throws(StoreError)
    /// One page of rows, in the order of their ids.
    func sessions(_ query: SessionQuery) async throws(StoreError) -> [SessionRecord]

    // Definitions, immutable by digest

    /// Stores a playbook's, workflow's or connector's source under its digest; storing it again changes nothing.
    func publish(_ definition: Definition) async throws(StoreError)
    func definition(_ digest: String) async throws(StoreError) -> Definition?

    // Access tokens

    func grant(_ token: TokenRecord, entry: Entry) async throws(StoreError)
    /// `notFound` for an unknown id; revoking twice changes nothing.
    func revoke(token id: String, at: Instant, entry: Entry) async throws(StoreError)
    func tokens() async throws(StoreError) -> [TokenRecord]

    // The installation's own history

    /// Appends to a stream that belongs to no row, such as that of the halts: `conflict` unless it is the stream's next.
    func note(_ entry: Entry, notices: [NoticeRecord]) async throws(StoreError)

    // Notices to people: each is stored in the commit of what it tells, once for its key and endpoint

    func notices(_ query: NoticeQuery) async throws(StoreError) -> [NoticeRecord]
    /// Stores how far these have come, by key and endpoint, and forgets those that were settled before `forgotten`. What
    /// isn't known is passed over.
    func settle(_ notices: [NoticeRecord], forgettingBefore forgotten: Instant?) async throws(StoreError)

    // Guards

    /// What guards remember, as far back as they look from `now`.
    func standing(at now: Instant) async throws(StoreError) -> Standing
    /// All of those rows, for whoever compares them with the history.
    func remembered() async throws(StoreError) -> RememberedRows

    // Retention

    /// Alerts whose bodies may go, oldest first: received before `instant`, read, with no live run, the body still there.
    func expirable(before instant: Instant, limit: Int) async throws(StoreError) -> [AlertID]
    /// Removes these alerts' bodies and stores the entry that says so. The alerts stay, with the digests of their bodies:
    /// repeats are still told, and the history still verifies. `conflict` unless the entry is its stream's next, or when
    /// one of the alerts may not lose its body.
    func expire(_ alerts: [AlertID], entry: Entry) async throws(StoreError)

    // Reading

    /// One page of rows, newest first unless the query says otherwise.
    func alerts(_ query: AlertQuery) async throws(StoreError) -> [Alert]
    func signals(of alert: AlertID) async throws(StoreError) -> [SignalRecord]
    /// Which of these events are known, and by which signal.
    func signals(telling events: [EventKey]) async throws(StoreError) -> [EventKey: SignalID]
    /// What is known of these matters of sources. Of one that nothing is known of there is no entry.
    func matters(_ keys: [EventKey]) async throws(StoreError) -> [EventKey: KnownMatter]
    func decisions(_ query: DecisionQuery) async throws(StoreError) -> [DecisionRecord]
    func runs(_ query: RunQuery) async throws(StoreError) -> [RunRecord]
    /// The stream's entries from `number` on, in order, at most `limit`.
    func history(_ stream: String, from number: Int, limit: Int) async throws(StoreError) -> [IndexedEntry]
    /// Entries of all streams by log index, in order, at most `limit`.
    func log(from index: Int, limit: Int) async throws(StoreError) -> [IndexedEntry]
    /// From the first entry to the last, of those before `end` of the log, whose time is `from` or later and before
    /// `to`. A clock may have been set back: entries between them may have other times.
    func places(from: Instant, to: Instant, before end: Int) async throws(StoreError) -> ClosedRange<Int>?
    func vitals() async throws(StoreError) -> Vitals
    /// The same as in the vitals, for whoever asks often: it reads no table.
    func shortage() async throws(StoreError) -> String?

    /// Where what keeps the rows is another than this program makes it, in words: nothing where it can't be.
    func schemaDifferences() async throws(StoreError) -> [String]

    /// Lets what was handed in be stored, then closes. Every verb after it throws `closed`.
    func close() async
}

extension Store {
    package func schemaDifferences() async throws(StoreError) -> [String] { [] }

    package func shortage() async throws(StoreError) -> String? { try await vitals().shortage }
}
