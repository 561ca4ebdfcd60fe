// SPDX-License-Identifier: Apache-2.0
import CCurl
import Glibc

/// One easy handle with its error text, used again for further transfers. Confined to the loop's thread.
final class CurlHandle {
    let easy: UnsafeMutableRawPointer
    private let errorText: UnsafeMutablePointer<CChar>

    init?() {
        guard let easy = curl_easy_init() else { return nil }
        self.easy = easy
        errorText = .allocate(capacity: Int(CURL_ERROR_SIZE))
        errorText.initialize(repeating: 0, count: Int(CURL_ERROR_SIZE))
    }

    deinit {
        curl_easy_cleanup(easy)
        errorText.deallocate()
    }

    func prepareErrorText() {
        errorText.pointee = 0
        ccurl_set_pointer(easy, CURLOPT_ERRORBUFFER, errorText)
    }

    var lastError: String { String(cString: errorText) }

    /// Forgets every option of the last request; connections live in the multi handle and stay.
    func reset() { curl_easy_reset(easy) }
}

/// One request under way. libcurl's callbacks reach it through an unretained pointer: the loop's table keeps it alive
/// until the handle has left the multi handle. Confined to the loop's thread.
final class CurlTransfer {
    let order: CurlOrder
    let handle: CurlHandle
    let watch: SocketWatch
    let limits: CurlTransport.Limits
    var headerList: UnsafeMutablePointer<curl_slist>?
    var record: WireRecord
    private(set) var head = ResponseHead()
    private(set) var body: [UInt8] = []
    private(set) var refusal: Fault?
    private var forbiddenAddress: String?
    private var socketsOpened = 0

    init(order: CurlOrder, handle: CurlHandle, watch: SocketWatch, limits: CurlTransport.Limits) {
        self.order = order
        self.handle = handle
        self.watch = watch
        self.limits = limits
        record = WireRecord(isEncrypted: order.checked.isEncrypted)
    }

    deinit { curl_slist_free_all(headerList) }

    private var requestBytesCounted: Int { ccurl_long(handle.easy, CURLINFO_REQUEST_SIZE) }

    func takeHeader(_ line: UnsafeRawBufferPointer) -> Int {
        let bytesMax = limits.responseHeaderBytesMax
        let fieldsMax = limits.responseHeadersMax
        switch head.take(line, bytesMax: bytesMax, fieldsMax: fieldsMax) {
        case nil: return line.count
        case .tooManyBytes: refusal = .tooLarge("the answer's headers have more than \(bytesMax) bytes")
        case .tooManyFields: refusal = .tooLarge("the answer has more than \(fieldsMax) header fields")
        }
        return 0
    }

    func takeBody(_ bytes: UnsafeRawBufferPointer) -> Int {
        let bytesMax = order.checked.request.responseBytesMax
        if bytes.count > bytesMax - body.count {
            refusal = .tooLarge("the answer's body has more than \(bytesMax) bytes")
            return 0
        }
        if body.isEmpty {
            head.bodyBegins()
            let declared = ccurl_offset(handle.easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T)
            body.reserveCapacity(max(bytes.count, min(Int(declared), bytesMax)))
        }
        body.append(contentsOf: bytes)
        return bytes.count
    }

    /// Opens the socket for an address that the policy allows. This is the guard's first layer: after name resolution,
    /// before a packet leaves.
    func openSocket(_ address: UnsafePointer<curl_sockaddr>) -> curl_socket_t {
        let family = address.pointee.family
        if let refused = refusal(of: IPAddress(socketAddress: ccurl_address(address), family: family)) {
            forbiddenAddress = refused
            return -1
        }
        let type = address.pointee.socktype | Int32(SOCK_CLOEXEC.rawValue)
        let descriptor = socket(family, type, address.pointee.`protocol`)
        if descriptor >= 0 {
            watch.opened(descriptor)
            socketsOpened += 1
        }
        return descriptor
    }

    /// The guard's second layer, before each send and also over a kept connection; and the place where a repetition
    /// by libcurl itself becomes visible.
    func requestBegins(at address: UnsafePointer<CChar>?) -> Int32 {
        if let refused = refusal(of: address.flatMap { IPAddress(cString: $0) }) {
            refusal = Fault(kind: .addressForbidden, number: 0, reason: refused)
            return CURL_PREREQFUNC_ABORT
        }
        record.begins(bytesCounted: requestBytesCounted)
        return CURL_PREREQFUNC_OK
    }

    private func refusal(of address: IPAddress?) -> String? {
        guard let address else { return "the address is neither IPv4 nor IPv6" }
        return order.checked.addressGuard.refusal(of: address)
    }

    /// The transfer has ended by itself.
    func result(of code: CURLcode) -> CurlResult {
        record.ends(bytesCounted: requestBytesCounted)
        let status = ccurl_long(handle.easy, CURLINFO_RESPONSE_CODE)
        if code == CURLE_OK && status > 0 {
            return .answered(status: status, head: head, body: body, wasSentTwice: record.wasSentTwice)
        }
        return failed(fault(of: code))
    }

    /// The transfer is ended from outside.
    func result(endedBy fault: Fault) -> CurlResult {
        record.ends(bytesCounted: requestBytesCounted)
        return failed(fault)
    }

    private func failed(_ fault: Fault) -> CurlResult {
        .failed(record.fate(of: fault), wasSentTwice: record.wasSentTwice)
    }

    private func fault(of code: CURLcode) -> Fault {
        let number = Int32(bitPattern: code.rawValue)
        if var refusal {
            refusal.number = number
            return refusal
        }
        if code == CURLE_COULDNT_CONNECT, socketsOpened == 0, let forbiddenAddress {
            return Fault(kind: .addressForbidden, number: number, reason: forbiddenAddress)
        }
        if code == CURLE_FILESIZE_EXCEEDED {
            return Fault(
                kind: .responseTooLarge, number: number,
                reason: "the answer declares a body of more than \(order.checked.request.responseBytesMax) bytes")
        }
        return Fault(code: code, detail: handle.lastError)
    }
}

extension Fault {
    fileprivate static func tooLarge(_ reason: String) -> Fault {
        Fault(kind: .responseTooLarge, number: 0, reason: reason)
    }
}
