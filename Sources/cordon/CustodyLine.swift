// SPDX-License-Identifier: Apache-2.0

import CordonEngine
import CordonLanguage
import CordonStore
import Foundation

/// What a command takes out of a state folder, as the history shall tell it.
struct CustodyLine: Sendable {
    enum Act: String { case exported, exportFinished, copied }

    var act: Act
    var what: String
    var reason: String
    var includesBodies = false
    /// Of the file that was made.
    var digest: String?

    /// As a server is told it; who asks, it knows.
    var value: Value {
        var body: [String: Value] = [
            "act": .string(act.rawValue), "what": .string(what), "reason": .string(reason),
            "os_user": .string(Self.user),
        ]
        if includesBodies { body["bodies"] = true }
        body["digest"] = digest.map(Value.string)
        return .object(body)
    }

    /// Without a server this machine is the witness: it knows the user's name and number.
    func append(to store: any Store) async throws(StoreError) {
        var body = value.objectValue ?? [:]
        body["act"] = nil
        body["by"] = "cordon (this machine)"
        try await StreamWriter(StreamWriter.custody, store: store, clock: SystemClock()).append(
            act.rawValue, .object(body))
    }

    /// For what is done all the same: a server that does not answer, or a folder that can't be written, is named.
    func tell(_ settings: Settings) async {
        do {
            if let client = try await Client.find(settings) {
                _ = try await client.ask("POST", "/custody", value)
                return
            }
            // Who backs up before an upgrade wants what the older program can read: nothing is brought up for this line.
            await (try SQLiteStore(.readOnly(settings.statePath))).close()
            let store = try SQLiteStore(.readWrite(settings.statePath))
            do { try await append(to: store) } catch {
                await store.close()
                throw error
            }
            await store.close()
        } catch { Output.note("the history could not be told of it: \(error)") }
    }

    private static var user: String {
        let number = getuid()
        let name = getpwuid(number).map { String(cString: $0.pointee.pw_name) } ?? "unknown"
        return "\(name) (\(number))"
    }
}
