// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import CordonConnectors

/// The one function that compares secrets.
@Suite struct SecretComparisonTests {
    @Test func `the same is the same, and any difference anywhere is one`() {
        let secret = Array("a webhook's own secret".utf8)
        #expect(isSameSecret(secret, secret))
        #expect(isSameSecret([], []))
        for place in secret.indices {
            var other = secret
            other[place] ^= 1
            #expect(!isSameSecret(secret, other), "at \(place)")
        }
        #expect(!isSameSecret(secret, Array(secret.dropLast())) && !isSameSecret(secret, secret + [0]))
        #expect(!isSameSecret(secret, []))
    }
}
