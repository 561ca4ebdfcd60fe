// SPDX-License-Identifier: Apache-2.0

import CordonCore

extension GuardMarks {
    /// The first reservation that what is stored, with those before it in the same reading, leaves no room for.
    ///
    /// - Parameter touched: the distinct identities that were touched in a scope after an instant, at most so many.
    func overspent<Failure: Error>(
        _ touched: (Touch.Scope, Instant, Int) throws(Failure) -> Set<String>
    ) throws(Failure) -> Reservation? {
        for (index, reservation) in reservations.enumerated() {
            let touch = reservation.touch
            for bound in reservation.bounds {
                var others = try touched(
                    bound.scope, touch.at.adding(milliseconds: -Standing.touchMilliseconds), bound.most + 1)
                for earlier in reservations[..<index] where earlier.touch.isIn(bound.scope) {
                    others.insert(earlier.touch.subject)
                }
                others.remove(touch.subject)
                if others.count >= bound.most { return reservation }
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
