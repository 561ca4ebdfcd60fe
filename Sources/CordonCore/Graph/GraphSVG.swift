// SPDX-License-Identifier: Apache-2.0

extension DefinitionGraph {
    /// A picture that needs nothing but itself: no script, no font, no address; light or dark as its reader has it.
    package var svg: String {
        let layout = GraphLayout(self)
        var out = """
            <svg xmlns="http://www.w3.org/2000/svg" role="img" aria-labelledby="t d" \
            viewBox="0 0 \(layout.width) \(layout.height)" width="\(layout.width)" height="\(layout.height)">
            <title id="t">\(Self.escaped(title))</title>
            <desc id="d">\(Self.escaped(description))</desc>
            <style>\(Self.style)</style>
            <defs><marker id="a" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="8" markerHeight="8" orient="auto">\
            <path d="M0 0L8 4L0 8z" class="tip"/></marker></defs>
            <rect class="ground" width="\(layout.width)" height="\(layout.height)"/>

            """
        for (edge, line) in zip(edges, layout.lines) { out += Self.line(edge, line) }
        for (node, box) in zip(nodes, layout.boxes) { out += Self.box(node, box) }
        for (edge, line) in zip(edges, layout.lines) where !edge.label.isEmpty { out += Self.label(edge, line) }
        return out + "</svg>\n"
    }

    /// The same in words, for who does not see it.
    private var description: String {
        nodes.map { ([$0.title] + $0.notes).joined(separator: ", ") }.joined(separator: "; ")
    }

    private static let style =
        shapes + colors(Palette.light) + "@media(prefers-color-scheme:dark){" + colors(Palette.dark) + "}"

    private static let shapes = """
        text{font:12px ui-monospace,"DejaVu Sans Mono",monospace}.bold{font-weight:700}\
        .label{font-size:11px;paint-order:stroke;stroke-width:4px}.box,.way{stroke-width:1.5}.way{fill:none}\
        .undoes{stroke-dasharray:5 4}.changes,.people{stroke-width:2}.final{stroke-width:3}
        """

    private struct Palette {
        var ground, surface, text, muted, line, link, change, final, undo: String

        static let light = Palette(
            ground: "#fff", surface: "#f5f6f8", text: "#1b1f24", muted: "#59636e", line: "#818b98", link: "#0b57d0",
            change: "#7d4e00", final: "#b3261e", undo: "#6f2da8")
        static let dark = Palette(
            ground: "#0f1216", surface: "#181c22", text: "#e8ebef", muted: "#9aa4af", line: "#6e7681", link: "#8ab4f8",
            change: "#f2c14e", final: "#ff8a80", undo: "#d2a8ff")
    }

    /// Written out and not by variables, which not every reader of SVG knows.
    private static func colors(_ palette: Palette) -> String {
        """
        .ground{fill:\(palette.ground)}.box{fill:\(palette.surface);stroke:\(palette.line)}\
        text{fill:\(palette.text)}.label{fill:\(palette.muted);stroke:\(palette.ground)}\
        .way{stroke:\(palette.line)}.tip{fill:\(palette.line)}\
        .trigger,.decision,.call{stroke:\(palette.link)}.changes{stroke:\(palette.change)}\
        .final{stroke:\(palette.final)}.people,.undo,.undoes{stroke:\(palette.undo)}
        """
    }

    private static func line(_ edge: Edge, _ points: [(x: Int, y: Int)]) -> String {
        let path = points.enumerated().map { "\($0.offset == 0 ? "M" : "L")\($0.element.x) \($0.element.y)" }.joined()
        return "<path class=\"way\(edge.isUndo ? " undoes" : "")\" d=\"\(path)\" marker-end=\"url(#a)\"/>\n"
    }

    private static func label(_ edge: Edge, _ points: [(x: Int, y: Int)]) -> String {
        let (first, second) = (points[0], points[1])
        let x = edge.isUndo ? second.x : (first.x + second.x) / 2
        let y = edge.isUndo ? second.y - 4 : (first.y + second.y) / 2 + 4
        let text = escaped(String(visible(edge.label).prefix(24)))
        return
            "<text class=\"label\" text-anchor=\"\(edge.isUndo ? "end" : "middle")\" x=\"\(x)\" y=\"\(y)\">\(text)</text>\n"
    }

    private static func box(_ node: Node, _ box: GraphLayout.Box) -> String {
        let radius = node.kind == .people ? 14 : 4
        var out =
            "<rect class=\"box \(node.kind.rawValue)\" x=\"\(box.x)\" y=\"\(box.y)\" width=\"\(box.width)\" "
            + "height=\"\(box.height)\" rx=\"\(radius)\"/>\n"
        for (number, line) in box.lines.enumerated() {
            let y = box.y + GraphLayout.padding + (number + 1) * GraphLayout.lineHeight - 5
            let weight = number < box.bold ? " class=\"bold\"" : ""
            out += "<text\(weight) x=\"\(box.x + GraphLayout.padding)\" y=\"\(y)\">\(escaped(line))</text>\n"
        }
        return out
    }

    private static func escaped(_ text: String) -> String {
        var out = ""
        for scalar in visible(text).unicodeScalars {
            switch scalar {
            case "&": out += "&amp;"
            case "<": out += "&lt;"
            case ">": out += "&gt;"
            case "\"": out += "&quot;"
            case "'": out += "&#39;"
            default: out.unicodeScalars.append(scalar)
            }
        }
        return out
    }
}
