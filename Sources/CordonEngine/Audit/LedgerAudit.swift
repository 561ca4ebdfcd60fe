// SPDX-License-Identifier: Apache-2.0

import CordonCore
import CordonLanguage
import CordonStore

/// What the lines of a history say of rows that are no history themselves: access tokens, and what guards count by.
struct LedgerAudit {
    /// A row as its line tells it.
    struct Told<Row> {
        var row: Row
        var place: String
    }

    /// A match that its playbook may have remembered as a risk.
    struct Weighed {
        var signal: String
        var subject: String
        var playbook: Run.Pin
        var workflow: Run.Pin
        var at: Instant
        var place: String
    }

    private struct Pair: Hashable {
        var subject: String
        var playbook: String
    }

    private(set) var tokens: [String: Told<TokenRecord>] = [:]
    private var touches: [Pair: Told<Touch>] = [:]
    /// Runs that wait for people's agreement to all of what they would do, with what that agreement counts as.
    private var proposed: [String: Touch] = [:]
    /// When steps of a run found that another had put back what they were to undo.
    private(set) var putBacks: [String: Set<Instant>] = [:]
    /// How many signals each playbook matched in a minute, and where the last line stands that says so.
    private(set) var tallies: [TallyKey: Told<Int>] = [:]
    /// When the first decision of an alert was made, while its others follow: it counts them all.
    private var counted: [String: Instant] = [:]
    /// The events that signals tell of.
    private(set) var events: [EventKey: Told<String>] = [:]
    /// What decisions say of identities that a playbook may have a score for.
    private(set) var weighed: [Weighed] = []
    /// Whether some decision was too long for its line: of what it touched the runs alone tell.
    private(set) var isCut = false

    mutating func take(_ line: HistoryLine) {
        switch line.kind {
        case "tokenGranted": grant(line)
        case "tokenRevoked": line.body["id"]?.stringValue.map { tokens[$0]?.row.revokedAt = line.at }
        case "signalNormalized": name(line)
        case "decisionMade": decide(line)
        case "alertRead", "alertQuarantined": counted[line.stream] = nil
        case "runOpened": propose(line)
        case "runAsked":
            // Asked for another reason since: to agree to that is not to agree to the proposal.
            if line.body["step"]?.stringValue == nil, line.body["kind"] != "proposal" { proposed[line.stream] = nil }
        case "runResumed": resume(line)
        case "runConcluded": proposed[line.stream] = nil
        case "stepFinished":
            if line.body["note"]?.stringValue == Step.foundAsBefore {
                putBacks[line.stream, default: []].insert(line.at)
            }
        default: break
        }
    }

    // MARK: Tokens

    private mutating func grant(_ line: HistoryLine) {
        let body = line.body
        guard let id = body["id"]?.stringValue else { return }
        let row = TokenRecord(
            id: id, name: body["name"]?.stringValue ?? "", role: body["role"]?.stringValue ?? "",
            // Lines that were written before it was told have none.
            hash: body["hash"]?.stringValue ?? "", createdAt: line.at,
            expiresAt: body["expires_at"]?.stringValue.flatMap(Instant.init(rfc3339:)))
        tokens[id] = Told(row: row, place: "\(line.stream)@\(line.number)")
    }

    /// What differs between a row and its line, in words; `nil`: nothing.
    static func difference(_ row: TokenRecord, _ told: TokenRecord) -> String? {
        if row.name != told.name { return "its name" }
        if row.role != told.role { return "its role" }
        if !told.hash.isEmpty, row.hash != told.hash { return "whose secret it is" }
        if row.createdAt != told.createdAt { return "when it was made" }
        if row.expiresAt != told.expiresAt { return "when it expires" }
        if row.revokedAt != told.revokedAt {
            return told.revokedAt == nil ? "that it is revoked" : "when it was revoked"
        }
        return nil
    }

    // MARK: Touches

    private mutating func decide(_ line: HistoryLine) {
        let body = line.body
        if body["cut"] == true { isCut = true }
        guard let at = body["at"]?.stringValue.flatMap(Instant.init(rfc3339:)) else { return }
        let first = counted[line.stream] ?? at
        counted[line.stream] = first
        for match in body["matches"]?.arrayValue ?? [] {
            count(match, at, first, line)
            guard match["verdict"] == "enforce", match["run"]?.stringValue != nil,
                let subject = match.at("subject", "subject").flatMap(Self.subject),
                let playbook = match.at("playbook", "name")?.stringValue
            else { continue }
            add(Touch(subject, playbook: playbook, at: at), line)
        }
    }

    private mutating func name(_ line: HistoryLine) {
        guard let key = line.told["event_key"]?.stringValue, let source = line.told["source"]?.stringValue,
            let signal = line.told["id"]?.stringValue
        else { return }
        events[EventKey(source: source, name: key)] = Told(row: signal, place: "\(line.stream)@\(line.number)")
    }

    private mutating func count(_ match: Value, _ at: Instant, _ first: Instant, _ line: HistoryLine) {
        guard let verdict = match["verdict"]?.stringValue, verdict != "ignore", match["joins"] == nil,
            let playbook = Self.pin(match["playbook"])
        else { return }
        let place = "\(line.stream)@\(line.number)"
        let key = TallyKey(playbook: playbook.name, minute: first.minute)
        tallies[key] = Told(row: (tallies[key]?.row ?? 0) + 1, place: place)
        // What a playbook only tries out moves no other, and by its verdict alone a trial can't be told from that.
        guard verdict == "enforce" || verdict == "propose", let workflow = Self.pin(match["workflow"]),
            let subject = match.at("subject", "subject").flatMap(Self.subject),
            let signal = line.told["signal"]?.stringValue
        else { return }
        weighed.append(
            Weighed(
                signal: signal, subject: subject.key, playbook: playbook, workflow: workflow, at: at, place: place))
    }

    private static func pin(_ value: Value?) -> Run.Pin? {
        guard let name = value?["name"]?.stringValue, let digest = value?["digest"]?.stringValue else { return nil }
        return Run.Pin(name: name, digest: digest)
    }

    private mutating func propose(_ line: HistoryLine) {
        guard line.body.at("gate", "kind") == "proposal", let subject = line.body["subject"].flatMap(Self.subject),
            let playbook = line.body.at("playbook", "name")?.stringValue
        else { return }
        proposed[line.stream] = Touch(subject, playbook: playbook, at: line.at)
    }

    /// A person agreed: it counts from that moment.
    private mutating func resume(_ line: HistoryLine) {
        guard line.body["step"]?.stringValue == nil, var touch = proposed.removeValue(forKey: line.stream) else {
            return
        }
        touch.at = line.at
        add(touch, line)
    }

    private mutating func add(_ touch: Touch, _ line: HistoryLine) {
        let pair = Pair(subject: touch.subject, playbook: touch.playbook)
        if let known = touches[pair], known.row.at > touch.at { return }
        touches[pair] = Told(row: touch, place: "\(line.stream)@\(line.number)")
    }

    private static func subject(_ value: Value) -> Subject? {
        guard let kind = value["kind"]?.stringValue.flatMap(Subject.Kind.init(rawValue:)),
            let id = value["id"]?.stringValue
        else { return nil }
        return Subject(
            kind: kind, id: id, provider: value["provider"]?.stringValue ?? "", owner: value["owner"]?.stringValue)
    }

    /// Takes out the line that tells of the touch.
    mutating func told(of touch: Touch) -> Told<Touch>? {
        touches.removeValue(forKey: Pair(subject: touch.subject, playbook: touch.playbook))
    }

    /// Those whose rows were not seen.
    var untouched: [Told<Touch>] { touches.values.sorted { $0.place < $1.place } }
}
