// SPDX-License-Identifier: Apache-2.0

import Glibc

/// What the kernel says of its own clock (adjtimex(2), read only).
package struct ClockReading: Sendable, Hashable {
    package enum State: String, Sendable, Hashable {
        case synchronized
        case unsynchronized
        /// The kernel does not say.
        case unknown
    }

    package var state: State
    package var offsetMicroseconds: Int64?
    package var maxErrorMicroseconds: Int64?
    /// Drawn by the kernel at each boot.
    package var bootID: String?

    package init(
        state: State, offsetMicroseconds: Int64? = nil, maxErrorMicroseconds: Int64? = nil, bootID: String? = nil
    ) {
        self.state = state
        self.offsetMicroseconds = offsetMicroseconds
        self.maxErrorMicroseconds = maxErrorMicroseconds
        self.bootID = bootID
    }

    /// It does not count while the machine sleeps: a sleep shows as a clock that was set.
    package static var elapsedMilliseconds: Int64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000
    }

    package static var now: ClockReading {
        var reading = ClockReading(state: .unknown, bootID: readBootID())
        typealias Ask = @convention(c) (UnsafeMutableRawPointer) -> CInt
        // Glibc's module leaves <sys/timex.h> out, so the function is found by its name.
        guard let symbol = dlsym(nil, "adjtimex") else { return reading }
        let ask = unsafeBitCast(symbol, to: Ask.self)
        // Zeros: `modes` 0 changes nothing.
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: Layout.byteCount, alignment: 8)
        defer { buffer.deallocate() }
        buffer.initializeMemory(as: UInt8.self, repeating: 0)
        guard let base = buffer.baseAddress else { return reading }
        let answer = ask(base)
        guard answer >= 0 else { return reading }
        let status = base.load(fromByteOffset: Layout.status, as: Int32.self)
        let offset = base.load(fromByteOffset: Layout.offset, as: Int.self)
        let isSynchronized = answer != Layout.timeError && status & Layout.isUnsynchronized == 0
        reading.state = isSynchronized ? .synchronized : .unsynchronized
        reading.offsetMicroseconds = Int64(status & Layout.isNano == 0 ? offset : offset / 1000)
        reading.maxErrorMicroseconds = Int64(base.load(fromByteOffset: Layout.maxError, as: Int.self))
        return reading
    }

    /// `struct timex` of Linux where `long` has 64 bits, and its constants.
    private enum Layout {
        static let byteCount = 256
        static let offset = 8
        static let maxError = 24
        static let status = 40
        static let timeError: CInt = 5
        static let isUnsynchronized: Int32 = 0x0040
        static let isNano: Int32 = 0x2000
    }

    private static func readBootID() -> String? {
        let file = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return nil }
        defer { close(file) }
        var bytes = [UInt8](repeating: 0, count: 64)
        let count = read(file, &bytes, bytes.count)
        guard count > 0 else { return nil }
        let text = String(decoding: bytes[..<count], as: UTF8.self).prefix { $0 != "\n" }
        return text.allSatisfy { $0.isHexDigit || $0 == "-" } ? String(text) : nil
    }
}
