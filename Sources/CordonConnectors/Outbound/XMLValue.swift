// SPDX-License-Identifier: Apache-2.0

import CordonLanguage
import Foundation
import FoundationXML

/// An XML answer as a value, so that one language reads every provider: an element with elements in it is a map, with
/// text in it a text; several of one name are a list. Attributes, comments and prefixes of names are left out.
enum XMLValue {
    private static let depthMax = 32
    private static let elementsMax = 20_000

    /// - Parameters:
    ///   - lists: elements that hold a list, whatever stands in them: one entry alone can't be told from none.
    ///   - repeated: elements that stand in a list by themselves, however many there are.
    /// - Returns: the outermost element under its name; `nil` for what is no XML, or has a document type: entities grow.
    static func parse(_ bytes: [UInt8], lists: Set<String>, repeated: Set<String> = []) -> Value? {
        guard Data(bytes).range(of: Data("<!DOCTYPE".utf8)) == nil else { return nil }
        let parser = XMLParser(data: Data(bytes))
        parser.shouldProcessNamespaces = true
        parser.shouldResolveExternalEntities = false
        let reader = Reader(lists, repeated)
        parser.delegate = reader
        guard parser.parse(), !reader.isOver, let root = reader.root else { return nil }
        return .object([root.name: root.value(lists, repeated)])
    }

    fileprivate struct Element {
        var name: String
        var text = ""
        var children: [(name: String, value: Value)] = []

        func value(_ lists: Set<String>, _ repeated: Set<String>) -> Value {
            if lists.contains(name) { return .array(children.map(\.value)) }
            if children.isEmpty { return .string(text) }
            var members: [String: [Value]] = [:]
            for child in children { members[child.name, default: []].append(child.value) }
            return .object(
                Dictionary(
                    uniqueKeysWithValues: members.map { name, values in
                        (name, values.count == 1 && !repeated.contains(name) ? values[0] : .array(values))
                    }))
        }
    }

    /// XMLParser tells what it finds to an object; this one lives as long as one parse.
    private final class Reader: NSObject, XMLParserDelegate {
        private let lists: Set<String>
        private let repeated: Set<String>
        private var open: [Element] = []
        private var count = 0
        private(set) var root: Element?
        private(set) var isOver = false

        init(_ lists: Set<String>, _ repeated: Set<String>) {
            self.lists = lists
            self.repeated = repeated
        }

        func parser(
            _ parser: XMLParser, didStartElement name: String, namespaceURI: String?, qualifiedName: String?,
            attributes: [String: String] = [:]
        ) {
            count += 1
            guard open.count < XMLValue.depthMax, count <= XMLValue.elementsMax else {
                isOver = true
                return parser.abortParsing()
            }
            open.append(Element(name: name.split(separator: ":").last.map(String.init) ?? name))
        }

        func parser(_ parser: XMLParser, foundCharacters text: String) {
            if !open.isEmpty { open[open.count - 1].text += text }
        }

        func parser(_ parser: XMLParser, foundCDATA block: Data) {
            if !open.isEmpty { open[open.count - 1].text += String(decoding: block, as: UTF8.self) }
        }

        func parser(
            _ parser: XMLParser, didEndElement name: String, namespaceURI: String?, qualifiedName: String?
        ) {
            guard let element = open.popLast() else { return }
            if open.isEmpty {
                root = element
            } else {
                open[open.count - 1].children.append((element.name, element.value(lists, repeated)))
            }
        }
    }
}
