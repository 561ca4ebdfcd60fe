// SPDX-License-Identifier: Apache-2.0

/// `String` compares by canonical equivalence ("e\u{301}" == "é"); expressions compare code points, which for UTF-8 is
/// to compare bytes.
extension String {
    @inline(__always)
    func isSame(as other: String) -> Bool {
        guard utf8.count == other.utf8.count else { return false }
        return withBytes { left in
            other.withBytes { right in
                for index in left.indices where left[index] != right[index] { return false }
                return true
            }
        }
    }

    /// Order by code points.
    func precedes(_ other: String) -> Bool {
        withBytes { left in other.withBytes { left.lexicographicallyPrecedes($0) } }
    }

    func hasExactPrefix(_ prefix: String) -> Bool {
        prefix.utf8.count <= utf8.count && zip(utf8, prefix.utf8).allSatisfy { $0 == $1 }
    }

    func hasExactSuffix(_ suffix: String) -> Bool {
        let length = suffix.utf8.count
        guard length <= utf8.count else { return false }
        return utf8.suffix(length).elementsEqual(suffix.utf8)
    }

    func containsExactly(_ part: String) -> Bool {
        withBytes { hay in part.withBytes { ByteSearch.first($0, in: hay, from: 0) != nil } }
    }

    func withBytes<Result>(_ body: (UnsafeBufferPointer<UInt8>) -> Result) -> Result {
        if let result = utf8.withContiguousStorageIfAvailable(body) { return result }
        var copy = self
        return copy.withUTF8(body)
    }
}

/// Finds bytes in bytes without ever going back over more than the needle's length, in linear time.
enum ByteSearch {
    /// The first place at or after `start` where `needle` stands: Knuth, Morris and Pratt.
    static func first(
        _ needle: UnsafeBufferPointer<UInt8>, in hay: UnsafeBufferPointer<UInt8>, from start: Int
    ) -> Int? {
        guard !needle.isEmpty else { return start <= hay.count ? start : nil }
        guard hay.count - start >= needle.count else { return nil }
        let table = failures(needle)
        var matched = 0
        for index in start..<hay.count {
            while matched > 0, needle[matched] != hay[index] { matched = table[matched - 1] }
            if needle[matched] == hay[index] { matched += 1 }
            if matched == needle.count { return index - needle.count + 1 }
        }
        return nil
    }

    private static func failures(_ needle: UnsafeBufferPointer<UInt8>) -> [Int] {
        var table = [Int](repeating: 0, count: needle.count)
        var length = 0
        for index in needle.indices.dropFirst() {
            while length > 0, needle[length] != needle[index] { length = table[length - 1] }
            if needle[length] == needle[index] { length += 1 }
            table[index] = length
        }
        return table
    }
}
