// SPDX-License-Identifier: Apache-2.0

/// Which logs and which witnesses an auditor trusts, and how many of them must agree (C2SP tlog-policy).
package struct WitnessPolicy: Sendable {
    package static let bytesMax = 1 << 20

    package private(set) var logKeys: [VerifierKey] = []
    package private(set) var witnesses: [NamedWitness] = []
    private var members: [String: Member] = [:]
    /// The names in the order of their definition: what a group names stands before it.
    private var order: [String] = []
    private var quorum: String?

    /// A witness as the policy names it.
    package struct NamedWitness: Hashable, Sendable {
        package let name: String
        package let key: VerifierKey
        /// Where it takes checkpoints, without a slash at its end; an auditor needs none.
        package let url: String?
    }

    /// Only cosignatures count: the log's own signature is no witness's.
    package var witnessKeys: [VerifierKey] { witnesses.map(\.key).filter { $0.kind == .cosignature } }
    /// Whether anybody besides the log must have signed.
    package var needsWitnesses: Bool { quorum != WitnessPolicy.none }

    private enum Member: Sendable {
        case witness(VerifierKey)
        case group(threshold: Int, names: [String])
    }

    /// Reads the lines `log`, `witness`, `group` and `quorum`; a name must be known before it is used.
    package init(parsing text: String) throws(EvidenceError) {
        guard text.utf8.count <= WitnessPolicy.bytesMax else {
            throw EvidenceError(
                .policyMalformed, "could not read the policy: it is larger than \(WitnessPolicy.bytesMax) bytes")
        }
        let lines = text.utf8.split(separator: Note.newline, omittingEmptySubsequences: false)
        for (number, line) in lines.enumerated() {
            var words = line.split(whereSeparator: { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") })
                .map { String(decoding: $0, as: UTF8.self) }
            if let comment = words.firstIndex(where: { $0.hasPrefix("#") }) { words.removeSubrange(comment...) }
            guard let keyword = words.first else { continue }
            do { try read(keyword, Array(words.dropFirst())) } catch {
                throw EvidenceError(
                    .policyMalformed, "could not read line \(number + 1) of the policy: \(error.reason)")
            }
        }
        guard quorum != nil else {
            throw EvidenceError(.policyMalformed, "could not read the policy: it has no quorum line")
        }
    }

    /// Returns the opened checkpoint when a log key signed it and enough witnesses did.
    package func open(_ note: [UInt8]) throws(EvidenceError) -> OpenedCheckpoint {
        let opened = try OpenedCheckpoint(note, logKeys: logKeys, witnesses: witnessKeys)
        guard isMet(by: opened.witnesses.map(\.key)) else {
            throw EvidenceError(
                .quorumMissing,
                "could not trust the checkpoint of \(opened.checkpoint.origin): only \(opened.witnesses.count) of its "
                    + "\(witnessKeys.count) witnesses signed, which is no quorum")
        }
        return opened
    }

    /// Whose cosignatures stand under the note; a false one of theirs is refused.
    package func signers(under note: [UInt8]) throws(EvidenceError) -> [VerifierKey] {
        do { return try Note(parsing: note).verify(with: witnessKeys).map(\.key) } catch {
            guard error.code == .signatureMissing else { throw error }
            return []
        }
    }

    package func isMet(by signers: [VerifierKey]) -> Bool {
        guard let quorum, quorum != WitnessPolicy.none else { return true }
        // One pass in order, each name once, so that no nesting of groups makes this slow.
        var met: Set<String> = []
        for name in order {
            let isMet =
                switch members[name] {
                case .witness(let key): signers.contains(key)
                case .group(let threshold, let names): names.count(where: met.contains) >= threshold
                case nil: false
                }
            if isMet { met.insert(name) }
        }
        return met.contains(quorum)
    }

    private static let none = "none"
    private static let keywords = ["all", "any", none]

    private mutating func read(_ keyword: String, _ words: [String]) throws(EvidenceError) {
        switch (keyword, words.count) {
        case ("log", 1...2):
            logKeys.append(try VerifierKey(parsing: words[0]))
        case ("witness", 2...3):
            let key = try VerifierKey(parsing: words[1])
            guard !witnesses.contains(where: { $0.key.publicKey == key.publicKey }) else {
                throw WitnessPolicy.malformed("the key of \(words[0]) is that of a witness above: one is no two")
            }
            try define(words[0], .witness(key))
            let url = words.dropFirst(2).first.map { $0.hasSuffix("/") ? String($0.dropLast()) : $0 }
            witnesses.append(NamedWitness(name: words[0], key: key, url: url))
        case ("group", 3...):
            try readGroup(words[0], words[1], Array(words.dropFirst(2)))
        case ("quorum", 1):
            guard quorum == nil else { throw WitnessPolicy.malformed("there is a quorum line above") }
            if words[0] != WitnessPolicy.none { try require([words[0]]) }
            quorum = words[0]
        default:
            throw WitnessPolicy.malformed(
                "expected log KEY, witness NAME KEY, group NAME all|any|N NAMES or quorum NAME")
        }
    }

    private mutating func readGroup(
        _ name: String, _ threshold: String, _ names: [String]
    ) throws(EvidenceError) {
        try require(names)
        guard Set(names).count == names.count else { throw WitnessPolicy.malformed("a member is named twice") }
        let count: Int? =
            switch threshold {
            case "all": names.count
            case "any": 1
            default: Decimal.integer(threshold).flatMap { Int(exactly: $0) }
            }
        guard let count, (1...names.count).contains(count) else {
            throw WitnessPolicy.malformed("the threshold must be all, any or 1 to \(names.count)")
        }
        try define(name, .group(threshold: count, names: names))
    }

    private mutating func define(_ name: String, _ member: Member) throws(EvidenceError) {
        guard !WitnessPolicy.keywords.contains(name) else { throw WitnessPolicy.malformed("\(name) is no name") }
        guard members.updateValue(member, forKey: name) == nil else {
            throw WitnessPolicy.malformed("\(name) is defined above")
        }
        order.append(name)
    }

    private func require(_ names: [String]) throws(EvidenceError) {
        if let name = names.first(where: { members[$0] == nil }) {
            throw WitnessPolicy.malformed("\(name) is not defined above")
        }
    }

    private static func malformed(_ cause: String) -> EvidenceError { EvidenceError(.policyMalformed, cause) }
}
