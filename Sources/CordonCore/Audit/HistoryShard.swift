// SPDX-License-Identifier: Apache-2.0

import CordonLanguage

/// Judges each stream by itself: a part of a history's streams, so that several parts are judged at a time.
///
/// What a line means for more than its own stream it hands on as facts; `HistoryAudit` takes those in the order of the log.
/// It keeps what it is handed no longer than it judges it: a line is made and forgotten by one thread.
///
/// `@unchecked Sendable`: whoever has several judge at a time gives each to one task alone, until that has ended.
package final class HistoryShard: @unchecked Sendable {
    /// A class, so that one look-up finds all that a line changes, and nothing of it is moved.
    final class Stream {
        let name: String
        var last: Int
        var at: Instant
        var run: RunAudit?
        /// People were asked something.
        var hasAsked = false

        init(_ name: String, last: Int, at: Instant) { (self.name, self.last, self.at) = (name, last, at) }
    }

    package enum Fact {
        case finding(AuditFinding)
        /// A line that means something beyond its stream, with the run as that line left it.
        case line(HistoryLine, Run?)
        /// A change that a run begins.
        case begun(ConsentAudit.Begun, LinePlace)
    }

    /// The clock may be set back by this much without a word.
    private static let toleranceMilliseconds: Int64 = 5000

    private let coverage: HistoryAudit.Coverage
    private var streams: [String: Stream] = [:]
    private var begun: Set<ConsentAudit.Begun> = []

    init(_ coverage: HistoryAudit.Coverage) { self.coverage = coverage }

    func stream(_ name: String) -> Stream? { streams[name] }
    var all: Dictionary<String, Stream>.Values { streams.values }

    /// Judges the next line of one of its streams.
    package func judge(_ line: HistoryLine, _ facts: inout [Fact]) {
        let stream = follow(line, &facts)
        guard let told = line.event else { return facts.append(.line(line, nil)) }
        switch told {
        case .success(let event): judge(event, line, stream, &facts)
        case .failure(let error):
            facts.append(.finding(AuditFinding(.broken, .entryUnreadable, line.place.text, "\(error)")))
            facts.append(.line(line, nil))
        }
    }

    private func follow(_ line: HistoryLine, _ facts: inout [Fact]) -> Stream {
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
            facts.append(
                .finding(
                    AuditFinding(
                        .broken, .streamGap, line.place.text,
                        "the line before it was \((known?.last).map(String.init) ?? "none")")))
        }
        if let known, line.at.since(known.at) < -Self.toleranceMilliseconds {
            facts.append(
                .finding(
                    AuditFinding(
                        .note, .timeRunsBack, line.place.text,
                        "its time is before that of the line before it, \(known.at)")))
        }
        guard let known else {
            let new = Stream(line.stream, last: number, at: line.at)
            streams[line.stream] = new
            return new
        }
        (known.last, known.at) = (number, line.at)
        return known
    }

    private func judge(_ event: Event, _ line: HistoryLine, _ stream: Stream, _ facts: inout [Fact]) {
        if line.number == 1 {
            guard case .runOpened = event else {
                facts.append(
                    .finding(
                        AuditFinding(
                            .broken, .streamUnopened, line.place.text, "its first line does not open the run")))
                return facts.append(.line(line, nil))
            }
            stream.run = RunAudit(stream: line.stream)
        }
        if case .callIntended(let step, let call) = event, call.purpose == .act, call.redeliveryClass.isWrite,
            let run = stream.run?.run
        {
            let item = ConsentAudit.Begun(step, call, run)
            if begun.insert(item).inserted { facts.append(.begun(item, line.place)) }
        }
        // Of a run that began before what is here, only the order of its lines can be checked.
        stream.run?.take(event, at: line.at, number: line.number)
        switch event {
        case .questionAsked:
            stream.hasAsked = true
            facts.append(.line(line, stream.run?.run))
        case .answerGiven, .runMigrated: facts.append(.line(line, stream.run?.run))
        case .runEnded: if stream.hasAsked { facts.append(.line(line, stream.run?.run)) }
        case .callReturned(_, _, let outcome): if !outcome.evidence.isEmpty { facts.append(.line(line, nil)) }
        case .stepFinished(_, _, let note): if note == Step.foundAsBefore { facts.append(.line(line, nil)) }
        case .runOpened, .runAsked, .runResumed, .runConcluded, .signalJoined, .signalClosed:
            facts.append(.line(line, nil))
        default: break
        }
    }
}
