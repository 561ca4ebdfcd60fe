// SPDX-License-Identifier: Apache-2.0

/// What loaders ask of the files they read, written down while they read: a schema for editors that can't differ from
/// the loaders, because it is made of their own questions.
///
///     let shapes = YAMLShapes()
///     YAMLShapes.$recording.withValue(shapes) { load(files) }
///     shapes.schema
///
/// A loader looks into a nested map only where a file has one, so the files together have every part at least once.
package final class YAMLShapes: @unchecked Sendable {  // filled by the loaders that one task calls, one after the other
    /// Where the readers of this task write their questions; nobody's, as a rule.
    @TaskLocal package static var recording: YAMLShapes?

    /// What one question wants.
    indirect enum Shape: Sendable, Hashable {
        case text, flag, duration, percentage, map
        case whole(ClosedRange<Int64>?)
        case number(ClosedRange<Double>?)
        case words([String])
        case list(Shape?)
    }

    private struct Fields {
        var order: [String] = []
        var required: Set<String> = []
        var shapes: [String: [Shape]] = [:]
        /// Its keys are the author's own.
        var isOpen = false
    }

    private struct State {
        var roots: [YAMLNode] = []
        var shapes: [Place: [Shape]] = [:]
        var fields: [Place: Fields] = [:]
    }

    private var state = State()

    package init() {}

    func begin(_ document: YAMLDocument) { state.roots.append(document.root) }

    func ask(_ node: YAMLNode, _ shape: Shape) {
        state.shapes[node.place, default: []].append(shape)
    }

    func ask(_ map: YAMLNode, field key: String, required: Bool, _ shape: Shape?) {
        var fields = state.fields[map.place] ?? Fields()
        if !fields.order.contains(key) { fields.order.append(key) }
        if required { fields.required.insert(key) }
        if let shape { fields.shapes[key, default: []].append(shape) }
        state.fields[map.place] = fields
    }

    func askKeys(_ map: YAMLNode) { state.fields[map.place, default: Fields()].isOpen = true }

    /// The schema that every file fits that was read meanwhile.
    package var schema: FileSchema { FileSchema.merged(state.roots.map { Self.schema(of: $0, state) }) }

    private static func schema(of node: YAMLNode, _ state: State) -> FileSchema {
        if let fields = state.fields[node.place], let entries = node.entries {
            return schema(of: fields, entries, state)
        }
        if let items = node.items {
            return .list(FileSchema.merged(items.map { schema(of: $0, state) }))
        }
        return FileSchema.merged((state.shapes[node.place] ?? []).map(schema))
    }

    private static func schema(of fields: Fields, _ entries: [YAMLEntry], _ state: State) -> FileSchema {
        if fields.isOpen { return .open(FileSchema.merged(entries.map { schema(of: $0.value, state) })) }
        var properties: [String: FileSchema] = [:]
        for key in fields.order {
            var found = (fields.shapes[key] ?? []).map(schema)
            // A list that nobody asked for as one is whatever its author likes, and another file may have a map there.
            if let entry = entries.first(where: { $0.key == key }), entry.value.items == nil || !found.isEmpty {
                found.append(schema(of: entry.value, state))
            }
            properties[key] = FileSchema.merged(found)
        }
        return .record(properties, required: fields.required)
    }

    private static func schema(of shape: Shape) -> FileSchema {
        switch shape {
        case .text: .text
        case .flag: .flag
        case .duration: .duration
        case .percentage: .percentage
        case .map: .unseen
        case .whole(let range): .whole(range)
        case .number(let range): .number(range)
        case .words(let words): .words(words)
        case .list(let item): .list(item.map(schema) ?? .any)
        }
    }
}
