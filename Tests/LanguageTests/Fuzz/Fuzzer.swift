// SPDX-License-Identifier: Apache-2.0
import Foundation
import TestKit

/// Feeds seeded inputs to a reader that strangers' text reaches: a number of them in an ordinary run, as many as fit
/// when `CORDON_FUZZ_SECONDS` says how long. The seed of each input is printed when it fails and replays it.
struct Fuzzer {
    let name: String
    let inputs: Int
    /// The first seed; `CORDON_FUZZ_SEED` starts elsewhere.
    let firstSeed = ProcessInfo.processInfo.environment["CORDON_FUZZ_SEED"].flatMap { UInt64($0) } ?? 1
    private let seconds = ProcessInfo.processInfo.environment["CORDON_FUZZ_SECONDS"].flatMap { Double($0) }

    init(_ name: String, inputs: Int) {
        self.name = name
        self.inputs = inputs
    }

    /// Runs on a small stack, as a server's threads have; `check` says what was wrong with one input, or nil.
    func run(_ check: @escaping @Sendable (inout Seeded) -> String?) -> [String] {
        let findings = Findings()
        onSmallStack {
            let before = Memory.peakBytes
            let start = ContinuousClock.now
            var slowest = (seed: firstSeed, time: Duration.zero)
            var seed = firstSeed
            while isGoingOn(seed, start), findings.all.count < 5 {
                var dice = Seeded(seed)
                let began = ContinuousClock.now
                if let finding = check(&dice) { findings.add("\(name), seed \(seed): \(finding)") }
                slowest = max(slowest, (seed, ContinuousClock.now - began)) { $0.time < $1.time }
                seed += 1
            }
            let grown = (Memory.peakBytes ?? 0) - (before ?? 0)
            if grown > Memory.growthMax { findings.add("\(name): the process grew by \(grown >> 20) MiB") }
            print(
                "fuzz: \(name): \(seed - firstSeed) inputs, slowest \(slowest.time) (seed \(slowest.seed)), memory +\(grown >> 20) MiB"
            )
        }
        return findings.all
    }

    private func isGoingOn(_ seed: UInt64, _ start: ContinuousClock.Instant) -> Bool {
        guard let seconds else { return seed < firstSeed + UInt64(inputs) }
        return ContinuousClock.now - start < .seconds(seconds)
    }

    private func max<Item>(_ left: Item, _ right: Item, _ isLess: (Item, Item) -> Bool) -> Item {
        isLess(left, right) ? right : left
    }
}

/// What went wrong so far, from another thread.
private final class Findings: @unchecked Sendable {  // written by one thread, read after it has ended
    private(set) var all: [String] = []
    func add(_ finding: String) { all.append(finding) }
}

enum Memory {
    /// No input may cost more: 16 MiB of values, a 64 KiB file as a tree, and what other tests take meanwhile.
    static let growthMax = 512 << 20

    /// The most memory that the process has held at once, where the system tells.
    static var peakBytes: Int? {
        guard let status = try? String(contentsOfFile: "/proc/self/status", encoding: .utf8),
            let line = status.split(separator: "\n").first(where: { $0.hasPrefix("VmHWM:") })
        else { return nil }
        return line.split { !$0.isNumber }.first.flatMap { Int($0) }.map { $0 << 10 }
    }
}

extension Seeded {
    /// A text near `text`: pieces cut out, doubled, swapped, or put in from elsewhere.
    mutating func mutated(_ text: String, with pieces: [String], scalarsMax: Int) -> String {
        var scalars = Array(text.unicodeScalars)
        for _ in 0..<(1 + below(6)) {
            let place = below(scalars.count + 1)
            let end = min(scalars.count, place + below(1 + below(20)))
            switch below(5) {
            case 0: scalars.removeSubrange(place..<end)
            case 1: scalars.insert(contentsOf: scalars[place..<end], at: place)
            case 2: scalars.insert(contentsOf: pick(pieces).unicodeScalars, at: place)
            case 3:
                scalars.insert(
                    contentsOf: String(repeating: pick(pieces), count: 1 + below(70)).unicodeScalars, at: place)
            default: if end > place { scalars[place] = pick(Array(pick(pieces + [text]).unicodeScalars) + ["\u{0}"]) }
            }
        }
        return String(String.UnicodeScalarView(scalars.prefix(scalarsMax)))
    }
}
