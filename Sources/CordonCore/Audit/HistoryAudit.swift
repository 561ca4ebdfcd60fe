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

    /// A blob or an alert's body that a line names, and the line that named it first.
    package struct Named: Sendable, Hashable {
        package var digest: String
        package var place: String
        /// Of an alert's body, when it came, and the key that signed it. What was cut can't be compared with a signature.
        package var at: Instant?
        package var key: String?
        package var isCut = false

        package init(digest: String, place: String) {
            self.digest = digest
            self.place = place
        }
    }

    /// So many lines that can't be read are told one by one: a hostile file may hold nothing else.
    package static let unreadableMax = 1000

    private let coverage: Coverage
    private let endsEarly: Bool
    /// Each judges a part of the streams.
    package let shards: [HistoryShard]
    private var facts: [HistoryShard.Fact] = []
    private var decided: Set<String> = []
    /// The runs that were opened, and those that a decision opens, with the line that says so.
    private var opened: Set<String> = []
    private var promised: [String: String] = [:]
    /// Look-ups that were sent, until their answers came.
    private var sought: [String: String] = [:]
    /// Alerts that came, until a line says what was made of them.
    private var unread: [String: String] = [:]
    /// A line says that a log was signed, whatever became of it.
    package private(set) var toldOfLog = false
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
    /// What sources signed with, by its digest.
    package private(set) var originKeys: [String: String] = [:]
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
    /// By the digest of a definition, its kind and name when it came into force.
    package private(set) var publishedAs: [String: Set<String>] = [:]
    /// Digests of the inventories that decisions were made under.
    package private(set) var inventories: Set<String> = []
    /// Digests of settings whose bytes are kept.
    package private(set) var configured: Set<String> = []
    package var runStreams: [String] {
        shards.flatMap(\.all).filter { $0.run != nil }.map(\.name).sorted()
    }
    package var sessionStreams: [String] {
        shards.flatMap(\.all).map(\.name).filter { $0.hasPrefix(AgentSession.stream(of: "")) }.sorted()
    }

    /// - Parameters:
    ///   - endsEarly: the log goes on behind the last line that is handed in.
    ///   - shards: into how many parts the streams are parted, so that those are judged at a time.
    package init(_ coverage: Coverage, endsEarly: Bool = false, shards: Int = 1) {
        (self.coverage, self.endsEarly) = (coverage, endsEarly)
        self.shards = (0..<shards).map { _ in HistoryShard(coverage) }
    }

    private func stream(_ name: String) -> HistoryShard.Stream? {
        shards[HistoryLine.shard(of: name, among: shards.count)].stream(name)
    }

    /// The run that its lines make, when they are all there.
    package func run(_ stream: String) -> Run? { self.stream(stream)?.run?.run }
    package func lastNumber(of stream: String) -> Int { self.stream(stream)?.last ?? 0 }

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
        switch read {
        case .success(let line):
            facts.removeAll(keepingCapacity: true)
            shards[HistoryLine.shard(of: line.stream, among: shards.count)].judge(line, &facts)
            count += 1
            for fact in facts { settle(fact) }
            return line
        case .failure(let fault):
            settle(fault, place: place())
            return nil
        }
    }

    // MARK: What shards judged

    /// Takes a line that can't be read, in its place in the order of the log.
    package mutating func settle(_ fault: HistoryLine.Fault, place: @autoclosure () -> String) {
        count += 1
        unreadable += 1
        if isHopeless { return }
        switch fault {
        case .unreadable: find(.broken, .entryUnreadable, place(), "it is no line of a history")
        case .versionUnknown:
            find(.broken, .entryUnreadable, place(), "its version is not known to this program: use a newer one")
        }
    }

    /// Takes what a shard made of the next line of the log.
    package mutating func settle(_ facts: ArraySlice<HistoryShard.Fact>) {
        count += 1
        for fact in facts { settle(fact) }
    }

    private mutating func settle(_ fact: HistoryShard.Fact) {
        switch fact {
        case .finding(let finding): findings.append(finding)
        case .begun(let item, let place): consents.take(item, place)
        case .line(let line, let run):
            guard let told = line.event else { return takeOther(line) }
            if case .success(let event) = told { takeRun(event, line, run) }
        }
    }

    // MARK: Runs

    private mutating func takeRun(_ event: Event, _ line: HistoryLine, _ run: Run?) {
        for digest in event.evidence { name(digest, line) }
        switch event {
        case .signalJoined(_, let alert), .signalClosed(_, let alert, _): alerts.insert(alert.text)
        case .runMigrated(let migration): pins.formUnion([migration.to.digest] + migration.called.map(\.digest))
        case .runOpened(let opening) where line.number == 1:
            opened.insert(opening.id.text)
            checkOpening(opening, line.place.text)
        default: break
        }
        // A first line that opens no run was told of, and nothing follows from it.
        guard line.number > 1 else { return }
        switch event {
        case .questionAsked(let step, let question):
            authors.take(event, line.place, nil)
            if let run { consents.take(step, question, line.place, run) }
        case .answerGiven, .runMigrated, .runEnded: authors.take(event, line.place, run)
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
            run: { [self] in run($0) }, namers: { [self] in namers($0) },
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
                bodies[line.stream]?.key = line.told["key"]?.stringValue
                bodies[line.stream]?.isCut = line.told["cut"] != nil
            }
            unread[line.stream] = line.place.text
        case "alertRead": unread[line.stream] = nil
        case "lookupIntended": sought["\(line.stream)/\(line.told["asks"]?.stringValue ?? "")"] = line.place.text
        case "lookupReturned": sought["\(line.stream)/\(line.told["asks"]?.stringValue ?? "")"] = nil
        case "alertQuarantined":
            unread[line.stream] = nil
            let isPart = !(body["signals"]?.arrayValue ?? []).isEmpty
            find(
                .open, .alertUndecided, line.place.text,
                "\(isPart ? "not all of it could be read" : "nothing was decided of it"): "
                    + (body["reason"]?.stringValue ?? ""))
        case "originKeyUsed":
            if let key = body["key"]?.stringValue { originKeys[key] = body["text"]?.stringValue }
        case "decisionMade": decide(line.told, line.place.text)
        case "bodiesExpired", "subjectErased", "evidenceExpired": noteGone(line.kind, body)
        case "evidenceKeysSet", "evidenceKeyDestroyed": noteKeys(line)
        case "definitionsPublished":
            hasLibrary = true
            for change in body["changes"]?.arrayValue ?? [] { publish(change) }
            authors.publish(body)
        case "definitionsAttributed": authors.attribute(body)
        case "configurationChanged":
            let kept = (body["changes"]?.arrayValue ?? []).filter { $0["kept"] == true }
            configured.formUnion(kept.compactMap { $0["digest"]?.stringValue })
        case "logOpened": (tellsOfLog, toldOfLog) = (true, true)
        case "logForked":
            forks.append(
                AuditFinding(
                    .broken, .logForked, line.place.text,
                    "what was signed before was not what was there: \(body["says"]?.stringValue ?? "")"))
        case "logReopened":
            // A person looked at it: it stays to be read, and breaks nothing any more.
            for index in forks.indices { forks[index].grade = .note }
            tellsOfLog = false
            // Who has the old log's last checkpoint, or a witness of it, can say what is missing; the lines can't.
            find(
                .open, .logReopened, line.place.text,
                "\(body["by"]?.stringValue ?? "") began a new log here: \(body["reason"]?.stringValue ?? ""); what the "
                    + "old one held beyond this line is not here: compare with its last checkpoint (--since)")
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

    private mutating func publish(_ change: Value) {
        guard let digest = change["digest"]?.stringValue else { return }
        published.insert(digest)
        guard let kind = change["kind"]?.stringValue, let name = change["name"]?.stringValue else { return }
        publishedAs[digest, default: []].insert("\(kind) \(name)")
    }

    private mutating func decide(_ body: JSONView, _ place: String) {
        if let digest = body["inventory"]?.stringValue { inventories.insert(digest) }
        if body["cut"]?.value == true { cutDecisions.insert(body["id"]?.stringValue ?? "") }
        for match in body["matches"]?.elements ?? [] {
            guard let run = match["run"]?.stringValue else { continue }
            decided.insert(run)
            promised[run] = place
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
        all += unfinished
        for stream in shards.flatMap(\.all).filter({ $0.run != nil }).sorted(by: { $0.name < $1.name }) {
            stream.run?.finish()
            all += stream.run?.findings ?? []
        }
        if case .streams(let whole) = coverage {
            for (stream, last) in whole.sorted(by: { $0.key < $1.key }) where lastNumber(of: stream) != last {
                all.append(
                    AuditFinding(
                        .broken, .streamCut, "\(stream)@\(last)",
                        "its last line is \(lastNumber(of: stream)), \(last) were signed for"))
            }
        }
        return all.ordered
    }

    /// What was begun, and is not told of any further.
    private var unfinished: [AuditFinding] {
        // Of a run's bundle other runs' lines are elsewhere.
        if case .streams = coverage { return [] }
        // A run and its decision are stored at once; the end of what is here may lie between the two.
        let runs = promised.filter { !opened.contains($0.key) }.sorted { $0.key < $1.key }.map { run, place in
            AuditFinding(
                endsEarly ? .open : .broken, .runUnopened, place, "it opens \(run), of which there is no line")
        }
        // What became of the last ones that came stands behind it.
        guard !endsEarly else { return runs }
        return runs
            + sought.values.sorted().map {
                AuditFinding(.open, .callOpen, $0, "the look-up is intended and has no answer yet")
            }
            + unread.sorted { $0.key < $1.key }.map { alert, place in
                AuditFinding(.open, .alertUndecided, place, "\(alert) came, and nothing says what was made of it")
            }
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
