// SPDX-License-Identifier: Apache-2.0

/// Reads JSON strictly (RFC 8259, RFC 3629): what it accepts, every other reader understands the same way.
///
/// Duplicate names, leading zeros, lone surrogates, invalid UTF-8 and a byte order mark are refused. Names that are
/// canonically equivalent in Unicode count as duplicates, because `Value` could keep only one of them. `-0` is the
/// integer 0, `-0.0` the double.
package enum JSON {
    package static func parse(
        _ bytes: UnsafeRawBufferPointer, limits: JSONLimits = .default
    ) throws(JSONError) -> Value {
        guard bytes.count <= limits.bytesMax else {
            throw JSONError(.tooLarge, offset: max(limits.bytesMax, 0), in: bytes)
        }
        guard let base = bytes.baseAddress, !bytes.isEmpty else { throw JSONError(.unexpectedEnd) }
        var reader = JSONReader(base: base.assumingMemoryBound(to: UInt8.self), count: bytes.count, limits: limits)
        do {
            return try reader.document()
        } catch {
            throw JSONError(error.code, offset: error.offset, in: bytes)
        }
    }

    package static func parse(
        _ bytes: some Collection<UInt8>, limits: JSONLimits = .default
    ) throws(JSONError) -> Value {
        let inPlace = bytes.withContiguousStorageIfAvailable { result(UnsafeRawBufferPointer($0), limits) }
        if let inPlace { return try inPlace.get() }
        return try ContiguousArray(bytes).withUnsafeBufferPointer { result(UnsafeRawBufferPointer($0), limits) }.get()
    }

    package static func parse(_ text: String, limits: JSONLimits = .default) throws(JSONError) -> Value {
        try parse(text.utf8, limits: limits)
    }

    /// Closures over raw memory lose typed throws; a `Result` carries the type through.
    private static func result(_ bytes: UnsafeRawBufferPointer, _ limits: JSONLimits) -> Result<Value, JSONError> {
        do {
            return .success(try parse(bytes, limits: limits))
        } catch {
            return .failure(error)
        }
    }
}
