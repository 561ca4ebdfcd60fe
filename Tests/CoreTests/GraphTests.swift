// SPDX-License-Identifier: Apache-2.0

import CordonCore
import CordonLanguage
import TestKit
import Testing

/// The picture of a definition: everything is on it, nothing lies over anything else, and no text breaks out.
@Suite struct GraphTests {
    private static let steps = """
          - id: proof
            do: evidence.capture
            with: { of: x }
          - id: stop
            do: account.suspend
            with: { account: x }
            approve: { by: team-a, within: 4h, on_timeout: keep }
            hold: { for: 4h, then: keep }
          - id: both
            parallel:
            - name: one
              steps: [{ id: calm, wait: 10m }, { id: more, wait: 10m }, { id: most, wait: 10m }]
            - name: two
              steps: [{ id: inner, call: other }]
          - id: up
            ladder:
              until: subject.calm == true
              rungs:
              - name: slow
                steps: [{ id: slow, wait: 1m }]
              - name: freeze
                steps: [{ id: freeze, wait: 1m }]
          - { id: back, undo: [stop] }
          - { id: purge, after: hold/stop, do: credential.delete, with: { credential: x }, undo: none, because: z }

        """

    private func graph(_ title: String = "T", _ steps: String = Self.steps) throws -> DefinitionGraph {
        let text = "workflow: w\ntitle: \(Value.string(title).json)\nsteps:\n\(steps)"
        return DefinitionGraph(nil, try Workflow.load(Array(text.utf8), file: "w.yaml", digest: "").get())
    }

    @Test func `trigger, guards, steps, branches, gates, holds and undo edges are on it`() throws {
        let workflow = try DefinitionSketch.workflow.loadWorkflow().get()
        let playbook = try DefinitionSketch.playbook.loadPlaybook([workflow]).get()
        let small = DefinitionGraph(playbook, workflow)
        #expect(small.nodes.map(\.kind) == [.trigger, .decision, .reads, .final, .end])
        #expect(small.edges.map { [$0.from, $0.to] } == [[0, 1], [1, 2], [2, 3], [3, 4]])
        let all = try graph()
        let named = Dictionary(all.nodes.enumerated().map { ($0.element.title, $0.offset) }) { first, _ in first }
        func has(_ from: String, _ to: String, _ label: String) -> Bool {
            all.edges.contains { $0.from == named[from] && $0.to == named[to] && $0.label == label }
        }
        #expect(has("stop?", "stop", "approved"))
        #expect(has("both", "calm", "one") && has("both", "inner", "two"))
        #expect(has("most", "up", "") && has("inner", "up", ""))
        #expect(has("up", "slow", "slow") && has("slow", "freeze", "freeze") && has("freeze", "back", "holds"))
        #expect(has("stop", "purge", "held, then kept"))
        #expect(all.edges.filter(\.isUndo).map { [$0.from, $0.to] } == [[named["back"], named["stop"]]])
        #expect(all.nodes.first { $0.title == "stop" }?.notes.contains("held 4h, then keep") == true)
    }

    @Test func `what guards say, a wait's end and who may not answer are on it`() throws {
        let workflow = try DefinitionSketch.workflow.loadWorkflow().get()
        let guards = """
            guards:
              confidence: { min: 0.9 }
              protected: { deny: [tag/break-glass] }
              limits: { per_run: 2, share: 3% }
              require: [{ that: subject.owner.known, else: shadow }]

            """
        let playbook = try DefinitionSketch.playbook.changed("run:\n", to: guards + "run:\n").loadPlaybook([workflow])
            .get()
        let decision = DefinitionGraph(playbook, workflow).nodes.first { $0.kind == .decision }
        #expect(
            decision?.notes.suffix(5) == [
                "confidence from 0.9 on, else propose", "denies tag/break-glass",
                "at most 2 a run, 3 % of all, else propose", "requires subject.owner.known, else shadow",
                "contained within 15m",
            ])
        let asked = try graph(
            "T",
            """
              - { id: calm, wait: { until: subject.calm == true, every: 1m, for: 30m, on_timeout: continue } }
              - id: ask
                approve: { by: ann, exclude: [bob], within: 4h, escalate: { after: 1h, to: eve }, on_timeout: keep }

            """)
        let notes = asked.nodes.flatMap(\.notes)
        for note in ["30m at most, then it goes on", "not by bob", "eve too after 1h"] {
            #expect(notes.contains(note), "\(note) in \(notes)")
        }
    }

    private func check(_ graph: DefinitionGraph) {
        let layout = GraphLayout(graph)
        for (place, box) in layout.boxes.enumerated() {
            #expect(box.x >= 0 && box.y >= 0)
            #expect(box.x + box.width <= layout.width && box.y + box.height <= layout.height)
            for line in box.lines {
                #expect(GraphLayout.columns(line) <= GraphLayout.columnsMax)
                #expect(GraphLayout.columns(line) * GraphLayout.columnWidth < box.width)
            }
            #expect(box.lines.count <= GraphLayout.linesMax)
            #expect(box.lines.count * GraphLayout.lineHeight < box.height)
            for other in layout.boxes[(place + 1)...] {
                let isApart =
                    box.x + box.width < other.x || other.x + other.width < box.x || box.y + box.height < other.y
                    || other.y + other.height < box.y
                #expect(isApart)
            }
        }
        // A way runs from box to box and through none.
        for (edge, line) in zip(graph.edges, layout.lines) where !edge.isUndo {
            for (start, end) in zip(line, line.dropFirst()) where start.x == end.x {
                for (node, box) in layout.boxes.enumerated() where node != edge.from && node != edge.to {
                    let crosses =
                        box.x < start.x && start.x < box.x + box.width && start.y < box.y + box.height && box.y < end.y
                    #expect(!crosses)
                }
            }
        }
    }

    @Test func `no box lies over another, and every text is inside of its box`() throws {
        check(try graph())
    }

    @Test(arguments: 1...40)
    func `whatever the steps, nothing lies over anything else`(_ seed: UInt64) throws {
        var dice = Seeded(seed)
        var count = 0
        func block(_ depth: Int, _ margin: String) -> String {
            (0..<(1 + dice.below(4))).map { _ -> String in
                count += 1
                let id = "s\(count)"
                guard depth > 0, dice.chance(40) else { return "\(margin)- { id: \(id), wait: 1m }\n" }
                let branches = (0..<(1 + dice.below(3))).map {
                    "\(margin)  - name: b\($0)\n\(margin)    steps:\n" + block(depth - 1, margin + "    ")
                }
                return "\(margin)- id: \(id)\n\(margin)  parallel:\n" + branches.joined()
            }.joined()
        }
        check(try graph("T", block(3, "  ")))
    }

    @Test func `hostile text stays text in each of the three`() throws {
        let hostile = #"</svg><script>alert(1)</script>" onload="x" ]]> & \" ; n0 -> n1 | %%{init}%% `x`"# + "\u{202E}"
        let ask =
            "  - { id: ask, task: { by: \(Value.string(hostile).json), ask: Q, choices: [a, b], within: 4h, on_timeout: keep } }\n"
            .replacing("\u{202E}", with: "\\u202E")
        let graph = try graph(hostile.replacing("\u{202E}", with: ""), ask)
        let svg = graph.svg
        #expect(!svg.contains("<script") && !svg.contains("\u{202E}"))
        #expect(svg.components(separated: "</svg>") == 1)
        #expect(svg.contains("&lt;script&gt;") && svg.contains("\u{FFFD}"))
        #expect(!svg.contains("onload=\"") && !svg.contains("href") && !svg.contains("@import"))
        for line in graph.mermaid.split(separator: "\n").dropFirst() {
            #expect(!line.contains("<script") && !line.contains("%%") && !line.contains("`") && !line.contains(";;"))
            #expect(line.hasPrefix("  n") && line.filter { $0 == "\"" }.count % 2 == 0)
        }
        #expect(graph.dot.contains(#"\" onload=\"x\""#))
        #expect(graph.dot.contains(#"\\\" ; n0 -> n1"#))
    }

    @Test func `a word that is too long is cut into lines, and what is too much ends with a sign`() throws {
        let long = String(repeating: "界", count: 400)
        let graph = try graph(
            "T", "  - { id: ask, task: { by: a, ask: \(long), choices: [a, b], within: 4h, on_timeout: keep } }\n")
        check(graph)
        #expect(GraphLayout(graph).boxes[0].lines.last == "…")
    }
}

extension String {
    /// How often a part stands in it.
    fileprivate func components(separated part: String) -> Int { ranges(of: part).count }
}
