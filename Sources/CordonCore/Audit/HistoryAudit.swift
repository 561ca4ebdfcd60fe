// SPDX-License-Identifier: Apache-2.0

package import CordonLanguage

/// Reads a history in the order of its log and says where it contradicts itself, what is open in it, and what it names.
///
/// It knows nothing but the lines: whoever hands them in has shown that they are those that were signed.
package struct HistoryAudit {
    /// Which streams begin at their first line and miss none.
    package enum Coverage: Sendable, Hashable {
        /// All of them.
        case whole
        /// Those named, with the number of their last line; of others only some lines are there.
        case streams([String: Int])
        /// A piece of the log: streams may have begun before it, but none has a gap in it.
        case range
    }

    /// A class, so that one look-up finds all that a line changes, and nothing of it is moved.
    private final class Stream {
        var last: Int
        var at: Instant
        var run: RunAudit?

        init(last: Int, at: Instant) { (self.last, self.at) = (last, at) }
    }

    /// A blob or an alert's body that a line names, and the line that named it first.
    package struct Named: Sendable, Hashable {
        package var digest: String
        package var place: String
        /// Of an alert's body, when it came.
        var at: Instant?

        package init(digest: String, place: String) {
            self.digest = digest
            self.place = place
        }
    }

    /// The clock may be set back by this much without a word.
    private static let toleranceMilliseconds: Int64 = 5000

    /// So many lines that can't be read are told one by one: a hostile file may hold nothing else.
    package static let unreadableMax = 1000

    private let coverage: Coverage
    private var streams: [String: Stream] = [:]
    private var decided: Set<String> = []
    private var cutDecisions: Set<String> = []
    private var hasLibrary = false
    /// Labels of the keys that evidence may be sealed with, and those that were destroyed, with who did it and why.
    package private(set) var evidenceKeys: Set<String> = []
    package private(set) var destroyedKeys: [String: String] = [:]
    private var authors = AuthorAudit()
    private var retention = RetentionAudit()
    /// What people were asked, to be compared with what workflows ask.
    package private(set) var consents = ConsentAudit()
    /// The runs that name a blob, where they are several.
    private var sharers: [String: Set<String>] = [:]
    private var findings: [AuditFinding] = []
    private var forks: [AuditFinding] = []

    package private(set) var count = 0
    package private(set) var unreadable = 0
    package var isHopeless: Bool { unreadable > HistoryAudit.unreadableMax }
    package private(set) var blobs: [String: Named] = [:]
    /// By the alert's id.
    package private(set) var bodies: [String: Named] = [:]
    package private(set) var expired: Set<String> = []
    /// Those that led to a run, or joined one.
    package private(set) var alerts: Set<String> = []
    /// Evidence that was erased, by its digest, with who did it and why.
    package private(set) var erased: [String: String] = [:]
    /// A line says that the log was signed, and none since that it was begun anew.
    package private(set) var tellsOfLog = false
    /// Digests of definitions that came into force, and of those that runs were opened on.
    package private(set) var published: Set<String> = []
    package private(set) var pins: Set<String> = []
    package var runStreams: [String] { streams.filter { $0.value.run != nil }.keys.sorted() }
    package var sessionStreams: [String] { streams.keys.filter { $0.hasPrefix(AgentSession.stream(of: "")) }.sorted() }

    package init(_ coverage: Coverage) { self.coverage = coverage }

    /// The run that its lines make, when they are all there.
    package func run(_ stream: String) -> Run? { streams[stream]?.run?.run }
    package func lastNumber(of stream: String) -> Int { streams[stream]?.last ?? 0 }

    /// Takes the next line.
    ///
    /// - Parameter place: how a reader finds the line, such as `entry 17`.
    /// - Returns: the line as it was read, nothing when it can't be.
    @discardableResult
    package mutating func take(_ bytes: [UInt8], place: @autoclosure () -> String) -> HistoryLine? {
        take(HistoryLine.read(bytes), place: place())
    }

    /// Takes the next line, which was read elsewhere.
    @discardableResult
    package mutating func take(
        _ read: Result<HistoryLine, HistoryLine.Fault>, place: @autoclosure () -> String
    ) -> HistoryLine? {
        count += 1
        if case .failure = read {
            unreadable += 1
            if isHopeless { return nil }
        }
        switch read {
        case .success(let line):
            let stream = follow(line)
            if let event = line.event {
                takeRun(event, line, stream)
            } else {
                takeOther(line)
            }
            return line
        case .failure(.unreadable):
            find(.broken, .entryUnreadable, place(), "it is no line of a history")
        case .failure(.versionUnknown):
            find(.broken, .entryUnreadable, place(), "its version is not known to this program: use a newer one")
        }
        return nil
    }

    // MARK: Streams

    private mutating func follow(_ line: HistoryLine) -> Stream {
        let known = streams[line.stream]
        let number = line.number
        let isExpected =
            switch (known, coverage) {
            case (let known?, .whole), (let known?, .range): number == known.last + 1
            case (let known?, .streams(let whole)):
                whole[line.stream] == nil ? number > known.last : number == known.last + 1
            case (nil, .whole): number == 1
            case (nil, .range): true
            case (nil, .streams(let whole)): whole[line.stream] == nil || number == 1
            }
        if !isExpected {
            find(
                .broken, .streamGap, line.place.text,
                "the line before it was \((known?.last).map(String.init) ?? "none")")
        }
        if let known, line.at.since(known.at) < -HistoryAudit.toleranceMilliseconds {
            find(.note, .timeRunsBack, line.place.text, "its time is before that of the line before it, \(known.at)")
        }
        guard let known else {
            let new = Stream(last: number, at: line.at)
            streams[line.stream] = new
            return new
        }
        (known.last, known.at) = (number, line.at)
        return known
    }

    // MARK: Runs

    private mutating func takeRun(
        _ told: Result<Event, UnreadableRecord>, _ line: HistoryLine, _ stream: Stream
    ) {
        let event: Event
        switch told {
        case .success(let readable): event = readable
        case .failure(let error): return find(.broken, .entryUnreadable, line.place.text, "\(error)")
        }
        if case .callReturned(_, _, let outcome) = event {
            for item in outcome.evidence { name(item.digest, line) }
        }
        if case .signalJoined(_, let alert) = event { alerts.insert(alert.text) }
        if case .runMigrated(let migration) = event {
            pins.formUnion([migration.to.digest] + migration.called.map(\.digest))
        }
        if line.number == 1 {
            guard case .runOpened(let opening) = event else {
                return find(.broken, .streamUnopened, line.place.text, "its first line does not open the run")
            }
            checkOpening(opening, line.place.text)
            stream.run = RunAudit(stream: line.stream)
        }
        // Of a run that began before what is here, only the order of its lines can be checked.
        stream.run?.take(event, at: line.at, number: line.number)
        switch event {
        case .questionAsked(let step, let question):
            authors.take(event, line.place, nil)
            if let run = stream.run?.run { consents.take(step, question, line.place, run) }
        case .answerGiven, .runMigrated, .runEnded: authors.take(event, line.place, stream.run?.run)
        default: break
        }
    }

    private mutating func name(_ digest: String, _ line: HistoryLine) {
        guard let first = blobs[digest] else {
            blobs[digest] = Named(digest: digest, place: line.place.text)
            return
        }
        let other = String(first.place.prefix { $0 != "@" })
        if other != line.stream { sharers[digest, default: [other]].insert(line.stream) }
    }

    /// The runs that name a blob so far.
    private func namers(_ digest: String) -> [String] {
        sharers[digest].map { $0.sorted() } ?? blobs[digest].map { [String($0.place.prefix { $0 != "@" })] } ?? []
    }

    private mutating func checkOpening(_ opening: Opening, _ place: String) {
        alerts.insert(opening.alert.text)
        pins.formUnion([opening.playbook.digest, opening.workflow.digest] + opening.called.map(\.digest))
        let isKnown = decided.contains(opening.id.text) || cutDecisions.contains(opening.decision.text)
        if !isKnown, isWhole(opening.alert.text) {
            find(.broken, .runWithoutDecision, place, "no line of \(opening.alert) decides that it be opened")
        }
        guard hasLibrary, isWhole("library") else { return }
        for pin in [opening.playbook, opening.workflow] where !published.contains(pin.digest) {
            find(.broken, .definitionUnpublished, place, "\(pin.name) \(pin.digest) was never put in force before it")
        }
    }

    private func isWhole(_ stream: String) -> Bool {
        switch coverage {
        case .whole: true
        case .streams(let whole): whole[stream] != nil
        case .range: false
        }
    }

    // MARK: The other streams

    /// A line from before what is here, that says what was in force when it began; it counts as no line of it.
    package mutating func takeEarlier(_ line: HistoryLine) {
        switch line.kind {
        case "definitionsPublished": authors.publish(line.body)
        case "definitionsAttributed": authors.attribute(line.body)
        case "evidenceKeysSet", "evidenceKeyDestroyed": noteKeys(line)
        default: weighRetention(line)
        }
    }

    private mutating func noteKeys(_ line: HistoryLine) {
        evidenceKeys.formUnion((line.body["labels"]?.arrayValue ?? []).compactMap(\.stringValue))
        guard line.kind == "evidenceKeyDestroyed", let label = line.body["label"]?.stringValue else { return }
        destroyedKeys[label] =
            "\(line.body["by"]?.stringValue ?? "") destroyed the key '\(label)' that it was sealed with: "
            + (line.body["reason"]?.stringValue ?? "")
    }

    private mutating func weighRetention(_ line: HistoryLine) {
        let record = RetentionAudit.Record(
            run: { [streams] in streams[$0]?.run?.run }, namers: { [self] in namers($0) },
            receivedAt: { [bodies] in bodies[$0]?.at })
        retention.take(line, record)
    }

    private mutating func takeOther(_ line: HistoryLine) {
        // Made for those alone that ask for it.
        var body: Value { line.body }
        if line.stream == RetentionAudit.stream { weighRetention(line) }
        switch line.kind {
        case "alertReceived":
            if let digest = line.told["body"]?.stringValue {
                bodies[line.stream] = Named(digest: digest, place: line.place.text)
                bodies[line.stream]?.at = line.at
            }
        case "decisionMade": decide(line.told)
        case "bodiesExpired", "subjectErased", "evidenceExpired": noteGone(line.kind, body)
        case "evidenceKeysSet", "evidenceKeyDestroyed": noteKeys(line)
        case "definitionsPublished":
            hasLibrary = true
            published.formUnion((body["changes"]?.arrayValue ?? []).compactMap { $0["digest"]?.stringValue })
            authors.publish(body)
        case "definitionsAttributed": authors.attribute(body)
        case "logOpened": tellsOfLog = true
        case "logForked":
            forks.append(
                AuditFinding(
                    .broken, .logForked, line.place.text,
                    "what was signed before was not what was there: \(body["says"]?.stringValue ?? "")"))
        case "logReopened":
            // A person looked at it: it stays to be read, and breaks nothing any more.
            for index in forks.indices { forks[index].grade = .note }
            tellsOfLog = false
        default: break
        }
    }

    /// A line from elsewhere in the log that says what is gone; it counts as no line of what is here.
    package mutating func takeGone(_ line: HistoryLine) {
        if line.stream == RetentionAudit.stream { noteGone(line.kind, line.body) }
    }

    private mutating func noteGone(_ kind: String, _ body: Value) {
        func names(_ member: String) -> [String] { (body[member]?.arrayValue ?? []).compactMap(\.stringValue) }
        switch kind {
        case "bodiesExpired": expired.formUnion(names("alerts"))
        case "subjectErased":
            expired.formUnion(names("alerts"))
            let says = HistoryAudit.erasure(body)
            for digest in names("blobs") { erased[digest] = says }
        case "evidenceExpired":
            for digest in names("blobs") {
                erased[digest] = "it had its time: of runs that ended before \(body["ended_before"]?.stringValue ?? "")"
            }
        default: break
        }
    }

    /// Who erased, and why, as a line of `retention` tells it.
    package static func erasure(_ body: Value) -> String {
        "\(body["by"]?.stringValue ?? "") erased it with all of \(body["subject"]?.stringValue ?? ""): "
            + (body["reason"]?.stringValue ?? "")
    }

    private mutating func decide(_ body: JSONView) {
        if body["cut"]?.value == true { cutDecisions.insert(body["id"]?.stringValue ?? "") }
        for match in body["matches"]?.elements ?? [] {
            if let run = match["run"]?.stringValue { decided.insert(run) }
        }
    }

    // MARK: The end

    /// All that was found, once the last line was taken: what is broken first, then what is open.
    package mutating func finish() -> [AuditFinding] {
        var all = findings + forks + authors.finish() + retention.findings
        if isHopeless {
            all.append(
                AuditFinding(
                    .broken, .entryUnreadable, "history",
                    "more than \(HistoryAudit.unreadableMax) lines can't be read; the first ones are told"))
        }
        for (_, stream) in streams.filter({ $0.value.run != nil }).sorted(by: { $0.key < $1.key }) {
            stream.run?.finish()
            all += stream.run?.findings ?? []
        }
        if case .streams(let whole) = coverage {
            for (stream, last) in whole.sorted(by: { $0.key < $1.key }) where streams[stream]?.last ?? 0 != last {
                all.append(
                    AuditFinding(
                        .broken, .streamCut, "\(stream)@\(last)",
                        "its last line is \(streams[stream]?.last ?? 0), \(last) were signed for"))
            }
        }
        return all.ordered
    }

    private mutating func find(
        _ grade: AuditFinding.Grade, _ code: AuditFinding.Code, _ place: String, _ says: String
    ) {
        findings.append(AuditFinding(grade, code, place, says))
    }
}

extension [AuditFinding] {
    /// The gravest first, each grade in the order in which it was found.
    package var ordered: [AuditFinding] {
        AuditFinding.Grade.allCases.flatMap { grade in filter { $0.grade == grade } }
    }
}
