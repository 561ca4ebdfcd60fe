// SPDX-License-Identifier: Apache-2.0

import CordonCore
import CordonLanguage

/// A security event token (RFC 8417) as a transmitter of shared signals pushes it (RFC 8935).
///
/// What OpenID's Shared Signals Framework 1.0 (§4) asks besides: explicit typing, neither `sub` nor `exp`, one event.
/// Okta puts the subject inside the event and writes no `sub_id`; that is taken too. A token does not grow old:
/// transmitters send it again until they are answered, and it is told from others by its name.
package enum SecurityEventToken {
    /// RFC 8417 §2.3.
    static let type = "secevent+jwt"
    package static let mediaType = "application/secevent+jwt"
    package static let verification = "https://schemas.openid.net/secevent/ssf/event-type/verification"
    package static let streamUpdated = "https://schemas.openid.net/secevent/ssf/event-type/stream-updated"

    static func verify(
        _ delivery: InboundDelivery, _ secrets: [Secret], _ settings: [String: String]
    ) throws(Rejection) -> Shown {
        let type = delivery.headers["content-type"].map { $0.prefix { $0 != ";" }.lowercased() }
        guard type == nil || type == mediaType else { throw .eventInvalid }
        let token: WebSignature
        let key: WebKey
        do throws(WebSignature.Fault) {
            token = try WebSignature(delivery.body)
            key = try token.verify(secrets.flatMap(WebKey.all))
        } catch {
            throw rejection(error)
        }
        guard case .string(let typ)? = token.header["typ"],
            [self.type, mediaType].contains(typ.lowercased()), let claims = token.claims
        else { throw .eventInvalid }
        return Shown(.asymmetric, delivery: try name(claims, settings), key: key.text)
    }

    private static func rejection(_ fault: WebSignature.Fault) -> Rejection {
        switch fault {
        case .malformed: .eventInvalid
        case .keyUnknown: .eventKeyUnknown
        case .signatureWrong: .eventNotAuthentic
        }
    }

    /// What the transmitter calls the token, once its claims are found to be for us and whole.
    private static func name(
        _ claims: [String: Value], _ settings: [String: String]
    ) throws(Rejection) -> String {
        guard let issuer = settings["issuer"], claims["iss"] == .string(issuer) else { throw .eventIssuerWrong }
        guard let audience = settings["audience"], isMeant(claims["aud"], audience) else { throw .eventAudienceWrong }
        guard case .string(let name)? = claims["jti"], !name.isEmpty, seconds(claims["iat"]) != nil,
            claims["sub"] == nil, claims["exp"] == nil, case .object(let events)? = claims["events"],
            events.count == 1, let event = events.first, event.value.objectValue != nil
        else { throw .eventInvalid }
        if let state = settings["state"], event.key == verification, event.value["state"] != .string(state) {
            throw .eventStateWrong
        }
        return name
    }
}

/// `aud` is one text or a list of such (RFC 7519 §4.1.3).
func isMeant(_ audience: Value?, _ own: String) -> Bool {
    switch audience {
    case .string(let text)?: text == own
    case .array(let several)?: several.contains(.string(own))
    default: false
    }
}

/// A NumericDate (RFC 7519 §2) in whole seconds; `nil` for what is none, or lies beyond any time that is reckoned with.
func seconds(_ value: Value?) -> Int64? {
    let number: Int64
    switch value {
    case .int(let whole)?: number = whole
    case .double(let broken)? where broken.magnitude < 1e12: number = Int64(broken)
    default: return nil
    }
    return (0..<1_000_000_000_000).contains(number) ? number : nil
}
