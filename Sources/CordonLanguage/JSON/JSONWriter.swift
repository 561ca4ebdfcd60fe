// SPDX-License-Identifier: Apache-2.0

/// Appends JSON text to a buffer, without a tree between: for records that are encoded by hand on a hot path.
///
/// It puts the commas and escapes; the caller keeps begin and end, key and value in step. Numbers are written as
/// ECMAScript does, so one number has one text; infinity and not-a-number become `null` and set `metNonFinite`.
///
///     var writer = JSONWriter()
///     writer.beginObject()
///     writer.field("run", run.id)
///     writer.key("steps")
///     writer.beginArray()
///     for step in steps { writer.value(step.name) }
///     writer.endArray()
///     writer.endObject()
///     writer.bytes
package struct JSONWriter: Sendable {
    /// The text so far.
    package var bytes: [UInt8]
    package internal(set) var metNonFinite = false
    @usableFromInline var needsComma = false
    @usableFromInline var depth = 0

    package init(capacity: Int = 256) {
        bytes = []
        bytes.reserveCapacity(capacity)
    }

    /// Goes on in a buffer that already holds bytes, such as a batch of lines.
    package init(appendingTo bytes: consuming [UInt8]) {
        self.bytes = bytes
    }

    package var text: String { String(decoding: bytes, as: UTF8.self) }

    /// Whether every list and map that was begun has ended.
    package var isBalanced: Bool { depth == 0 }

    /// Ends one line of JSON Lines; the next value begins a new document.
    package mutating func endLine() {
        precondition(depth == 0, "a line of JSON Lines ends between documents")
        bytes.append(UInt8(ascii: "\n"))
        needsComma = false
    }

    package mutating func beginObject() { begin(UInt8(ascii: "{")) }
    package mutating func endObject() { end(UInt8(ascii: "}")) }
    package mutating func beginArray() { begin(UInt8(ascii: "[")) }
    package mutating func endArray() { end(UInt8(ascii: "]")) }

    package mutating func key(_ name: String) {
        separate()
        quoted(name)
        bytes.append(UInt8(ascii: ":"))
        needsComma = false
    }

    package mutating func value(_ text: String) {
        separate()
        quoted(text)
    }

    package mutating func value(_ flag: Bool) {
        separate()
        literal(flag ? "true" : "false")
    }

    package mutating func value(_ number: Int64) {
        separate()
        decimal(number)
    }

    package mutating func value(_ number: Int) { value(Int64(number)) }

    package mutating func value(_ number: Double) {
        separate()
        guard number.isFinite else {
            metNonFinite = true
            return literal("null")
        }
        appendNumber(number, to: &bytes)
    }

    package mutating func null() {
        separate()
        literal("null")
    }

    /// Appends a value that is JSON text already; the caller answers for its form.
    package mutating func raw(_ json: some Collection<UInt8>) {
        separate()
        bytes.append(contentsOf: json)
    }

    /// The same for bytes that lie elsewhere.
    package mutating func raw(_ json: UnsafeBufferPointer<UInt8>) {
        separate()
        bytes.append(contentsOf: json)
    }

    private mutating func begin(_ bracket: UInt8) {
        separate()
        bytes.append(bracket)
        needsComma = false
        depth += 1
    }

    private mutating func end(_ bracket: UInt8) {
        assert(depth > 0, "an end without a begin")
        bytes.append(bracket)
        needsComma = true
        depth -= 1
    }

    private mutating func separate() {
        if needsComma { bytes.append(UInt8(ascii: ",")) }
        needsComma = true
    }
}

extension JSONWriter {
    package mutating func field(_ name: String, _ text: String) {
        key(name)
        value(text)
    }

    package mutating func field(_ name: String, _ number: Int64) {
        key(name)
        value(number)
    }

    package mutating func field(_ name: String, _ number: Int) { field(name, Int64(number)) }

    package mutating func field(_ name: String, _ number: Double) {
        key(name)
        value(number)
    }

    package mutating func field(_ name: String, _ flag: Bool) {
        key(name)
        value(flag)
    }

    package mutating func field(_ name: String, _ tree: Value) {
        key(name)
        value(tree)
    }

    package mutating func field(_ name: String, _ texts: some Sequence<String>) {
        key(name)
        beginArray()
        for text in texts { value(text) }
        endArray()
    }

    /// Writes nothing at all for `nil`: an absent member and `null` are different things to a reader.
    package mutating func fieldIfPresent(_ name: String, _ text: String?) {
        if let text { field(name, text) }
    }

    package mutating func fieldIfPresent(_ name: String, _ number: Int64?) {
        if let number { field(name, number) }
    }

    package mutating func fieldIfPresent(_ name: String, _ tree: Value?) {
        if let tree { field(name, tree) }
    }
}
