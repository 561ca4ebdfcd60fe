// SPDX-License-Identifier: Apache-2.0

/// What a YAML file may cost before it is refused; the defaults are those of playbooks.
package struct YAMLLimits: Sendable, Hashable {
    package let bytesMax: Int
    /// How deep lists and maps may stand in each other; the outermost counts as 1. Never more than `depthCeiling`.
    package let depthMax: Int

    /// Trees are built and walked by recursion; this depth fits a 512 KiB stack with room to spare.
    package static let depthCeiling = 64
    /// After so many mistakes of form a file is no longer looked at.
    package static let findingsMax = 100
    package static let `default` = YAMLLimits()

    package init(bytesMax: Int = 64 << 10, depthMax: Int = 8) {
        self.bytesMax = bytesMax
        self.depthMax = min(depthMax, YAMLLimits.depthCeiling)
    }
}
