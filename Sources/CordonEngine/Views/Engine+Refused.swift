// SPDX-License-Identifier: Apache-2.0

package import CordonConnectors

extension Engine {
    /// Counts a delivery that was refused before it was read whole, so that `receive` never saw it.
    package func countRejected(_ rejection: Rejection) { count { $0.alertsRejected[rejection, default: 0] += 1 } }
}
