// SPDX-License-Identifier: Apache-2.0

package import CordonLanguage

extension Inventory {
    /// Reads and checks `identities.yaml`.
    package static func load(_ bytes: [UInt8], file: String, digest: String) -> Result<Inventory, Diagnostics> {
        let limits = YAMLLimits(bytesMax: Limits.inventoryBytesMax)
        return DefinitionLoader.load(bytes, file: file, limits: limits) { loader, root in
            guard let items = root.mappings("identities", required: true) else { return nil }
            if items.count > Limits.identitiesMax {
                root.report(
                    .tooMany, "identities",
                    "\(items.count) identities, the limit is \(Limits.identitiesMax) (identitiesMax)")
            }
            var seen: Set<String> = []
            let identities = items.compactMap { fields -> Identity? in
                defer { fields.refuseUnknown() }
                guard let identity = readIdentity(fields, loader) else { return nil }
                if !seen.insert(identity.subject.id).inserted {
                    fields.report(.repeatedName, "id", "the id '\(identity.subject.id)' stands twice")
                }
                return identity
            }
            return Inventory(identities: identities, digest: digest)
        }
    }

    private static func readIdentity(_ fields: YAMLFields, _ loader: DefinitionLoader) -> Identity? {
        let id = fields.string("id", required: true)
        if let id, !isName(id) {
            fields.report(.badName, "id", "'\(id)' is no name", "lower-case letters, digits and single hyphens")
        }
        let kind = fields.oneOf("kind", Subject.Kind.self, required: true)
        let provider = fields.string("provider", required: true)
        let owner = fields.string("owner")
        let tags = fields.strings("tags") ?? []
        let attributes = fields.value("attributes") ?? .object([:])
        let matches = fields.value("matches", required: true)
        let secrets = readSecrets(fields, "secrets", loader)
        let (consumers, baseline) = readUse(fields)
        guard case .object(let named)? = matches, !named.isEmpty else {
            if matches != nil {
                fields.report(.missingInput, "matches", "'matches' names no field by which an alert could mean it")
            }
            return nil
        }
        guard let id, let kind, let provider else { return nil }
        var subject = Subject(
            kind: kind, id: id, provider: provider, owner: owner, tags: tags, attributes: attributes)
        subject.consumers = consumers
        subject.baseline = baseline
        return Identity(subject: subject, matches: named, secrets: secrets)
    }

    /// Who lives by it, and what it does on an ordinary day.
    private static func readUse(_ fields: YAMLFields) -> (consumers: [String], baseline: String?) {
        let consumers = fields.strings("consumers") ?? []
        if consumers.count > Limits.consumersMax {
            fields.report(
                .tooMany, "consumers",
                "\(consumers.count) consumers, the limit is \(Limits.consumersMax) (consumersMax)")
        }
        let baseline = fields.string("baseline")
        if let count = baseline?.unicodeScalars.count, count > Limits.baselineScalarsMax {
            fields.report(
                .tooMany, "baseline", "\(count) letters, the limit is \(Limits.baselineScalarsMax) (baselineScalarsMax)"
            )
        }
        return (consumers, baseline)
    }

    private static func readSecrets(_ fields: YAMLFields, _ key: String, _ loader: DefinitionLoader) -> [String:
        SecretReference]
    {
        guard let map = fields.mapping(key) else { return [:] }
        var out: [String: SecretReference] = [:]
        for name in map.keys {
            if let node = map.node(name) { out[name] = SecretReference.read(node, loader.reader) }
        }
        return out
    }
}

extension SecretReference {
    /// `{ file: PATH }`, `{ env: NAME }`, `{ credential: NAME }` or `{ vault: MOUNT/data/PATH#FIELD }`.
    package static func read(_ node: YAMLNode, _ reader: YAMLReader) -> SecretReference? {
        guard let map = reader.mapping(node, "a secret") else { return nil }
        defer { map.refuseUnknown() }
        switch (map.string("file"), map.string("env"), map.string("credential"), map.string("vault")) {
        case (let path?, nil, nil, nil) where !path.isEmpty: return .file(path)
        case (nil, let name?, nil, nil) where !name.isEmpty: return .environment(name)
        case (nil, nil, let name?, nil) where isCredentialName(name): return .credential(name)
        case (nil, nil, nil, let text?):
            if let reference = vaultReference(text) { return reference }
            reader.report(
                DefinitionCode.badSecret.rawValue, at: node, "'\(text)' names no secret of a Vault",
                "write MOUNT/data/PATH#FIELD, as in secret/data/cordon/okta#api_token")
            return nil
        default:
            reader.report(
                DefinitionCode.badSecret.rawValue, at: node, "this is no reference to a secret",
                "write { file: PATH }, { env: NAME }, { credential: NAME } or { vault: MOUNT/data/PATH#FIELD }")
            return nil
        }
    }
}

extension SecretReference {
    private static func vaultReference(_ text: String) -> SecretReference? {
        let parts = text.split(separator: "#", omittingEmptySubsequences: false).map(String.init)
        guard parts.count == 2, isVaultPath(parts[0]), isVaultPath(parts[1]), !parts[1].contains("/"),
            // The mount before it, the secret after it.
            let data = parts[0].split(separator: "/").firstIndex(of: "data"), data > 0,
            data < parts[0].split(separator: "/").count - 1
        else { return nil }
        return .vault(path: parts[0], field: parts[1])
    }

    /// Words with slashes between them, which stand in a URL as they are and lead nowhere else.
    package static func isVaultPath(_ text: String) -> Bool {
        (1...512).contains(text.utf8.count)
            && text.split(separator: "/", omittingEmptySubsequences: false).allSatisfy { word in
                !word.isEmpty && word != "." && word != ".."
                    && word.utf8.allSatisfy {
                        switch $0 {
                        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "-"),
                            UInt8(ascii: "_"):
                            true
                        default: false
                        }
                    }
            }
    }
}

/// As a file of that name may be called: it can't lead anywhere else.
private func isCredentialName(_ name: String) -> Bool {
    (1...255).contains(name.utf8.count) && name != "." && name != ".." && !name.utf8.contains(UInt8(ascii: "/"))
        && name.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F }
}
