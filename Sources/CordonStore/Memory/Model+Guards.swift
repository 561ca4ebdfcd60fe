// SPDX-License-Identifier: Apache-2.0

import CordonCore

extension Model {
    func overspent(_ marks: GuardMarks) -> Reservation? { marks.overspent(guards) }

    func standing(at now: Instant) -> Standing {
        var standing = guards
        standing.forget(before: now)
        return standing
    }
}
