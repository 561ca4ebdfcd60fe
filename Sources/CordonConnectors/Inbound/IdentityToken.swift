// SPDX-License-Identifier: Apache-2.0

import CordonCore
import CordonLanguage

/// A JSON Web Token in `Authorization: Bearer`, with which a cloud shows who of it pushes.
///
/// https://cloud.google.com/pubsub/docs/authenticate-push-subscriptions
enum IdentityToken {
    static func verify(
        _ delivery: InboundDelivery, _ secrets: [Secret], issuers: [String], _ settings: [String: String],
        at now: Instant
    ) throws(Rejection) -> Shown {
        let header = try delivery.header("authorization")
        // The scheme's name is written in either case (RFC 9110 §11.1).
        guard header.prefix(7).lowercased() == "bearer " else { throw .signatureWrong }
        do {
            let token = try WebSignature(Array(header.dropFirst(7).utf8))
            try token.verify(secrets.flatMap(WebKey.all))
            guard let claims = token.claims, let issuer = claims["iss"]?.stringValue, issuers.contains(issuer),
                let audience = settings["audience"], isMeant(claims["aud"], audience),
                let email = settings["email"], claims["email"] == .string(email), claims["email_verified"] == true
            else { throw Rejection.signatureWrong }
            try requireCurrent(claims, at: now)
        } catch let rejection as Rejection {
            throw rejection
        } catch {
            throw .signatureWrong
        }
        return Shown(.channel)
    }

    private static func requireCurrent(_ claims: [String: Value], at now: Instant) throws(Rejection) {
        let skew = SourceShape.clockSkewMilliseconds
        guard let expiry = seconds(claims["exp"]) else { throw .signatureWrong }
        guard now.since(Instant(milliseconds: expiry * 1000)) < skew else { throw .timestampStale }
        for name in ["nbf", "iat"] where claims[name] != nil {
            guard let start = seconds(claims[name]) else { throw .signatureWrong }
            guard Instant(milliseconds: start * 1000).since(now) < skew else { throw .timestampStale }
        }
    }
}
