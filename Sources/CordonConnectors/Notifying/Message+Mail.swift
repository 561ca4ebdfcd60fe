// SPDX-License-Identifier: Apache-2.0

import CordonCore
import CordonLanguage
import Crypto
import Foundation

/// One mail as RFC 5322 has it. No text of an alert can begin a header: each is one encoded word or base64.
struct Letter {
    /// The same for the same letter sent again.
    var id: String
    var at: Instant
    var from: String
    var address: String
    /// Whose address it is; `nil` where nobody says.
    var name: String?
    var title: String
    var text: String
    /// What all letters of one matter share.
    var thread: String?

    var bytes: [UInt8] {
        let domain = from.split(separator: "@").last.map(String.init) ?? "localhost"
        var fields = [
            ("Date", Message.date(at)), ("From", "Cordon <\(from)>"), ("To", mailbox),
            ("Subject", Message.words("[cordon] " + title)), ("Message-ID", "<\(id)@\(domain)>"),
        ]
        if let thread { fields.append(("References", "<\(Message.name(thread))@\(domain)>")) }
        fields += [
            ("Auto-Submitted", "auto-generated"), ("X-Cordon-Notification", id),
            ("MIME-Version", "1.0"), ("Content-Type", "text/plain; charset=utf-8"),
            ("Content-Transfer-Encoding", "base64"),
        ]
        let head = fields.map { "\($0.0): \($0.1)\r\n" }.joined()
        let body = Data(text.utf8).base64EncodedString(
            options: [.lineLength76Characters, .endLineWithCarriageReturn, .endLineWithLineFeed])
        return Array((head + "\r\n" + body + "\r\n").utf8)
    }

    private var mailbox: String { name.map { "\(Message.words($0)) <\(address)>" } ?? "<\(address)>" }
}

extension Message {
    package func mail(from: String, to address: String, name: String) -> [UInt8] {
        // All that is said of one run is one thread.
        let thread = count == 1 ? notices.first?.run?.text : nil
        return Letter(
            id: id, at: at, from: from, address: address, name: name, title: title, text: mailText, thread: thread
        ).bytes
    }

    private var mailText: String {
        var text = title + "\r\n\r\n"
        for notice in notices {
            text += "- " + line(notice) + "\r\n"
            if let link = links[notice.key] {
                text += "  Look at it and answer (for you alone, once): \(link)\r\n"
            }
        }
        if more > 0, let last = lines.last { text += "\r\n" + last + "\r\n" }
        return text + "\r\nSent by Cordon. A repeat has the same Message-ID.\r\n"
    }

    /// A name for the outside that tells nothing and stays the same.
    package static func name(_ text: String) -> String {
        SHA256.hash(data: Array(text.utf8)).prefix(20).map { byte in
            let hex = String(byte, radix: 16)
            return hex.count == 1 ? "0" + hex : hex
        }.joined()
    }

    /// RFC 2047: encoded words of at most 75 characters, folded.
    static func words(_ text: String) -> String {
        var chunks: [String] = [""]
        for scalar in Notice.line(text, 200).unicodeScalars {
            if chunks[chunks.count - 1].utf8.count + 4 > 42 { chunks.append("") }
            chunks[chunks.count - 1].unicodeScalars.append(scalar)
        }
        return chunks.map { "=?utf-8?B?\(Data($0.utf8).base64EncodedString())?=" }.joined(separator: "\r\n ")
    }

    /// RFC 5322 §3.3, in UTC.
    static func date(_ at: Instant) -> String {
        let text = Array(at.description)  // 2026-11-24T04:11:17.250Z
        let days = Int((at.milliseconds - (at.milliseconds % 86_400_000 + 86_400_000) % 86_400_000) / 86_400_000)
        let weekdays = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"]
        let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
        let month = Int(String(text[5...6])) ?? 1
        return "\(weekdays[((days % 7) + 7) % 7]), \(String(text[8...9])) \(months[month - 1]) \(String(text[0...3])) "
            + "\(String(text[11...18])) +0000"
    }
}
