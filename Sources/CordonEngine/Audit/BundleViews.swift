// SPDX-License-Identifier: Apache-2.0

import CordonCore
import CordonEvidence
import CordonLanguage

/// What a bundle holds for people and other programs. All of it follows from the lines, so a verifier makes it again and
/// compares: nobody can be shown a page that the record does not say.
enum BundleViews {
    /// Rises with each change of what a bundle's pages say of the same lines. Of every version before it they can still be
    /// made: 2 brought `frameworks.json`, and OCSF's lines of changes alone.
    static let version = 2
    static let known = 1...version

    /// Those that need no line, but what all of them mean.
    ///
    /// - Parameter mappings: of the playbooks that are in the bundle, by their digests.
    static func files(
        _ head: BundleHead, _ findings: [AuditFinding], _ keys: [VerifierKey], _ mappings: [String: FrameworkMapping]
    ) -> [Tar.File] {
        let policy =
            "# Which keys sign this log. Add your witnesses here: cordon audit verify --policy FILE\n"
            + keys.map { "log \($0.text)\n" }.joined() + "quorum none\n"
        var files = [
            Tar.File(name: BundleFormat.readme, bytes: Array(BundleReadme.text(head, keys).utf8)),
            Tar.File(name: BundleFormat.open, bytes: jsonFile(.array(findings.map(\.value)))),
            Tar.File(name: BundleFormat.trusted, bytes: Array(policy.utf8)),
        ]
        if head.views >= 2 {
            files.append(Tar.File(name: BundleFormat.frameworks, bytes: jsonFile(frameworks(mappings))))
        }
        return files
    }

    private static func frameworks(_ mappings: [String: FrameworkMapping]) -> Value {
        let sorted = mappings.sorted { ($0.value.playbook, $0.key) < ($1.value.playbook, $1.key) }
        return .array(
            sorted.map { digest, mapping in
                [
                    "playbook": .string(mapping.playbook), "digest": .string(digest),
                    "entries": .array(mapping.entries().map(\.value)),
                ]
            })
    }

    static func jsonFile(_ value: Value) -> [UInt8] { Array((value.prettyJSON + "\n").utf8) }
}

/// A page of all lines for a browser, without scripts. Text of alerts is hostile: every character that means something
/// to a browser is written as a reference.
enum Timeline {
    static let end = "</table></body></html>\n"

    /// All that stands before the rows of its lines.
    static func start(_ head: BundleHead, _ count: Int, _ findings: [AuditFinding]) -> String {
        let title = head.run ?? "\(head.span?.from ?? "") to \(head.span?.to ?? "")"
        var out = """
            <!doctype html>
            <html lang="en"><head><meta charset="utf-8">
            <meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
            <title>\(escaped(title))</title>
            <style>body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:70rem;padding:0 1rem}
            table{border-collapse:collapse;width:100%}td,th{border-top:1px solid #ccc;padding:.3rem .6rem;text-align:left;
            vertical-align:top}td{overflow-wrap:anywhere}.broken{color:#a00}.open{color:#850}pre{white-space:pre-wrap}</style>
            </head><body><h1>\(escaped(title))</h1>
            <p>Log \(escaped(head.origin)), checkpoint of \(head.size) entries, \(count) of them here.</p>
            <h2>Open items and findings</h2>

            """
        if findings.isEmpty {
            out += "<p>None.</p>\n"
        } else {
            out += "<table><tr><th>Grade</th><th>What</th><th>Where</th><th>Says</th></tr>\n"
            for finding in findings {
                out +=
                    "<tr class=\"\(finding.grade.rawValue)\"><td>\(finding.grade.rawValue)</td><td>\(finding.code.rawValue)"
                    + "</td><td>\(escaped(finding.place))</td><td>\(escaped(finding.says))</td></tr>\n"
            }
            out += "</table>\n"
        }
        return out + heading
    }

    /// The last before the rows. No text of a finding can hold it: those have no marks.
    private static let heading =
        "<h2>Lines</h2>\n<table><tr><th>Entry</th><th>Time</th><th>Line</th><th>What happened</th></tr>\n"

    /// Where in a page the rows seem to begin. `start` has to say the same once all is known.
    static func rows(_ source: ByteSource, _ page: Range<Int>) -> Int? {
        let mark = Array(heading.utf8)
        var at = page.lowerBound
        while at < page.upperBound {
            let chunk = at..<min(page.upperBound, at + ByteSource.chunkBytes)
            guard let bytes = try? source.bytes(chunk) else { return nil }
            if let found = offset(of: mark, in: bytes) { return at + found + mark.count }
            // The next chunk begins early enough to hold a mark that this one cut.
            at = chunk.upperBound == page.upperBound ? chunk.upperBound : chunk.upperBound - mark.count
        }
        return nil
    }

    private static func offset(of mark: [UInt8], in bytes: [UInt8]) -> Int? {
        var at = 0
        while let found = bytes[at...].firstIndex(of: mark[0]) {
            if bytes[found...].starts(with: mark) { return found }
            at = found + 1
        }
        return nil
    }

    /// There are as many as lines: bytes from the first to the last. `scratch` is room for what is made between.
    static func write(_ index: Int, _ line: HistoryLine, to out: inout [UInt8], by scratch: inout [UInt8]) {
        append("<tr><td>", to: &out)
        out.append(contentsOf: String(index).utf8)
        append("</td><td>", to: &out)
        escape(line.atText, into: &out)
        append("</td><td>", to: &out)
        escape(line.stream, into: &out)
        append("@", to: &out)
        out.append(contentsOf: String(line.number).utf8)
        append("</td><td><details><summary>", to: &out)
        escape(line.kind, into: &out)
        append("</summary><pre>", to: &out)
        scratch.removeAll(keepingCapacity: true)
        line.told.appendPretty(to: &scratch)
        scratch.withUnsafeBufferPointer { escape($0, into: &out) }
        append("</pre></details></td></tr>\n", to: &out)
    }

    private static func append(_ text: StaticString, to out: inout [UInt8]) {
        out.append(contentsOf: UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }

    private static func escape(_ text: String, into out: inout [UInt8]) {
        var text = text
        text.withUTF8 { escape($0, into: &out) }
    }

    static func escaped(_ text: String) -> String {
        var out: [UInt8] = []
        escape(text, into: &out)
        return String(decoding: out, as: UTF8.self)
    }

    /// How bytes are written: as they are, as a reference, or only after a look at what characters they make.
    private enum Spelling: UInt8 { case plain, reference, rare }

    private static let spellings: [Spelling] = (0..<256).map { byte in
        switch UInt8(byte) {
        case UInt8(ascii: "\""), UInt8(ascii: "&"), UInt8(ascii: "<"), UInt8(ascii: ">"), UInt8(ascii: "'"): .reference
        case 0x20..<0x7F, UInt8(ascii: "\n"): .plain
        default: .rare
        }
    }

    /// Copies runs that are written as they are whole.
    private static func escape(_ text: UnsafeBufferPointer<UInt8>, into out: inout [UInt8]) {
        let before = out.count
        spellings.withUnsafeBufferPointer { spellings in
            var start = 0
            for at in 0..<text.count {
                switch spellings[Int(text[at])] {
                case .plain: continue
                case .reference:
                    out.append(contentsOf: UnsafeBufferPointer(rebasing: text[start..<at]))
                    append(reference(text[at]), to: &out)
                    start = at + 1
                case .rare:
                    out.removeSubrange(before...)
                    return out.append(contentsOf: escapedRarely(String(decoding: text, as: UTF8.self)).utf8)
                }
            }
            out.append(contentsOf: UnsafeBufferPointer(rebasing: text[start...]))
        }
    }

    private static func reference(_ byte: UInt8) -> StaticString {
        switch byte {
        case UInt8(ascii: "\""): "&quot;"
        case UInt8(ascii: "&"): "&amp;"
        case UInt8(ascii: "<"): "&lt;"
        case UInt8(ascii: ">"): "&gt;"
        default: "&#39;"
        }
    }

    /// A text that is not of visible ASCII alone.
    private static func escapedRarely(_ text: String) -> String {
        var out = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "&": out += "&amp;"
            case "<": out += "&lt;"
            case ">": out += "&gt;"
            case "\"": out += "&quot;"
            case "'": out += "&#39;"
            case "\n": out += "\n"
            default:
                // What turns the direction of writing or hides itself is shown as its number.
                switch scalar.properties.generalCategory {
                case .control, .format, .privateUse, .surrogate, .unassigned, .lineSeparator, .paragraphSeparator:
                    out += "[U+\(String(scalar.value, radix: 16, uppercase: true))]"
                default: out.unicodeScalars.append(scalar)
                }
            }
        }
        return out
    }
}
