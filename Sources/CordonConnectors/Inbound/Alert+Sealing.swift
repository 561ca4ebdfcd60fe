// SPDX-License-Identifier: Apache-2.0

package import CordonCore
import CordonLanguage

extension Alert {
    /// The alert as it is stored: secrets and personal fields cut out of its body, the body's digest a commitment that
    /// nobody guesses by, and what has no name of its source's named by a keyed mark of its bytes.
    ///
    /// - Parameters:
    ///   - shape: the source's; nothing for what Cordon itself tells.
    ///   - own: what the connection cuts besides.
    ///   - salt: 32 random bytes, kept beside the body and gone with it.
    package func sealed(
        as shape: SourceShape?, cutting own: Redaction = Redaction(), _ fingerprints: Fingerprints, salt: [UInt8]
    ) -> Alert {
        var sealed = self
        if let shape {
            let places = shape.redaction.rules + own.rules + shape.authentication.secretsInBodies
            var cutter = BodyCutter(Redaction(places), fingerprints)
            sealed.body = cutter.body(body, of: shape)
            sealed.cuts = cutter.cuts
        }
        // Nothing is no secret, and nothing of it can be guessed.
        sealed.salt = sealed.body.isEmpty ? [] : salt
        sealed.bodyDigest = sealed.bodyCommitment
        sealed.mark = fingerprints.mark(ofBody: body)
        if deliveryID == bodyDigest {
            sealed.deliveryID = sealed.mark
            // Named by its plain digest it may be known from earlier versions.
            sealed.formerDeliveryIDs = fingerprints.formerMarks(ofBody: body) + [bodyDigest]
        }
        return sealed
    }

    /// What the history names: the digest of `keptBytes`.
    package var bodyCommitment: String { digestText(keptBytes) }

    /// The body with its salt before it, as blobs of evidence are kept: a byte 2, the salt, the content. Earlier versions
    /// kept bodies without one.
    package var keptBytes: [UInt8] { salt.isEmpty ? body : [0x02] + salt + body }
}

extension SourceShape.Authentication {
    /// The body is one signed token: what is cut out of it would take its signature away.
    var signsWholeBodies: Bool {
        if case .securityEvent = self { return true }
        return false
    }

    func refuseRedaction(_ map: YAMLFields) {
        guard signsWholeBodies else { return }
        map.report(
            DefinitionCode.badSetting.rawValue, "redact", "its bodies are tokens that their issuer signed as a whole",
            "leave it out: what is cut out of a token takes its signature away")
    }

    /// The secret of the source itself, where that comes in the body.
    var secretsInBodies: [Redaction.Rule] {
        guard case .bodyToken(let path) = self else { return [] }
        let steps = path.map { $0.replacing("~", with: "~0").replacing("/", with: "~1") }
        return JSONPlace("/" + steps.joined(separator: "/")).map { [Redaction.Rule(place: $0, kind: .secret)] } ?? []
    }
}
