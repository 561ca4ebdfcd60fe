// SPDX-License-Identifier: Apache-2.0

import CordonCore
import CordonLanguage

/// The parts of a capability's contract that say how sure one may be of it: the proof from outside, the time that it may
/// take, the version that is compared, the secrets that are cut.
extension ProviderLoader {
    /// A request that uses what the subject holds, or none where the state's own does; `works` says what it shows.
    func verify(
        _ map: YAMLFields, _ capability: Capability, _ state: ProviderShape.Exchange?
    ) -> (rule: ProofRule, exchange: ProviderShape.Exchange?)? {
        defer { map.refuseUnknown() }
        let asksItself = map.has("request")
        let own = asksItself ? exchange(map, isRead: true) : nil
        let seen = asksItself ? own : state
        let expects = map.oneOf("expects", ProofRule.Expectation.self) ?? .refused
        var fields: [String: ObjectSchema.Field] = [:]
        for name in seen?.keep ?? [] { fields[name] = .init(.any) }
        let variables: [String: Schema] = ["with": .any, "seen": seen == nil ? .any : .object("seen", fields)]
        let works = map.node("works", required: true).flatMap {
            loader.expression($0, "works", variables: variables, expecting: .bool)
        }
        if !capability.isWrite {
            map.report(
                DefinitionCode.badProof.rawValue, "works", "\(capability.name) changes nothing that could be proved",
                "leave 'verify' out")
        } else if !asksItself, state == nil {
            map.report(
                DefinitionCode.badProof.rawValue, "works", "there is no 'state' and no request that would show it",
                "say under 'request' how what the subject holds is used")
        } else if let seen, seen.secrets.isDisjoint(with: subjectSecrets) {
            map.report(
                DefinitionCode.badProof.rawValue, "works",
                "the request uses nothing that the subject holds, so it proves nothing of it",
                "name one of 'subject_secrets' in it, or say under 'lacks' why nothing is proved")
        }
        guard let works else { return nil }
        return (ProofRule(asksItself: asksItself, works: works, expects: expects), own)
    }

    /// What of the state nobody may read later.
    func checkCut(_ map: YAMLFields, _ names: Set<String>, _ state: ProviderShape.Exchange?) {
        for name in names.sorted() where state?.keep.contains(name) == false {
            map.report(
                DefinitionCode.badCut.rawValue, "secret", "'\(name)' is not kept, so there is nothing to cut",
                "name it under 'keep' too, or leave it out")
        }
    }

    /// The version of the state.
    func etag(_ map: YAMLFields, _ state: ProviderShape.Exchange?) -> String? {
        guard let name = map.string("etag") else { return nil }
        if state?.keep.contains(name) == false {
            map.report(
                DefinitionCode.badVersion.rawValue, "etag", "the version '\(name)' is not kept",
                "name it under 'keep': keep: { \(name): '${headers[\"etag\"]}' }")
            return nil
        }
        return name
    }

    /// A version that is read is compared by what writes, and what it is answered when somebody came in between is known.
    func checkVersion(
        _ map: YAMLFields, _ capability: Capability, act: ProviderShape.Exchange, state: ProviderShape.Exchange?,
        undo: ProviderShape.Exchange?
    ) {
        guard let name = state?.etag else { return }
        let comparing = [("request", act), ("undo", undo)].filter { $0.1?.request.reads(version: name) == true }
        if comparing.isEmpty {
            map.report(
                DefinitionCode.badVersion.rawValue, "state", "nothing that writes names the version '\(name)'",
                "send it where the provider compares it: headers: { If-Match: \"${with.live.\(name)}\" }")
        }
        for (key, exchange) in comparing where exchange?.answers.conflict.isEmpty == true {
            map.report(
                DefinitionCode.badVersion.rawValue, key,
                "what it is answered when the version is no longer that one is not said",
                "write it under 'answers': conflict: [412], or the status that this provider has for it")
        }
    }

    /// What is cut can't be written back.
    func checkSecrets(
        _ map: YAMLFields, _ state: ProviderShape.Exchange?, _ act: ProviderShape.Exchange,
        _ undo: ProviderShape.Exchange?
    ) {
        for name in state?.secretMembers.sorted() ?? [] {
            for (key, exchange) in [("request", act), ("undo", undo)] {
                guard exchange?.request.reads(version: name) == true else { continue }
                map.report(
                    DefinitionCode.badCut.rawValue, key,
                    "'\(name)' is cut before it is stored, so it can't be sent back",
                    "change something else than the secret, and undo that")
            }
        }
    }

    func checkKeyWindow(_ effectClass: EffectClass, _ map: YAMLFields) {
        guard map.has("key_window"), effectClass != .keyed else { return }
        map.report(
            DefinitionCode.misplaced.rawValue, "key_window",
            "'key_window' says how long an idempotency key is remembered, and a \(effectClass.rawValue) call has none",
            "leave it out, or write class: keyed")
    }

    func checkLag(
        _ map: YAMLFields, _ capability: Capability, state: ProviderShape.Exchange?, verify: ProviderShape.Exchange?
    ) {
        guard map.has("lag"), !capability.isWrite || state == nil && verify == nil else { return }
        map.report(
            DefinitionCode.badLag.rawValue, "lag",
            capability.isWrite
                ? "nobody looks whether it took effect, so there is nothing to wait for"
                : "\(capability.name) changes nothing that would take time to show",
            capability.isWrite ? "say under 'state' or 'verify' what is looked at" : "leave 'lag' out")
    }
}

extension ProviderShape.Request {
    /// Whether it names a member of what was read: before the change, or just now.
    fileprivate func reads(version name: String) -> Bool {
        let trees = Array(query.values) + Array(headers.values) + Array(form.values) + (json.map { [$0] } ?? [])
        let paths = trees.flatMap(\.reads) + [path, tail, text].compactMap { $0 }.flatMap { $0.holes.flatMap(\.reads) }
        return paths.contains {
            $0.count > 2 && $0[0] == "with" && ["before", "live"].contains($0[1]) && $0[2] == name
        }
    }
}
