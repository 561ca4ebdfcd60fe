// SPDX-License-Identifier: Apache-2.0

import CCurl
import Glibc

/// One mail on its way to one server. It may hold a password: it is never stored or logged.
package struct OutboundMail: Sendable {
    package var url: String
    package var from: String
    package var to: String
    package var bytes: [UInt8]
    package var user: String?
    package var password: Secret?
    package var allowsClear: Bool
    package var authorityPEM: [UInt8]?
    package var timeoutMilliseconds: Int64
    package var egress: EgressPolicy

    package init(
        url: String, from: String, to: String, bytes: [UInt8], user: String? = nil, password: Secret? = nil,
        allowsClear: Bool = false, authorityPEM: [UInt8]? = nil, timeoutMilliseconds: Int64,
        egress: EgressPolicy = EgressPolicy()
    ) {
        self.url = url
        self.from = from
        self.to = to
        self.bytes = bytes
        self.user = user
        self.password = password
        self.allowsClear = allowsClear
        self.authorityPEM = authorityPEM
        self.timeoutMilliseconds = timeoutMilliseconds
        self.egress = egress
    }
}

/// Hands mails to servers over libcurl, one at a time, on a thread that it is given: there are few, and each may be
/// slow.
///
/// Each goes over a connection of its own, upgraded to TLS by STARTTLS unless the channel allows it in the clear, signs
/// in with AUTH PLAIN where a user is named, and reaches only addresses that the egress policy opens.
package final class MailTransport: Sendable {
    package enum Fate: Sendable, Hashable {
        case taken
        /// The server's or the line's fault may pass; it did not take it. With the server's number, where it gave one.
        case later(String, reply: Int? = nil)
        /// Nobody knows whether it took it: the line broke after the whole of it had left.
        case inDoubt(String)
        /// The server will not take this one.
        case refused(String, reply: Int? = nil)
    }

    /// Does one thing after another, where it may block.
    package typealias Desk = @Sendable (@escaping @Sendable () -> Void) -> Void

    private let desk: Desk

    package init(on desk: @escaping Desk) { self.desk = desk }

    package func send(_ mail: OutboundMail) async -> Fate {
        await withCheckedContinuation { continuation in
            desk { continuation.resume(returning: MailTransfer(mail).perform()) }
        }
    }
}

/// One transfer; lives on the mail thread.
private final class MailTransfer {
    private let mail: OutboundMail
    private var sent = 0
    /// libcurl has asked for more than there is: the line that ends a mail may have left.
    private var hasLeft = false
    private var guarded: AddressGuard?
    private var forbidden: String?

    init(_ mail: OutboundMail) { self.mail = mail }

    func perform() -> MailTransport.Fate {
        do { guarded = try AddressGuard(mail.egress) } catch { return .refused(error.reason) }
        guard let easy = curl_easy_init() else { return .later("libcurl has no room for another transfer") }
        defer { curl_easy_cleanup(easy) }
        let recipients = curl_slist_append(nil, "<\(mail.to)>")
        defer { curl_slist_free_all(recipients) }
        configure(easy, recipients)
        let code = curl_easy_perform(easy)
        let reply = ccurl_long(easy, CURLINFO_RESPONSE_CODE)
        if code == CURLE_OK { return .taken }
        return fate(of: code, reply: reply)
    }

    private func fate(of code: CURLcode, reply: Int) -> MailTransport.Fate {
        if let forbidden { return .refused(forbidden) }
        switch code {
        case CURLE_LOGIN_DENIED: return .later("the mail server refused the user or the password (\(reply))")
        case CURLE_USE_SSL_FAILED:
            return .later("the mail server offers no TLS; allow it in the clear only where the line is safe")
        default:
            let reason = Fault(code: code, detail: "").reason
            // A fifth hundred is its last word on this mail, unless it was about who asks.
            if (550...559).contains(reply) { return .refused("the mail server said \(reply): \(reason)", reply: reply) }
            if reply >= 400 { return .later("the mail server said \(reply): \(reason)", reply: reply) }
            return hasLeft ? .inDoubt("no answer to the mail: \(reason)") : .later(reason)
        }
    }

    private func configure(_ easy: UnsafeMutableRawPointer, _ recipients: UnsafeMutablePointer<curl_slist>?) {
        let context = Unmanaged.passUnretained(self).toOpaque()
        ccurl_set_text(easy, CURLOPT_URL, mail.url)
        ccurl_set_text(easy, CURLOPT_PROTOCOLS_STR, "smtp,smtps")
        ccurl_set_text(easy, CURLOPT_PROXY, "")
        ccurl_set_long(easy, CURLOPT_NOSIGNAL, 1)
        ccurl_set_long(easy, CURLOPT_TIMEOUT_MS, Int(mail.timeoutMilliseconds))
        ccurl_set_long(easy, CURLOPT_CONNECTTIMEOUT_MS, Int(min(mail.timeoutMilliseconds, 10_000)))
        ccurl_set_long(easy, CURLOPT_FRESH_CONNECT, 1)
        ccurl_set_long(easy, CURLOPT_FORBID_REUSE, 1)
        ccurl_set_text(easy, CURLOPT_MAIL_FROM, "<\(mail.from)>")
        ccurl_set_list(easy, CURLOPT_MAIL_RCPT, recipients)
        ccurl_set_long(easy, CURLOPT_UPLOAD, 1)
        ccurl_on_read(easy, onRead, context)
        ccurl_on_open_socket(easy, onOpenMailSocket, context)
        setTLS(easy)
        guard let user = mail.user, let password = mail.password else { return }
        ccurl_set_text(easy, CURLOPT_USERNAME, user)
        ccurl_set_text(easy, CURLOPT_PASSWORD, String(decoding: password.reveal(), as: UTF8.self))
        ccurl_set_text(easy, CURLOPT_LOGIN_OPTIONS, "AUTH=PLAIN")
    }

    private func setTLS(_ easy: UnsafeMutableRawPointer) {
        ccurl_set_long(
            easy, CURLOPT_USE_SSL, Int(mail.allowsClear ? CURLUSESSL_TRY.rawValue : CURLUSESSL_ALL.rawValue))
        ccurl_set_long(easy, CURLOPT_SSL_VERIFYPEER, 1)
        ccurl_set_long(easy, CURLOPT_SSL_VERIFYHOST, 2)
        ccurl_set_long(easy, CURLOPT_SSLVERSION, CURL_SSLVERSION_TLSv1_2)
        guard let pem = mail.authorityPEM else { return }
        ccurl_set_text(easy, CURLOPT_CAPATH, nil)
        _ = pem.withUnsafeBytes { ccurl_set_blob(easy, CURLOPT_CAINFO_BLOB, $0.baseAddress, $0.count) }
    }

    func read(into buffer: UnsafeMutableRawBufferPointer) -> Int {
        let count = min(buffer.count, mail.bytes.count - sent)
        guard count > 0 else {
            hasLeft = true
            return 0
        }
        buffer.copyBytes(from: mail.bytes[sent..<sent + count])
        sent += count
        return count
    }

    func openSocket(_ address: UnsafePointer<curl_sockaddr>) -> curl_socket_t {
        let family = address.pointee.family
        guard let ip = IPAddress(socketAddress: ccurl_address(address), family: family), let guarded else { return -1 }
        if let reason = guarded.refusal(of: ip) {
            forbidden = reason
            return -1
        }
        return socket(family, address.pointee.socktype | Int32(SOCK_CLOEXEC.rawValue), address.pointee.`protocol`)
    }
}

private func transfer(_ context: UnsafeMutableRawPointer?) -> MailTransfer {
    // Set together with the callback, and the transfer outlives its handle.
    Unmanaged<MailTransfer>.fromOpaque(context!).takeUnretainedValue()
}

private func onRead(
    _ bytes: UnsafeMutablePointer<CChar>?, _ size: Int, _ count: Int, _ context: UnsafeMutableRawPointer?
) -> Int {
    transfer(context).read(into: UnsafeMutableRawBufferPointer(start: bytes, count: size * count))
}

private func onOpenMailSocket(
    _ context: UnsafeMutableRawPointer?, _ purpose: curlsocktype, _ address: UnsafeMutablePointer<curl_sockaddr>?
) -> curl_socket_t {
    guard let address else { return -1 }
    return transfer(context).openSocket(address)
}
