// SPDX-License-Identifier: Apache-2.0

/// Where each box stands: rows by the longest way that leads to it, each row in the order of what leads there. A way over
/// several rows has a place of its own in each, so that no line runs through a box.
package struct GraphLayout: Sendable {
    package struct Box: Sendable, Hashable {
        package var x: Int
        package var y: Int
        package var width: Int
        package var height: Int
        /// The wrapped text, the title's first; `bold` of them are the title.
        package var lines: [String]
        package var bold: Int
    }

    /// Columns of text in a box, of a font whose characters are as wide as each other.
    package static let columnsMax = 34
    package static let linesMax = 14
    /// At most as wide as these fonts draw a character at 12 pixels.
    package static let columnWidth = 8
    package static let lineHeight = 17
    static let padding = 10
    static let gap = 28
    static let rowGap = 46
    static let laneWidth = 18

    package let boxes: [Box]
    /// The corners of each edge's line, in the order of the edges.
    package let lines: [[(x: Int, y: Int)]]
    package let width: Int
    package let height: Int

    private enum Slot: Hashable {
        case node(Int)
        case lane(edge: Int, row: Int)
    }

    package init(_ graph: DefinitionGraph) {
        var boxes = graph.nodes.map(Self.box)
        let ranks = Self.ranks(graph)
        let rows = Self.rows(graph, ranks)
        var spots: [Slot: (x: Int, y: Int)] = [:]
        let widths = rows.map { row in row.map { Self.width($0, boxes) + Self.gap }.reduce(Self.gap, +) }
        let whole = widths.max() ?? 0
        var y = Self.gap
        for (row, rowWidth) in zip(rows, widths) {
            var x = (whole - rowWidth) / 2 + Self.gap
            for slot in row {
                if case .node(let node) = slot {
                    boxes[node].x = x
                    boxes[node].y = y
                }
                spots[slot] = (x + Self.width(slot, boxes) / 2, y)
                x += Self.width(slot, boxes) + Self.gap
            }
            y += (row.map { Self.height($0, boxes) }.max() ?? 0) + Self.rowGap
        }
        let undone = graph.edges.filter(\.isUndo).count
        lines = Self.lines(graph, boxes, ranks, spots, rows, right: whole)
        self.boxes = boxes
        width = whole + undone * Self.laneWidth + Self.gap
        height = y
    }

    private static func width(_ slot: Slot, _ boxes: [Box]) -> Int {
        if case .node(let node) = slot { boxes[node].width } else { laneWidth }
    }

    private static func height(_ slot: Slot, _ boxes: [Box]) -> Int {
        if case .node(let node) = slot { boxes[node].height } else { 0 }
    }

    // MARK: Text

    private static func box(_ node: DefinitionGraph.Node) -> Box {
        let title = wrapped(DefinitionGraph.visible(node.title))
        var lines = title + node.notes.flatMap { wrapped(DefinitionGraph.visible($0)) }
        if lines.count > linesMax { lines = lines.prefix(linesMax - 1) + ["…"] }
        let columns = lines.map(columns).max() ?? 0
        return Box(
            x: 0, y: 0, width: max(columns, 8) * columnWidth + 2 * padding,
            height: lines.count * lineHeight + 2 * padding, lines: lines, bold: min(title.count, lines.count))
    }

    /// How many columns a text takes: what is not Latin may be drawn twice as wide.
    package static func columns(_ text: String) -> Int {
        text.unicodeScalars.reduce(0) { $0 + ($1.value < 0x2E80 ? 1 : 2) }
    }

    private static func wrapped(_ text: String) -> [String] {
        var lines: [String] = []
        var line = ""
        for word in text.split(separator: " ") {
            for piece in pieces(word) {
                if line.isEmpty {
                    line = piece
                } else if columns(line) + 1 + columns(piece) <= columnsMax {
                    line += " " + piece
                } else {
                    lines.append(line)
                    line = piece
                }
            }
        }
        if !line.isEmpty { lines.append(line) }
        return lines.isEmpty ? ["–"] : lines
    }

    private static func pieces(_ word: Substring) -> [String] {
        var out: [String] = []
        var piece = String.UnicodeScalarView()
        var width = 0
        for scalar in word.unicodeScalars {
            let own = scalar.value < 0x2E80 ? 1 : 2
            if width + own > columnsMax {
                out.append(String(piece))
                piece = String.UnicodeScalarView()
                width = 0
            }
            piece.append(scalar)
            width += own
        }
        return out + [String(piece)]
    }

    // MARK: Rows

    private static func ranks(_ graph: DefinitionGraph) -> [Int] {
        // Ways lead from earlier nodes to later ones: one pass is enough.
        var ranks = [Int](repeating: 0, count: graph.nodes.count)
        for node in graph.nodes.indices {
            for edge in graph.edges where edge.to == node && !edge.isUndo {
                ranks[node] = max(ranks[node], ranks[edge.from] + 1)
            }
        }
        return ranks
    }

    private static func rows(_ graph: DefinitionGraph, _ ranks: [Int]) -> [[Slot]] {
        var rows = [[Slot]](repeating: [], count: (ranks.max() ?? 0) + 1)
        for node in graph.nodes.indices { rows[ranks[node]].append(.node(node)) }
        for (number, edge) in graph.edges.enumerated() where !edge.isUndo && ranks[edge.to] - ranks[edge.from] > 1 {
            for row in (ranks[edge.from] + 1)..<ranks[edge.to] { rows[row].append(.lane(edge: number, row: row)) }
        }
        for row in rows.indices.dropFirst() {
            let above = Dictionary(rows[row - 1].enumerated().map { ($0.element, $0.offset) }) { first, _ in first }
            let weights = Dictionary(uniqueKeysWithValues: rows[row].map { ($0, weight($0, graph, row, above)) })
            rows[row] = rows[row].enumerated().sorted { left, right in
                (weights[left.element] ?? 0, left.offset) < (weights[right.element] ?? 0, right.offset)
            }.map(\.element)
        }
        return rows
    }

    /// The middle of what leads to it in the row above.
    private static func weight(_ slot: Slot, _ graph: DefinitionGraph, _ row: Int, _ above: [Slot: Int]) -> Double {
        var places: [Int] = []
        switch slot {
        case .lane(let edge, _):
            places = [above[.lane(edge: edge, row: row - 1)] ?? above[.node(graph.edges[edge].from)]].compactMap { $0 }
        case .node(let node):
            for (number, edge) in graph.edges.enumerated() where edge.to == node && !edge.isUndo {
                if let place = above[.lane(edge: number, row: row - 1)] ?? above[.node(edge.from)] {
                    places.append(place)
                }
            }
        }
        return places.isEmpty ? 0 : Double(places.reduce(0, +)) / Double(places.count)
    }

    // MARK: Lines

    private static func lines(
        _ graph: DefinitionGraph, _ boxes: [Box], _ ranks: [Int], _ spots: [Slot: (x: Int, y: Int)], _ rows: [[Slot]],
        right: Int
    ) -> [[(x: Int, y: Int)]] {
        var lane = right
        return graph.edges.enumerated().map { number, edge in
            let (from, to) = (boxes[edge.from], boxes[edge.to])
            if edge.isUndo {
                lane += laneWidth
                return [
                    (from.x + from.width, from.y + from.height / 2), (lane, from.y + from.height / 2),
                    (lane, to.y + to.height / 2), (to.x + to.width, to.y + to.height / 2),
                ]
            }
            var points = [(x: from.x + from.width / 2, y: from.y + from.height)]
            for row in (ranks[edge.from] + 1)..<max(ranks[edge.to], ranks[edge.from] + 1) {
                guard let spot = spots[.lane(edge: number, row: row)] else { continue }
                let deepest = rows[row].map { height($0, boxes) }.max() ?? 0
                points += [(spot.x, spot.y), (spot.x, spot.y + deepest)]
            }
            return points + [(to.x + to.width / 2, to.y)]
        }
    }
}
