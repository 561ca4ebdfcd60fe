// SPDX-License-Identifier: Apache-2.0

import Crypto

/// Whether two texts are the same, in time that tells nothing of where they differ: their digests are compared, which the
/// cryptographic library does over all bytes. Whoever checks what a sender shows uses this or the library's own check of a
/// code or a signature; a tidy test refuses anything else here.
func isSameSecret(_ one: [UInt8], _ other: [UInt8]) -> Bool { SHA256.hash(data: one) == SHA256.hash(data: other) }
