// SPDX-License-Identifier: Apache-2.0

/// What a JSON text may cost before it is refused.
package struct JSONLimits: Sendable, Hashable {
    /// The longest text that is looked at.
    package let bytesMax: Int
    /// How many lists and maps may be open at once; never more than `depthCeiling`.
    package let depthMax: Int

    /// The reader calls itself once for each open list or map; this depth fits a 512 KiB stack with room to spare.
    package static let depthCeiling = 128
    /// The longest number literal; 767 digits decide any double, so nothing real comes near.
    package static let numberBytesMax = 1_024
    package static let `default` = JSONLimits()

    package init(bytesMax: Int = 8 << 20, depthMax: Int = JSONLimits.depthCeiling) {
        self.bytesMax = bytesMax
        self.depthMax = min(depthMax, JSONLimits.depthCeiling)
    }
}
