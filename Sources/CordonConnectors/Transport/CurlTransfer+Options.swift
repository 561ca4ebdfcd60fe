// SPDX-License-Identifier: Apache-2.0
import CCurl
import Glibc

extension CurlTransfer {
    /// Sets every option of this request on its handle, which must be fresh or reset.
    func configure(timeoutMilliseconds: Int64, scratch: inout [UInt8]) {
        let easy = handle.easy
        handle.prepareErrorText()
        setIdentity(easy)
        setGuards(easy)
        setMethod(easy)
        setHeaders(easy, scratch: &scratch)
        ccurl_set_long(easy, CURLOPT_TIMEOUT_MS, Int(timeoutMilliseconds))
        let connectTimeout = min(order.checked.connectTimeoutMilliseconds, timeoutMilliseconds)
        ccurl_set_long(easy, CURLOPT_CONNECTTIMEOUT_MS, Int(connectTimeout))
        if order.checked.request.needsFreshConnection {
            ccurl_set_long(easy, CURLOPT_FRESH_CONNECT, 1)
            ccurl_set_long(easy, CURLOPT_FORBID_REUSE, 1)
        }
        ccurl_set_long(easy, CURLOPT_BUFFERSIZE, Self.readBufferBytes)
        ccurl_set_long(easy, CURLOPT_MAXAGE_CONN, limits.pooledConnectionIdleSecondsMax)
        ccurl_set_long(easy, CURLOPT_MAXLIFETIME_CONN, limits.pooledConnectionAgeSecondsMax)
    }

    /// Made anew for each transfer and held while it waits: answers are small, and libcurl's own 16 KiB cost a fifth
    /// of the time of a request.
    private static let readBufferBytes = 4096

    private func setIdentity(_ easy: UnsafeMutableRawPointer) {
        let context = Unmanaged.passUnretained(self).toOpaque()
        ccurl_set_pointer(easy, CURLOPT_PRIVATE, context)
        ccurl_on_body(easy, onBody, context)
        ccurl_on_header(easy, onHeader, context)
        ccurl_on_open_socket(easy, onOpenSocket, context)
        ccurl_on_request(easy, onRequest, context)
        // A connection outlives the transfer that opened it, so its end is told to the watch, not to the transfer.
        ccurl_on_close_socket(easy, onCloseSocket, Unmanaged.passUnretained(watch).toOpaque())
        ccurl_set_text(easy, CURLOPT_URL, order.checked.request.url)
    }

    private func setGuards(_ easy: UnsafeMutableRawPointer) {
        let egress = order.checked.request.egress
        ccurl_set_text(easy, CURLOPT_PROTOCOLS_STR, egress.allowsPlainHTTP ? "http,https" : "https")
        ccurl_set_long(easy, CURLOPT_DISALLOW_USERNAME_IN_URL, 1)
        ccurl_set_long(easy, CURLOPT_PATH_AS_IS, 1)  // what was signed is what is sent
        ccurl_set_text(easy, CURLOPT_PROXY, "")  // or http_proxy of the environment is used, and guarded instead
        ccurl_set_long(easy, CURLOPT_NOSIGNAL, 1)
        ccurl_set_long(easy, CURLOPT_QUICK_EXIT, 1)  // or ending a transfer in a name lookup stops the whole loop
        ccurl_set_long(easy, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1)
        guard order.checked.isEncrypted else { return }
        ccurl_set_long(easy, CURLOPT_SSL_VERIFYPEER, 1)
        ccurl_set_long(easy, CURLOPT_SSL_VERIFYHOST, 2)
        ccurl_set_long(easy, CURLOPT_SSLVERSION, CURL_SSLVERSION_TLSv1_2)
        if let pem = egress.authorityPEM {
            // The blob replaces the file, but not the folder of authorities.
            ccurl_set_text(easy, CURLOPT_CAPATH, nil)
            _ = pem.withUnsafeBytes { ccurl_set_blob(easy, CURLOPT_CAINFO_BLOB, $0.baseAddress, $0.count) }
        }
        if let identity = order.checked.request.identity {
            for (option, pem) in [
                (CURLOPT_SSLCERT_BLOB, identity.certificatePEM), (CURLOPT_SSLKEY_BLOB, identity.keyPEM.reveal()),
            ] {
                _ = pem.withUnsafeBytes { ccurl_set_blob(easy, option, $0.baseAddress, $0.count) }
            }
        }
    }

    private func setMethod(_ easy: UnsafeMutableRawPointer) {
        let request = order.checked.request
        let method = request.method
        let announcesBody = request.body != nil || ["POST", "PUT", "PATCH"].contains(method)
        if announcesBody {
            let body = request.body ?? []
            if body.isEmpty {
                ccurl_set_body(easy, "", 0)
            } else {
                _ = body.withUnsafeBytes { ccurl_set_body(easy, $0.baseAddress, $0.count) }
            }
            if method != "POST" { ccurl_set_text(easy, CURLOPT_CUSTOMREQUEST, method) }
        } else if method == "HEAD" {
            ccurl_set_long(easy, CURLOPT_NOBODY, 1)
        } else if method != "GET" {
            ccurl_set_text(easy, CURLOPT_CUSTOMREQUEST, method)
        }
        // Zero means no bound to libcurl; then the count alone refuses. A HEAD answer declares a body it doesn't have.
        if method != "HEAD" && request.responseBytesMax > 0 {
            ccurl_set_offset(easy, CURLOPT_MAXFILESIZE_LARGE, request.responseBytesMax)
        }
    }

    private func setHeaders(_ easy: UnsafeMutableRawPointer, scratch: inout [UInt8]) {
        let request = order.checked.request
        var namesContentType = false
        var namesUserAgent = false
        for (name, value) in request.headers {
            switch name.utf8.count {
            case 12: namesContentType = namesContentType || name.lowercased() == "content-type"
            case 10: namesUserAgent = namesUserAgent || name.lowercased() == "user-agent"
            default: break
            }
            scratch.removeAll(keepingCapacity: true)
            scratch.append(contentsOf: name.utf8)
            // libcurl reads "Name:" as "leave this header out", and "Name;" as the empty value.
            scratch.append(contentsOf: value.isEmpty ? ";".utf8 : ": ".utf8)
            scratch.append(contentsOf: value.utf8)
            appendHeader(&scratch)
        }
        // Not what libcurl would add by itself: a form's content type; and a pause for leave to send the body, which
        // some servers answer with 417 and libcurl then repeats the request.
        if !namesContentType { appendLine("Content-Type:") }
        if let body = request.body, body.count > Self.expectBytesMin { appendLine("Expect:") }
        if !namesUserAgent { ccurl_set_text(easy, CURLOPT_USERAGENT, "cordon") }
        ccurl_set_list(easy, CURLOPT_HTTPHEADER, headerList)
    }

    /// libcurl asks for leave only for bodies over 1 MiB.
    private static let expectBytesMin = 1 << 20

    private func appendLine(_ line: StaticString) {
        headerList = curl_slist_append(headerList, UnsafeRawPointer(line.utf8Start).assumingMemoryBound(to: CChar.self))
    }

    private func appendHeader(_ scratch: inout [UInt8]) {
        scratch.append(0)
        scratch.withUnsafeBytes { bytes in
            headerList = curl_slist_append(headerList, bytes.assumingMemoryBound(to: CChar.self).baseAddress)
        }
    }
}

private func transfer(_ context: UnsafeMutableRawPointer?) -> CurlTransfer {
    // Set together with the callback, and the loop keeps the transfer alive as long as libcurl knows it.
    Unmanaged<CurlTransfer>.fromOpaque(context!).takeUnretainedValue()
}

private func onBody(
    _ bytes: UnsafeMutablePointer<CChar>?, _ size: Int, _ count: Int, _ context: UnsafeMutableRawPointer?
) -> Int {
    transfer(context).takeBody(UnsafeRawBufferPointer(start: bytes, count: size * count))
}

private func onHeader(
    _ bytes: UnsafeMutablePointer<CChar>?, _ size: Int, _ count: Int, _ context: UnsafeMutableRawPointer?
) -> Int {
    transfer(context).takeHeader(UnsafeRawBufferPointer(start: bytes, count: size * count))
}

private func onOpenSocket(
    _ context: UnsafeMutableRawPointer?, _ purpose: curlsocktype, _ address: UnsafeMutablePointer<curl_sockaddr>?
) -> curl_socket_t {
    guard let address else { return -1 }
    return transfer(context).openSocket(address)
}

private func onRequest(
    _ context: UnsafeMutableRawPointer?, _ peer: UnsafeMutablePointer<CChar>?, _ own: UnsafeMutablePointer<CChar>?,
    _ peerPort: Int32, _ ownPort: Int32
) -> Int32 {
    transfer(context).requestBegins(at: peer)
}

private func onCloseSocket(_ context: UnsafeMutableRawPointer?, _ descriptor: curl_socket_t) -> Int32 {
    // The loop keeps the watch alive until after the multi handle is gone.
    Unmanaged<SocketWatch>.fromOpaque(context!).takeUnretainedValue().closes(descriptor)
    return Glibc.close(descriptor)
}
