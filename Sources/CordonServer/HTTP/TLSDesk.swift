// SPDX-License-Identifier: Apache-2.0

import CordonConnectors
import CordonCore
import Foundation
import Hummingbird
import NIOCore
import NIOSSL
import Synchronization

/// The certificate that the server shows, and the authorities that clients' certificates are asked to lead to. Read anew
/// while it serves: connections that stand go on, new ones get what was read last.
///
/// A client without a certificate, or with one that leads nowhere, is let in all the same: other sources and the API
/// stand behind the same port. What it showed is looked at when a source asks for it, and counts only if it holds then.
package final class TLSDesk: Sendable {
    /// Files in PEM.
    package struct Files: Sendable, Hashable {
        /// The server's own certificate first, then those that lead to its authority.
        package var certificate: String
        package var key: String
        package var clientAuthorities: String?

        package init(certificate: String, key: String, clientAuthorities: String? = nil) {
            self.certificate = certificate
            self.key = key
            self.clientAuthorities = clientAuthorities
        }
    }

    struct Loaded: Sendable {
        var context: NIOSSLContext
        var authorities: ClientAuthorities?
        /// Tells what was read from what was read before.
        var number: Int
    }

    private let files: Files
    private let loaded: Mutex<Loaded>

    package init(_ files: Files) throws(ServerError) {
        self.files = files
        loaded = Mutex(try TLSDesk.load(files, number: 1))
    }

    var current: Loaded { loaded.withLock { $0 } }

    /// Whether clients are asked for certificates.
    package var asksClients: Bool { files.clientAuthorities != nil }

    /// Reads the files anew; what can't be used leaves everything as it was.
    package func reload() throws(ServerError) {
        let number = current.number + 1
        let next = try TLSDesk.load(files, number: number)
        loaded.withLock { $0 = next }
    }

    /// Whose connection it is now; `nil`: nobody's that an authority stands for.
    func client(of channel: any NIOCore.Channel, at now: Instant) async -> ClientCertificate? {
        let loaded = current
        guard let authorities = loaded.authorities,
            let peer = try? await channel.pipeline.handler(type: TLSPeer.self).get()
        else { return nil }
        if let known = peer.known(number: loaded.number) { return known.client }
        var presented = peer.presented
        if presented.isEmpty {
            // A session that is resumed shows the certificate alone, not what led from it to the authority.
            let leaf = try? await channel.nioSSL_peerCertificate().get()?.toDERBytes()
            presented = leaf.map { [$0] } ?? []
        }
        let client = presented.isEmpty ? nil : await authorities.verify(presented, at: now)
        peer.keep(client, number: loaded.number)
        return client
    }

    private static func load(_ files: Files, number: Int) throws(ServerError) -> Loaded {
        let chain = try certificates(files.certificate, "certificate")
        let key = try privateKey(files.key)
        var configuration = TLSConfiguration.makeServerConfiguration(
            certificateChain: chain.map { .certificate($0) }, privateKey: .privateKey(key))
        configuration.minimumTLSVersion = .tlsv12
        configuration.applicationProtocols = ["http/1.1"]
        var authorities: ClientAuthorities?
        if let path = files.clientAuthorities {
            configuration.trustRoots = .certificates(try certificates(path, "client authority"))
            configuration.certificateVerification = .optionalVerification
            configuration.sendCANameList = true
            authorities = ClientAuthorities(pem: try contents(path))
            guard authorities != nil else { throw unusable(path, "holds no certificates in PEM") }
        }
        do {
            return Loaded(
                context: try NIOSSLContext(configuration: configuration), authorities: authorities, number: number)
        } catch {
            throw unusable(files.key, "is not the key of the certificate in \(files.certificate)")
        }
    }

    private static func certificates(_ path: String, _ what: String) throws(ServerError) -> [NIOSSLCertificate] {
        guard let chain = try? NIOSSLCertificate.fromPEMBytes(try contents(path)), !chain.isEmpty else {
            throw unusable(path, "holds no \(what) in PEM")
        }
        return chain
    }

    private static func privateKey(_ path: String) throws(ServerError) -> NIOSSLPrivateKey {
        let secret: Secret
        do { secret = try SecretReader(folder: "/").read(.file(path)) } catch {
            throw ServerError(.certificateWrong, error.reason)
        }
        guard let key = try? NIOSSLPrivateKey(bytes: secret.reveal(), format: .pem) else {
            throw unusable(path, "holds no private key in PEM that needs no passphrase")
        }
        return key
    }

    private static func contents(_ path: String) throws(ServerError) -> [UInt8] {
        guard let file = FileHandle(forReadingAtPath: path),
            let bytes = try? file.read(upToCount: ServerLimits.certificateFileBytesMax + 1)
        else { throw unusable(path, "can't be read") }
        guard bytes.count <= ServerLimits.certificateFileBytesMax else {
            throw unusable(path, "is over \(ServerLimits.certificateFileBytesMax) bytes")
        }
        return Array(bytes)
    }

    private static func unusable(_ path: String, _ reason: String) -> ServerError {
        ServerError(.certificateWrong, "the file \(path) \(reason)")
    }
}

/// What the other side of one connection presented: none of it is believed here.
final class TLSPeer: ChannelInboundHandler, Sendable {
    typealias InboundIn = ByteBuffer

    struct Known: Sendable {
        var number: Int
        var client: ClientCertificate?
    }

    private struct State {
        var presented: [[UInt8]] = []
        var known: Known?
    }

    private let state = Mutex(State())

    /// In DER, the peer's own first; the handshake proves that it has that one's key.
    var presented: [[UInt8]] { state.withLock { $0.presented } }

    func keep(presented: [[UInt8]]) { state.withLock { $0.presented = presented } }

    /// What was found of it, under authorities read as this number.
    func known(number: Int) -> Known? { state.withLock { $0.known?.number == number ? $0.known : nil } }
    func keep(_ client: ClientCertificate?, number: Int) {
        state.withLock { $0.known = Known(number: number, client: client) }
    }
}
