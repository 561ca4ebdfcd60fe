// SPDX-License-Identifier: Apache-2.0
import CCurl

extension Fault: Error {}

extension Fault {
    /// libcurl's verdict in our words. `detail` is libcurl's own sentence, used only for codes whose sentences name a
    /// host, an address or a duration at most.
    init(curlNumber number: UInt32, detail: String) {
        let code = CURLcode(number)
        let kind = Self.kind(of: code)
        let speaksFreely = !detail.isEmpty && Self.harmlessDetails.contains(code.rawValue)
        let sentence = speaksFreely ? detail : String(cString: curl_easy_strerror(code))
        let printable = sentence.unicodeScalars.filter { $0.value >= 0x20 && $0.value < 0x7f }.prefix(200)
        self.init(
            kind: kind, number: Int32(bitPattern: number), reason: String(String.UnicodeScalarView(printable)))
    }

    init(code: CURLcode, detail: String) { self.init(curlNumber: code.rawValue, detail: detail) }

    private static let harmlessDetails = Set(
        [
            CURLE_COULDNT_RESOLVE_HOST, CURLE_COULDNT_CONNECT, CURLE_OPERATION_TIMEDOUT, CURLE_SSL_CONNECT_ERROR,
            CURLE_PEER_FAILED_VERIFICATION, CURLE_SEND_ERROR, CURLE_RECV_ERROR,
        ].map(\.rawValue))

    private static func kind(of code: CURLcode) -> Kind {
        switch code {
        case CURLE_COULDNT_RESOLVE_HOST: .nameNotResolved
        case CURLE_COULDNT_CONNECT: .connectionRefused
        case CURLE_OPERATION_TIMEDOUT: .timedOut
        case CURLE_SSL_CONNECT_ERROR, CURLE_PEER_FAILED_VERIFICATION, CURLE_SSL_CERTPROBLEM, CURLE_SSL_CIPHER,
            CURLE_SSL_CACERT_BADFILE, CURLE_SSL_CRL_BADFILE, CURLE_SSL_ISSUER_ERROR, CURLE_SSL_ENGINE_NOTFOUND,
            CURLE_SSL_ENGINE_SETFAILED, CURLE_SSL_ENGINE_INITFAILED, CURLE_SSL_SHUTDOWN_FAILED,
            CURLE_SSL_INVALIDCERTSTATUS, CURLE_SSL_PINNEDPUBKEYNOTMATCH, CURLE_SSL_CLIENTCERT, CURLE_USE_SSL_FAILED:
            .tlsRefused
        case CURLE_PARTIAL_FILE, CURLE_GOT_NOTHING, CURLE_SEND_ERROR, CURLE_RECV_ERROR: .reset
        case CURLE_FILESIZE_EXCEEDED: .responseTooLarge
        case CURLE_URL_MALFORMAT, CURLE_LOGIN_DENIED, CURLE_BAD_FUNCTION_ARGUMENT: .badRequest
        default: .other
        }
    }
}
