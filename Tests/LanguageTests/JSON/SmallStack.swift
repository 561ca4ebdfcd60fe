// SPDX-License-Identifier: Apache-2.0
import Foundation

/// Runs `body` on a thread of its own with a stack of 512 KiB, and waits for its end.
func onSmallStack(_ body: @escaping @Sendable () -> Void) {
    let done = DispatchSemaphore(value: 0)
    let thread = Thread {
        body()
        done.signal()
    }
    thread.stackSize = 512 << 10
    thread.start()
    done.wait()
}

/// A folder of real data beside the repository, or `nil` with a loud line when this machine has none.
func sharedFolder(_ path: String, from file: String = #filePath) -> String? {
    var folder = URL(fileURLWithPath: file)
    while folder.path != "/" {
        folder.deleteLastPathComponent()
        let candidate = folder.appendingPathComponent("shared/data/" + path).path
        if FileManager.default.fileExists(atPath: candidate) { return candidate }
    }
    print("skipped: no shared/data/\(path) beside the repository")
    return nil
}
