// SPDX-License-Identifier: Apache-2.0

import Foundation
import TestKit
import Testing

/// What README shows is what the program prints.
@Suite(.serialized)
struct ReadmeTests {
    @Test func `every transcript of README is what the program prints, line for line`() async throws {
        let transcripts = try Transcript.all(in: readme())
        #expect(transcripts.map(\.command).contains(["cordon", "demo"]))
        for transcript in transcripts {
            // What the command leaves behind goes with the folder.
            let scratch = try ScratchFolder("cordon-readme")
            let program = try ProgramUnderTest(
                Installation.program, Array(transcript.command.dropFirst()), environment: ["TMPDIR": scratch.path],
                folder: scratch.path, capturedIn: scratch, as: "transcript")
            #expect(try await program.waitForExit(timeoutMilliseconds: 60_000) == .exited(0), "\(program.error)")
            #expect(program.error.isEmpty, "a transcript shows what goes to standard output alone")
            let printed = program.output.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
            expect(transcript, printed)
        }
    }

    /// Names the first line that differs, with the program's own words to put there.
    private func expect(_ transcript: Transcript, _ printed: [String]) {
        // The text ends with a line break, so behind the last line there is an empty one.
        let printed = printed.last == "" ? printed.dropLast() : printed[...]
        let name = transcript.command.joined(separator: " ")
        for (shown, real) in zip(transcript.lines, printed) where normalized(shown) != normalized(real) {
            Issue.record("`\(name)`: README shows\n  \(shown)\nthe program prints\n  \(real)")
            return
        }
        #expect(
            transcript.lines.count == printed.count,
            "`\(name)`: README must end with\n\(printed.suffix(8).joined(separator: "\n"))")
    }

    @Test(arguments: [
        (
            "    18 ms  run  run_01M864RMV5JZ0Q0TAE8NBDQSCW  done",
            "  1204 ms  run  run_01M999RMV5JZ0Q0TAE8NBDQSCW  done"
        ),
        ("state in /tmp/cordon-demo-55bcd2a7/state", "state in /var/t/x-1/cordon-demo-0000aaaa/state"),
        ("http://127.0.0.1:1/", "http://127.0.0.1:65535/"), (#"{"exp":1795624251}"#, #"{"exp":1795624252}"#),
    ])
    func `what differs from one day to the next is taken for the same`(_ left: String, _ right: String) {
        #expect(normalized(left) == normalized(right))
    }

    @Test(arguments: [
        ("    18 ms  run  completed", "    18 ms  run  cancelled"), ("run_01M864RMV5JZ0Q0TAE8NBDQSCW", "run_"),
        ("answers 200 OK", "answers 401 OK"), ("/tmp/cordon-demo-55bcd2a7/state", "/tmp/cordon-demo-55bcd2a7/other"),
    ])
    func `what the program says is not`(_ left: String, _ right: String) {
        #expect(normalized(left) != normalized(right))
    }

    private func readme() throws -> String {
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        return String(decoding: try Data(contentsOf: root.appending(path: "README.md")), as: UTF8.self)
    }
}

/// A fenced block that begins with `$ cordon …`.
private struct Transcript {
    var command: [String]
    var lines: [String]

    static func all(in text: String) -> [Transcript] {
        text.matches(of: #/(?ms)^```\n\$ (?<command>cordon [^\n]*)\n(?<lines>.*?)\n```$/#).map { match in
            Transcript(
                command: match.command.split(separator: " ").map(String.init),
                lines: match.lines.split(separator: "\n", omittingEmptySubsequences: false).map(String.init))
        }
    }
}

/// The line without what differs from run to run: times, ids, digests, ports and scratch paths.
private func normalized(_ line: String) -> String {
    line.replacing(#/^ *\d+ ms /#, with: "TIME ")
        .replacing(#/\b(?<noun>alr|sig|dec|run)_[0-9A-HJKMNP-TV-Z]{26}\b/#) { "\($0.noun)_ID" }
        .replacing(#/sha256:[0-9a-f]{64}/#, with: "DIGEST")
        .replacing(#/"(?<name>exp|iat)":\d{10}\b/#) { "\($0.name) SECONDS" }
        .replacing(#/127\.0\.0\.1:\d+/#, with: "127.0.0.1:PORT")
        .replacing(#/(?:/[-\w.]+)*/cordon-demo-[0-9a-f]{8}/#, with: "FOLDER")
}
