// SPDX-License-Identifier: Apache-2.0

import Foundation

/// Measured values in order; percentiles by nearest rank, so that each is a value that was measured.
struct Distribution: Sendable {
    let sorted: [Double]

    init(_ values: [Double]) { sorted = values.sorted() }

    var count: Int { sorted.count }
    var max: Double { sorted.last ?? .nan }
    var median: Double { percentile(50) }

    func percentile(_ percent: Double) -> Double {
        guard !sorted.isEmpty else { return .nan }
        let rank = Int((percent / 100 * Double(sorted.count)).rounded(.up))
        return sorted[min(Swift.max(rank, 1), sorted.count) - 1]
    }
}
