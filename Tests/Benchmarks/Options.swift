// SPDX-License-Identifier: Apache-2.0

import BenchKit
import Foundation

/// What the command line asks for.
struct Options: Sendable {
    /// Alerts per second of the intake's load.
    var rate = 200.0
    /// How long each load lasts.
    var seconds = 10.0
    var cordon = ".build/release/cordon"
    var isJSON = false
    /// What is measured; all of it when nothing is named.
    var only: Set<Section> = []

    enum Section: String, CaseIterable { case starts, verdicts, intake, contained, gate, syncs }

    func measures(_ section: Section) -> Bool { only.isEmpty || only.contains(section) }

    /// The load of the second figure.
    static let callRate = 100.0
    /// Verdicts that enforcement points ask for each second.
    static let verdictRate = 5000.0
    /// Requests each second through nginx, and the alerts meanwhile.
    static let gateRate = 1000.0
    static let floodRate = 500.0
    static let warmingAlerts = 50
    static let starts = 5
    static let tracedRuns = 20
    /// Never fewer credentials than an installation of some size has.
    static let credentialsMin = 5000
    static let credentialsMax = 90_000

    static let usage = """
        usage: cordon-bench [--only SECTION]... [--rate ALERTS_PER_SECOND] [--seconds SECONDS] [--cordon PATH] [--json]
          --only     starts, verdicts, intake, contained, gate or syncs; all of them when none is named
          --rate     the intake's load (default 200)
          --seconds  how long each load lasts (default 10)
          --cordon   the program to measure, a release build (default .build/release/cordon)
          --json     one JSON document instead of a table
        """

    var loadCount: Int { Int(rate * seconds) }
    var callCount: Int { Int(Options.callRate * seconds) }
    var floodCount: Int { Int(Options.floodRate * seconds) }
    var credentialCount: Int {
        max(Options.credentialsMin, Options.warmingAlerts + loadCount + callCount + floodCount)
    }

    init(_ arguments: [String]) throws {
        var rest = arguments[...]
        while let word = rest.popFirst() {
            switch word {
            case "--rate": rate = try Options.number(word, rest.popFirst())
            case "--seconds": seconds = try Options.number(word, rest.popFirst())
            case "--json": isJSON = true
            case "--only":
                guard let section = rest.popFirst().flatMap(Section.init) else {
                    throw BenchFailure(description: Options.usage)
                }
                only.insert(section)
            case "--cordon":
                guard let path = rest.popFirst() else { throw BenchFailure(description: Options.usage) }
                cordon = path
            default: throw BenchFailure(description: Options.usage)
            }
        }
        guard FileManager.default.isExecutableFile(atPath: cordon) else {
            throw BenchFailure(
                description: "there is no program \(cordon); build it: swift build -c release --product cordon")
        }
        guard credentialCount <= Options.credentialsMax else {
            throw BenchFailure(
                description: "that is over \(Options.credentialsMax) alerts; each needs a credential of its own")
        }
        cordon = URL(fileURLWithPath: cordon).path
    }

    private static func number(_ option: String, _ text: String?) throws -> Double {
        guard let number = text.flatMap(Double.init), number > 0, number.isFinite else {
            throw BenchFailure(description: "\(option) takes a number above 0\n\(usage)")
        }
        return number
    }
}
