// SPDX-License-Identifier: Apache-2.0

import CordonConnectors
import CordonCore
import CordonEngine
import CordonLanguage
import Foundation

/// What authors write, without the installation's own sources, providers and identities: what tests are played with.
struct Definitions {
    var playbooks: [Playbook]
    var workflows: [Workflow]
    var connectors: [String: Connector]
    var sources: [Library.Source]
    var guards: GuardPolicy
    /// The folder of the tests; their files lie beside their playbooks.
    var folder: String
    private var files: [String: Shelf.File]

    /// All or nothing, as for the server.
    init(_ settings: Settings) throws(Diagnostics) {
        var mistakes: [Diagnostic] = []
        let connectorFiles = Shelf.files("workflows/connectors", settings, &mistakes)
        let connectors = Shelf.loadAll(connectorFiles, &mistakes) {
            Connector.load($0.bytes, file: $0.path, digest: digestText($0.bytes))
        }
        let workflowFiles = Shelf.files("workflows", settings, &mistakes)
        let admitted = Shelf.loadAll(workflowFiles, &mistakes) {
            Workflow.admit($0.bytes, file: $0.path, digest: digestText($0.bytes))
        }
        let unread = Shelf.names(workflowFiles).subtracting(admitted.map(\.name))
        let workflows = Shelf.whole(admitted, unread: unread, &mistakes)
        let playbookFiles = Shelf.files("playbooks", settings, &mistakes)
        playbooks = Shelf.loadAll(playbookFiles, &mistakes) {
            Playbook.load($0.bytes, file: $0.path, digest: digestText($0.bytes), workflows: workflows, unread: unread)
        }
        mistakes += Shelf.abovePolicy(playbooks, workflows, playbookFiles, settings)
        guards = Shelf.guards(settings, &mistakes)
        mistakes += Shelf.looserThan(guards, playbooks, playbookFiles)
        sources = Shelf.sources([.connector: connectorFiles, .workflow: workflowFiles, .playbook: playbookFiles])
        folder = absolute("playbooks", in: settings.libraryPath)
        self.workflows = workflows
        self.connectors = Dictionary(connectors.map { ($0.name, $0) }) { first, _ in first }
        files = [:]
        for (kind, list) in [("playbook", playbookFiles), ("workflow", workflowFiles)] {
            for file in list {
                files["\(kind) \(((file.path as NSString).lastPathComponent as NSString).deletingPathExtension)"] = file
            }
        }
        guard !mistakes.contains(where: { $0.severity == .error }) else { throw Diagnostics(mistakes) }
    }

    /// The tests in the folder, by the names of their playbooks.
    func testNames() -> [String] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        return names.filter { $0.hasSuffix(PlaybookTest.suffix) }
            .map { String($0.dropLast(PlaybookTest.suffix.count)) }.sorted()
    }

    func test(_ name: String) -> Result<PlaybookTest, Diagnostics> {
        let path = folder + "/" + name + PlaybookTest.suffix
        guard let contents = BoundedFile.contents(path) else {
            return .failure(Diagnostics([Shelf.unusable(display(path), "the file can't be read")]))
        }
        return test(contents, file: display(path), folder: folder)
    }

    /// - Parameter folder: where its fixtures lie.
    func test(_ bytes: [UInt8], file: String, folder: String) -> Result<PlaybookTest, Diagnostics> {
        let setting = PlaybookTest.Setting(
            playbooks: playbooks, workflows: workflows, connectors: connectors,
            fixture: { name in
                // A test may come from anybody: it reads nothing but what lies beside it.
                let path = absolute(name, in: folder)
                return Shelf.isInside(path, folder) ? BoundedFile.contents(path) : nil
            })
        return PlaybookTest.load(bytes, file: file, against: setting)
    }

    /// Where a way that no case takes stands, as an author is told of it.
    func diagnostic(_ branch: Branch, severity: Diagnostic.Severity) throws(Diagnostics) -> Diagnostic {
        let key =
            switch branch.home {
            case .playbook(let name): "playbook \(name)"
            case .workflow(let name): "workflow \(name)"
            }
        let file = files[key] ?? Shelf.File(path: key, bytes: [])
        return try BranchPlaces(file.bytes, file: file.path).diagnostic(branch, severity: severity)
    }

    func untested(_ playbook: String, severity: Diagnostic.Severity) -> Diagnostic {
        Diagnostic(
            code: DefinitionCode.noTest.rawValue, severity: severity,
            place: Place(file: files["playbook \(playbook)"]?.path ?? playbook, line: 1, column: 1),
            message: "the playbook has no test", suggestion: "write \(playbook)\(PlaybookTest.suffix) beside it")
    }
}
