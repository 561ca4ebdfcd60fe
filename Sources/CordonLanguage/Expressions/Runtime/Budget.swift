// SPDX-License-Identifier: Apache-2.0

/// Counts the work and the memory of one evaluation, and ends it when either is spent.
struct Budget {
    private(set) var cost = 0
    private(set) var bytes = 0
    let costMax: Int
    let bytesMax: Int
    let patternInstructionsMax: Int

    init(_ limits: ExpressionLimits) {
        costMax = limits.costMax
        bytesMax = limits.valueBytesMax
        patternInstructionsMax = limits.patternInstructionsMax
    }

    @inline(__always)
    mutating func spend(_ units: Int) throws(Fault) {
        let (sum, isOver) = cost.addingReportingOverflow(units)
        cost = isOver ? Int.max : sum
        if cost > costMax { throw overspent() }
    }

    /// A tenth of a unit for each byte looked at.
    mutating func scan(_ bytes: Int) throws(Fault) { try spend(bytes / 10 + 1) }

    mutating func make(_ count: Int) throws(Fault) {
        let (sum, isOver) = bytes.addingReportingOverflow(count)
        bytes = isOver ? Int.max : sum
        if bytes > bytesMax {
            throw Fault(.bytesExceeded, "the expression makes values of more than \(bytesMax) bytes")
        }
    }

    private func overspent() -> Fault {
        Fault(.costExceeded, "the expression costs more than \(costMax) units")
    }

    /// What one element of a list or map is counted as.
    static let elementBytes = 40
}
