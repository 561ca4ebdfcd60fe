// SPDX-License-Identifier: Apache-2.0

import Glibc
import Synchronization

/// Offsets from UTC of fixed zones (`+02:00`) and of named ones (`Europe/Paris`), the latter from the system's files.
enum TimeZones {
    /// Zones read so far; a zone does not change while the process lives, so that equal questions have equal answers.
    private static let known = Mutex<[String: ZoneRules]>([:])
    private static let knownMax = 1000
    private static let folders = ["/usr/share/zoneinfo/", "/usr/lib/zoneinfo/", "/usr/share/lib/zoneinfo/"]
    private static let fileBytesMax = 262_144

    /// Seconds east of UTC in this zone at a moment in seconds since 1970.
    static func offset(of zone: String, at seconds: Int64) throws(Fault) -> Int64 {
        if let fixed = fixedOffset(zone) { return fixed }
        guard isName(zone), let rules = rules(zone) else {
            throw Fault(.badArgument, "there is no time zone \(Datum.string(zone).brief)")
        }
        return rules.offset(at: seconds)
    }

    private static func fixedOffset(_ zone: String) -> Int64? {
        if zone == "UTC" || zone == "Z" || zone == "GMT" { return 0 }
        var signed = DigitReader(zone)
        if let offset = signed.offset(), signed.isAtEnd { return offset }
        var plain = DigitReader(zone)
        if let offset = plain.hoursAndMinutes(), plain.isAtEnd { return offset }
        return nil
    }

    /// Words parted by single slashes; so no name can lead out of the folder.
    private static func isName(_ zone: String) -> Bool {
        guard zone.utf8.count <= 64, let first = zone.unicodeScalars.first, Lexer.isNameStart(first) else {
            return false
        }
        return zone.split(separator: "/", omittingEmptySubsequences: false).allSatisfy { part in
            !part.isEmpty
                && part.unicodeScalars.allSatisfy { Lexer.isNamePart($0) || $0 == "-" || $0 == "+" }
        }
    }

    private static func rules(_ zone: String) -> ZoneRules? {
        if let cached = known.withLock({ $0[zone] }) { return cached }
        let rules = folders.lazy.compactMap { read($0 + zone) }.compactMap { ZoneRules($0) }.first
        // Only zones that exist are remembered: names from an alert must not push them out.
        if let rules { known.withLock { if $0.count < knownMax { $0[zone] = rules } } }
        return rules
    }

    private static func read(_ path: String) -> [UInt8]? {
        guard let file = fopen(path, "rb") else { return nil }
        defer { fclose(file) }
        var bytes = [UInt8](repeating: 0, count: fileBytesMax)
        let count = fread(&bytes, 1, bytes.count, file)
        return count > 0 && count < fileBytesMax ? Array(bytes.prefix(count)) : nil
    }
}
