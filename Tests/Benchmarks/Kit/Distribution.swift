// SPDX-License-Identifier: Apache-2.0

import Foundation

/// Measured values in order; percentiles by nearest rank, so that each is a value that was measured.
package struct Distribution: Sendable {
    package let sorted: [Double]

    package init(_ values: [Double]) { sorted = values.sorted() }

    package var count: Int { sorted.count }
    package var max: Double { sorted.last ?? .nan }
    package var median: Double { percentile(50) }

    package func percentile(_ percent: Double) -> Double {
        guard !sorted.isEmpty else { return .nan }
        let rank = Int((percent / 100 * Double(sorted.count)).rounded(.up))
        return sorted[min(Swift.max(rank, 1), sorted.count) - 1]
    }
}
