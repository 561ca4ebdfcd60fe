// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

/// The house's rules, read off the sources: a violation is named with its place and the way out.
@Suite
struct TidyTests {
    @Test func `no room imports what its wall forbids`() throws {
        let repository = try Repository(around: #filePath)
        let violations = repository.sources.flatMap(Walls.check) + Walls.checkSingleFile(repository)
        #expect(violations.isEmpty, "\(violations.sorted().map(\.description).joined(separator: "\n"))")
    }

    @Test func `no banned call stands without a reason beside it`() throws {
        let repository = try Repository(around: #filePath)
        let violations = repository.sources.flatMap(BannedCalls.check)
        #expect(violations.isEmpty, "\(violations.sorted().map(\.description).joined(separator: "\n"))")
    }

    @Test func `every task belongs to a group`() throws {
        let repository = try Repository(around: #filePath)
        let violations = repository.sources.flatMap(BannedCalls.checkTasks)
        #expect(violations.isEmpty, "\(violations.sorted().map(\.description).joined(separator: "\n"))")
    }

    @Test func `what is shown as proof is compared by the functions for it`() throws {
        let repository = try Repository(around: #filePath)
        let violations = repository.sources.flatMap(BannedCalls.checkComparisons)
        #expect(violations.isEmpty, "\(violations.sorted().map(\.description).joined(separator: "\n"))")
    }

    @Test(arguments: ["Alert", "Signal", "Decision", "Run", "Step", "Call", "Outcome", "Evidence", "Entry"])
    func `every noun has its type in the core`(_ noun: String) throws {
        let repository = try Repository(around: #filePath)
        let declaration = "package struct \(noun):"
        #expect(
            repository.sources.contains { $0.room == "CordonCore" && $0.lines.contains { $0.contains(declaration) } })
    }

    @Test func `every source says under which license it stands`() throws {
        let repository = try Repository(around: #filePath)
        for source in repository.sources where source.isSwift && source.name != "Package.swift" {
            #expect(source.lines.first?.contains("SPDX-License-Identifier: Apache-2.0") == true, "\(source.path)")
        }
    }

    @Test func `a planted violation of each rule is caught`() {
        let wall = Source("Sources/CordonCore/Planted.swift", "import Foundation\n")
        #expect(!Walls.check(wall).isEmpty)
        for call in ["let now = Date()", "Task.detached { }", "let x = try! f()", "fatalError()", "let y = x!"] {
            #expect(!BannedCalls.check(Source("Sources/CordonCore/Planted.swift", call + "\n")).isEmpty, "\(call)")
        }
        for line in [
            "return header == secret.reveal()", "guard code == expected else { throw x }",
            "if secret.reveal().elementsEqual(header) {", "HMAC<SHA256>.authenticationCode(for: a, using: k) == shown",
        ] {
            let planted = Source("Sources/CordonConnectors/Inbound/Planted.swift", line + "\n")
            #expect(!BannedCalls.checkComparisons(planted).isEmpty, "\(line)")
        }
        let task = Source("Sources/CordonEngine/Planted.swift", "Task { await work() }\n")
        #expect(!BannedCalls.checkTasks(task).isEmpty)
    }
}
