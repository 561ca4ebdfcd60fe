// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import CordonCore
import CordonEngine
import CordonLanguage

/// Ids of runs for a shell that completes. Whatever is in the way, it offers nothing and says nothing: a person is
/// typing.
enum RunCompletion {
    static let any = CompletionKind.custom { words, _, prefix in await ids(words, prefix, onlyLive: false) }
    /// Those that have not ended.
    static let live = CompletionKind.custom { words, _, prefix in await ids(words, prefix, onlyLive: true) }

    /// What a run did can be undone after its end too; everything else is for those that have not ended.
    static let changeable = CompletionKind.custom { words, _, prefix in
        await ids(words, prefix, onlyLive: !words.contains("undo"))
    }

    private static let millisecondsMax: Int64 = 300
    private static let runsMax = 200

    private static func ids(_ words: [String], _ prefix: String, onlyLive: Bool) async -> [String] {
        await withTaskGroup(of: [String].self) { firsts in
            firsts.addTask { (try? await read(words, onlyLive: onlyLive)) ?? [] }
            firsts.addTask {
                let clock = SystemClock()
                await clock.sleep(until: clock.now.adding(milliseconds: millisecondsMax))
                return []
            }
            defer { firsts.cancelAll() }
            return (await firsts.next() ?? []).filter { $0.hasPrefix(prefix) }
        }
    }

    private static func read(_ words: [String], onlyLive: Bool) async throws -> [String] {
        var common = CommonOptions()
        common.config = option(["-c", "--config"], in: words)
        common.state = option(["--state"], in: words)
        let desk = try await Desk.open(try await common.settings())
        return try await desk.runs(phase: nil, playbook: nil, onlyLive: onlyLive, limit: runsMax).compactMap {
            $0["id"]?.stringValue
        }
    }

    /// The option's value among the words of a line that is not finished and may never parse.
    private static func option(_ names: [String], in words: [String]) -> String? {
        for (index, word) in words.enumerated() {
            if names.contains(word), index + 1 < words.count { return words[index + 1] }
            if let name = names.first(where: { $0.hasPrefix("--") && word.hasPrefix($0 + "=") }) {
                return String(word.dropFirst(name.count + 1))
            }
        }
        return nil
    }
}
