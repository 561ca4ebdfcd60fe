// SPDX-License-Identifier: Apache-2.0

package import CordonCore
package import CordonEngine
package import CordonLanguage
import Hummingbird

extension API {
    @Sendable func guards(_ inquiry: Inquiry) async throws -> Response {
        _ = try inquiry.query()
        let report = GuardReport(
            engine.library, engine.standing, halts: engine.standingHalts.map(\.reported), at: engine.clock.now)
        return .json(GuardView.make(report, engine.surges))
    }
}

package enum GuardView {
    package static func make(_ report: GuardReport, _ surges: [SurgeNotice]) -> Value {
        ["guards": .array(report.rows.map(\.value)), "surges": .array(surges.map(\.value))]
    }
}
