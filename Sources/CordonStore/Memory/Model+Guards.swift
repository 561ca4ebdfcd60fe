// SPDX-License-Identifier: Apache-2.0

import CordonCore

extension Model {
    func overspent(_ marks: GuardMarks) -> Reservation? {
        marks.overspent { scope, after, _ in
            // A touch counts for an hour: one at the very instant after which is asked no longer does.
            guards.identities(
                in: scope, beside: nil, at: after.adding(milliseconds: Standing.touchMilliseconds))
        }
    }

    func standing(at now: Instant) -> Standing {
        var standing = guards
        standing.forget(before: now)
        return standing
    }
}
