// SPDX-License-Identifier: Apache-2.0

import BenchKit
import CordonLanguage
import Foundation

/// The implementations of the language that Python has, measured in the same minute on the same expressions and alert.
enum Competitors {
    struct Measured {
        var name: String
        var version = ""
        var nanoseconds: [Double] = []
        var values: [Value] = []
        /// Why it was not measured.
        var problem: String?
    }

    static func measure(_ python: String, _ conditions: Conditions) -> [Measured] {
        let task: Value = [
            "variables": ["alert": Conditions.alert], "expressions": .array(Conditions.sources.map(Value.string)),
        ]
        do {
            let answer = try JSON.parse(try run(python, input: task.jsonBytes))
            return ["cel-python", "common-expression-language"].map { read($0, answer[$0]) }
        } catch {
            return [Measured(name: "other implementations", problem: "\(python) gave no figures: \(error)")]
        }
    }

    private static func read(_ name: String, _ answer: Value?) -> Measured {
        if let problem = answer?["problem"]?.stringValue { return Measured(name: name, problem: problem) }
        let times = (answer?["nanoseconds"]?.arrayValue ?? []).compactMap { value -> Double? in
            if case .double(let number) = value { number } else { value.intValue.map(Double.init) }
        }
        let values = answer?["values"]?.arrayValue ?? []
        guard times.count == Conditions.sources.count, values.count == times.count else {
            return Measured(name: name, problem: "its figures are not understood")
        }
        return Measured(
            name: name, version: answer?["version"]?.stringValue ?? "", nanoseconds: times, values: values)
    }

    private static func run(_ python: String, input: [UInt8]) throws -> [UInt8] {
        let script = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("cel_python.py")
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = [python, script.path]
        let (asked, answered) = (Pipe(), Pipe())
        process.standardInput = asked
        process.standardOutput = answered
        try process.run()
        try asked.fileHandleForWriting.write(contentsOf: Data(input))
        try asked.fileHandleForWriting.close()
        let output = try answered.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else {
            throw BenchFailure(description: "it ended with \(process.terminationStatus)")
        }
        return Array(output)
    }
}
