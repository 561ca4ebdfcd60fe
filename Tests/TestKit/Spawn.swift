// SPDX-License-Identifier: Apache-2.0
import Foundation
import Synchronization

/// The reading end of a child's output; everything read is also written to a file.
struct Pipe: Sendable {
    let reading: Int32
    let writing: Int32
    let file: Int32

    init(into path: String) throws(SystemError) {
        // A named pipe, because its ends can be opened so that no other child inherits them.
        let name = path + ".pipe"
        guard mkfifo(name, 0o600) == 0 else { throw SystemError("mkfifo \(name)") }
        defer { unlink(name) }
        reading = open(name, O_RDONLY | O_NONBLOCK | O_CLOEXEC)
        writing = open(name, O_WRONLY | O_CLOEXEC)
        file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard reading >= 0, writing >= 0, file >= 0 else {
            let error = SystemError("open \(path)")
            for descriptor in [reading, writing, file] where descriptor >= 0 { close(descriptor) }
            throw error
        }
        _ = fcntl(reading, F_SETFL, 0)
    }

    /// Nil at the end, with everything closed.
    func next() -> [UInt8]? {
        let bytes = [UInt8](unsafeUninitializedCapacity: 65_536) { buffer, count in
            repeat {
                count = Glibc.read(reading, buffer.baseAddress, buffer.count)
            } while count < 0 && errno == EINTR
            count = max(0, count)
        }
        guard !bytes.isEmpty else {
            close(reading)
            close(file)
            return nil
        }
        _ = bytes.withUnsafeBytes { Glibc.write(file, $0.baseAddress, $0.count) }
        return bytes
    }
}

/// posix_spawn with everything a test wants: own environment, own folder, default signals, no inherited descriptor.
enum Spawn {
    private static let turn = Mutex(())

    /// Keeps children from starting while a descriptor exists that isn't yet marked as not to be inherited.
    static func withoutSpawning<Result>(_ body: () -> Result) -> Result { turn.withLock { _ in body() } }

    static func start(
        _ program: String, _ arguments: [String], environment: [String: String], folder: String?, output: Int32,
        error: Int32
    ) throws(SystemError) -> Int32 {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_adddup2(&actions, output, 1)
        posix_spawn_file_actions_adddup2(&actions, error, 2)
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var none = sigset_t()
        var all = sigset_t()
        sigemptyset(&none)
        sigfillset(&all)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setsigdefault(&attributes, &all)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))
        var processID: Int32 = 0
        let words = (folder.map { ["env", "-C", $0] } ?? []) + [program] + arguments
        let code = withCStrings(words) { arguments in
            withCStrings(environment.map { "\($0.key)=\($0.value)" }) { environment in
                withoutSpawning { posix_spawnp(&processID, words[0], &actions, &attributes, arguments, environment) }
            }
        }
        guard code == 0 else { throw SystemError("posix_spawn \(program)", code) }
        return processID
    }

    static func reap(_ processID: Int32) -> ProgramUnderTest.End {
        var status: Int32 = 0
        while waitpid(processID, &status, 0) < 0 && errno == EINTR {}
        let signal = status & 0x7f
        return signal == 0 ? .exited((status >> 8) & 0xff) : .killed(bySignal: signal)
    }

    private static func withCStrings<Result>(
        _ strings: [String], _ body: (UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>) -> Result
    ) -> Result {
        var pointers = strings.map { strdup($0) } + [nil]
        defer { for pointer in pointers { free(pointer) } }
        return pointers.withUnsafeMutableBufferPointer { body($0.baseAddress!) }  // never empty: it ends with nil
    }
}
