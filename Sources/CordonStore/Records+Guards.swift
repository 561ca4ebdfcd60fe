// SPDX-License-Identifier: Apache-2.0

import CordonCore

extension GuardMarks {
    /// The first reservation that what is stored, with those before it in the same reading, leaves no room for.
    func overspent(_ stored: Standing) -> Reservation? {
        for (index, reservation) in reservations.enumerated() {
            let touch = reservation.touch
            for bound in reservation.bounds {
                var earlier: Set<String> = []
                for other in reservations[..<index] where other.touch.isIn(bound.scope) {
                    earlier.insert(other.touch.subject)
                }
                earlier.remove(touch.subject)
                let others = stored.count(in: bound.scope, beside: earlier.union([touch.subject]), at: touch.at)
                if others + earlier.count >= bound.most { return reservation }
            }
        }
        return nil
    }
}

extension StoreError {
    static func overspent(_ reservation: Reservation) -> StoreError {
        StoreError(
            .conflict,
            "\(reservation.touch.subject) would be one identity more than a limit allows: decide about the alert again")
    }
}
