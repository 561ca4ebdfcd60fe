// SPDX-License-Identifier: Apache-2.0

/// A text with signatures under it (C2SP signed-note). Parsing believes nothing: only `verify` says who signed.
package struct Note: Hashable, Sendable {
    package static let bytesMax = 1 << 20
    package static let signaturesMax = 100

    /// The signed text, with the newline at its end.
    package let text: String
    package private(set) var signatures: [NoteSignature]

    /// A note that nobody signed yet.
    package init(text: String) throws(EvidenceError) {
        try self.init(text: text, signatures: [])
    }

    private init(text: String, signatures: [NoteSignature]) throws(EvidenceError) {
        guard text.utf8.last == Note.newline else { throw Note.malformed("its text does not end with a newline") }
        // A blank line within the text is fine: the last one in the note ends it.
        guard text.utf8.allSatisfy({ $0 >= 0x20 || $0 == Note.newline }) else {
            throw Note.malformed("its text holds a control character")
        }
        self.text = text
        self.signatures = signatures
    }

    /// Reads text, blank line and signature lines.
    package init(parsing bytes: [UInt8]) throws(EvidenceError) {
        guard bytes.count <= Note.bytesMax else { throw Note.malformed("it is larger than \(Note.bytesMax) bytes") }
        guard let whole = String(validating: bytes, as: UTF8.self) else { throw Note.malformed("it is not UTF-8") }
        guard let blank = Note.lastBlankLine(in: bytes) else {
            throw Note.malformed("no blank line stands between its text and its signatures")
        }
        guard bytes.last == Note.newline else { throw Note.malformed("its last line does not end") }
        let lines = bytes[(blank + 2)...].dropLast().split(separator: Note.newline, omittingEmptySubsequences: false)
        guard lines.count <= Note.signaturesMax else {
            throw Note.malformed("it has more than \(Note.signaturesMax) signatures")
        }
        var signatures: [NoteSignature] = []
        for line in lines { signatures.append(try NoteSignature(line: line)) }
        try self.init(text: String(decoding: whole.utf8.prefix(blank + 1), as: UTF8.self), signatures: signatures)
    }

    package var bytes: [UInt8] {
        Array(text.utf8) + [Note.newline] + signatures.flatMap { Array($0.line.utf8) + [Note.newline] }
    }

    /// Adds a signature. The kind of a witness's key needs a time: see `Checkpoint`.
    package mutating func sign(with key: SigningKey) throws(EvidenceError) {
        guard key.verifier.kind == .ed25519 else {
            throw EvidenceError(.keyMalformed, "could not sign a note: the key of \(key.name) is for cosignatures")
        }
        add(NoteSignature(key: key.verifier, bytes: try key.signature(of: Array(text.utf8))))
    }

    mutating func add(_ signature: NoteSignature) {
        signatures.append(signature)
    }

    /// The same text under the signatures of these keys alone, one of each.
    package func with(only keys: [VerifierKey]) -> Note {
        var kept = self
        kept.signatures = keys.compactMap { key in signatures.first { $0.names(key) && $0.check(key, text) != nil } }
        return kept
    }

    /// The note with those signatures of others that are by these keys and not under it yet: what a witness answered,
    /// moved under what it was asked about.
    ///
    /// - Parameter lines: whole signature lines.
    package func adding(_ lines: [UInt8], by keys: [VerifierKey]) throws(EvidenceError) -> Note {
        let answered = try Note(parsing: Array(text.utf8) + [Note.newline] + lines)
        // A blank line in the answer would make the note that was checked another one than this.
        guard answered.text.isSpelled(like: text) else {
            throw Note.malformed("more than lines of signatures was answered")
        }
        _ = try answered.verify(with: keys)
        var whole = self
        whole.signatures.removeAll { signature in keys.contains { signature.names($0) } }
        whole.signatures += answered.with(only: keys).signatures
        return whole
    }

    /// Who of the given keys' owners signed, each key once. Signatures of others are passed over.
    ///
    /// Throws `signatureInvalid` when a signature names a given key and is not its; `signatureMissing` when none is
    /// of a given key.
    package func verify(with keys: [VerifierKey]) throws(EvidenceError) -> [VerifiedSignature] {
        var verified: [VerifiedSignature] = []
        for signature in signatures {
            let named = keys.filter(signature.names)
            guard !named.isEmpty else { continue }
            guard let (key, time) = named.lazy.compactMap({ signature.check($0, text) }).first else {
                throw EvidenceError(
                    .signatureInvalid, "could not verify the note: the signature of \(signature.name) is not by its key"
                )
            }
            if !verified.contains(where: { $0.key == key }) {
                verified.append(VerifiedSignature(key: key, timeSeconds: time))
            }
        }
        guard !verified.isEmpty else {
            throw EvidenceError(.signatureMissing, "could not verify the note: none of the trusted keys signed it")
        }
        return verified
    }

    package static func == (left: Note, right: Note) -> Bool { left.bytes == right.bytes }
    package func hash(into hasher: inout Hasher) { hasher.combine(bytes) }

    static let newline = UInt8(ascii: "\n")

    private static func lastBlankLine(in bytes: [UInt8]) -> Int? {
        guard bytes.count > 1 else { return nil }
        return (0..<bytes.count - 1).last { bytes[$0] == newline && bytes[$0 + 1] == newline }
    }

    private static func malformed(_ cause: String) -> EvidenceError {
        EvidenceError(.noteMalformed, "could not read a signed note: \(cause)")
    }
}

/// One line under a note: a name, the hint which key, and the signature.
package struct NoteSignature: Hashable, Sendable {
    package let name: String
    package let keyID: UInt32
    package let bytes: [UInt8]

    private static let dash = Array("— ".utf8)

    init(key: VerifierKey, bytes: [UInt8]) {
        (name, keyID, self.bytes) = (key.name, key.id, bytes)
    }

    fileprivate init(line: ArraySlice<UInt8>) throws(EvidenceError) {
        let malformed = EvidenceError(
            .noteMalformed, "could not read a signed note: a signature line is not a dash, a name and base64")
        guard line.starts(with: NoteSignature.dash) else { throw malformed }
        let parts = line.dropFirst(NoteSignature.dash.count)
            .split(separator: UInt8(ascii: " "), omittingEmptySubsequences: false)
        guard parts.count == 2, let name = String(validating: parts[0], as: UTF8.self), KeyName.isValid(name),
            let decoded = Base64.bytes(parts[1]), decoded.count > 4,
            let id: UInt32 = BigEndian.integer(decoded.prefix(4))
        else { throw malformed }
        (self.name, keyID, bytes) = (name, id, Array(decoded.dropFirst(4)))
    }

    package var line: String { "— \(name) \(Base64.text(BigEndian.bytes(keyID) + bytes))" }

    fileprivate func names(_ key: VerifierKey) -> Bool { keyID == key.id && name.isSpelled(like: key.name) }

    /// The key and, for a cosignature, its time, when the signature is the key's.
    fileprivate func check(_ key: VerifierKey, _ text: String) -> (VerifierKey, UInt64?)? {
        switch key.kind {
        case .ed25519:
            return key.isValid(signature: bytes, of: Array(text.utf8)) ? (key, nil) : nil
        case .cosignature:
            guard let time = Cosignature.time(bytes) else { return nil }
            let message = Cosignature.message(text: text, timeSeconds: time)
            return key.isValid(signature: bytes.dropFirst(Cosignature.timeByteCount), of: message) ? (key, time) : nil
        }
    }
}

/// A key whose owner has signed the note, and when, if it is a witness's key.
package struct VerifiedSignature: Hashable, Sendable {
    package let key: VerifierKey
    /// Seconds since 1970, by the witness's clock.
    package let timeSeconds: UInt64?
}

/// The form of a witness's signature (C2SP tlog-cosignature, version 1): eight bytes of time, then Ed25519 over a
/// header with that time and the note's text.
enum Cosignature {
    static let timeByteCount = 8
    static let signatureByteCount = 64

    static func message(text: String, timeSeconds: UInt64) -> [UInt8] {
        Array("cosignature/v1\ntime \(timeSeconds)\n\(text)".utf8)
    }

    static func time(_ bytes: [UInt8]) -> UInt64? {
        guard bytes.count == timeByteCount + signatureByteCount else { return nil }
        return BigEndian.integer(bytes.prefix(timeByteCount))
    }
}
