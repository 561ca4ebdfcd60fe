// SPDX-License-Identifier: Apache-2.0

extension DefinitionGraph {
    /// For Graphviz.
    package var dot: String {
        var out = "digraph {\n  label=\(Self.quoted(Self.visible(title))); rankdir=TB; node [shape=box];\n"
        for (number, node) in nodes.enumerated() {
            let text = ([node.title] + node.notes).map(Self.visible).joined(separator: "\n")
            out += "  n\(number) [label=\(Self.quoted(text)), class=\(Self.quoted(node.kind.rawValue))];\n"
        }
        for edge in edges {
            let style = edge.isUndo ? ", style=dashed, constraint=false" : ""
            out += "  n\(edge.from) -> n\(edge.to) [label=\(Self.quoted(Self.visible(edge.label)))\(style)];\n"
        }
        return out + "}\n"
    }

    /// For Markdown that draws Mermaid.
    package var mermaid: String {
        var out = "flowchart TB\n"
        for (number, node) in nodes.enumerated() {
            let text = ([node.title] + node.notes).map(Self.entities).joined(separator: "<br>")
            out += "  n\(number)[\"\(text)\"]\n"
        }
        for edge in edges {
            let label = edge.label.isEmpty ? "" : "|\"\(Self.entities(edge.label))\"|"
            out += "  n\(edge.from) \(edge.isUndo ? "-.->" : "-->")\(label) n\(edge.to)\n"
        }
        return out
    }

    private static func quoted(_ text: String) -> String {
        var out = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": out += "\\\""
            case "\\": out += "\\\\"
            case "\n": out += "\\n"
            default: out.unicodeScalars.append(scalar)
            }
        }
        return out + "\""
    }

    /// Everything but letters, digits and what means nothing to Mermaid or HTML, by its number.
    private static func entities(_ text: String) -> String {
        var out = ""
        for scalar in visible(text).unicodeScalars {
            let isPlain = scalar.properties.isAlphabetic || scalar.properties.numericType != nil
            if isPlain || " .,:_-/=+".unicodeScalars.contains(scalar) {
                out.unicodeScalars.append(scalar)
            } else {
                out += "#\(scalar.value);"
            }
        }
        return out
    }

    /// On one line, without what steers a reader's eye or terminal.
    static func visible(_ text: String) -> String {
        String(
            String.UnicodeScalarView(
                text.unicodeScalars.map { scalar in
                    switch scalar.properties.generalCategory {
                    case .control, .lineSeparator, .paragraphSeparator:
                        scalar == "\n" || scalar == "\t" ? " " : "\u{FFFD}"
                    case .format, .privateUse, .surrogate, .unassigned: "\u{FFFD}"
                    default: scalar
                    }
                }))
    }
}
