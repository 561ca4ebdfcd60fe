// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import CordonConnectors

/// What a real socket can't be made to show: the truth for every code, and the counts in every order.
@Suite struct WireRecordTests {
    private static let fault = Fault(kind: .other, number: 0, reason: "any")

    private func told(isEncrypted: Bool, _ act: (inout WireRecord) -> Void) -> Told {
        var record = WireRecord(isEncrypted: isEncrypted)
        act(&record)
        return Delivery(fate: record.fate(of: Self.fault), durationMilliseconds: 0).told
    }

    @Test(arguments: [true, false])
    func `nothing begun is not sent`(isEncrypted: Bool) {
        #expect(told(isEncrypted: isEncrypted) { $0.ends(bytesCounted: 0) } == .notSent(.other))
    }

    @Test(arguments: [true, false])
    func `one counted byte may have been sent`(isEncrypted: Bool) {
        let told = told(isEncrypted: isEncrypted) {
            $0.begins(bytesCounted: 0)
            $0.ends(bytesCounted: 1)
        }
        #expect(told == .mayHaveBeenSent(.other))
    }

    @Test func `a begun send without a counted byte is unsent in the clear and unknown over TLS`() {
        let act = { (record: inout WireRecord) in
            record.begins(bytesCounted: 0)
            record.ends(bytesCounted: 0)
        }
        #expect(told(isEncrypted: false, act) == .notSent(.other))
        #expect(told(isEncrypted: true, act) == .mayHaveBeenSent(.other))
    }

    /// The counts at each begin, the count at the end, and whether the request left more than once.
    @Test(arguments: [
        ([0], 0, false), ([0], 100, false), ([0, 0], 100, false), ([0, 100], 100, false), ([0, 100], 200, true),
        ([0, 100], 130, true), ([0, 0, 100], 100, false), ([0, 100, 200], 200, true), ([0, 100, 200], 300, true),
        ([0, 0, 0], 0, false),
    ])
    func `a request is doubled when two sends put bytes on the wire`(begins: [Int], end: Int, isDoubled: Bool) {
        var record = WireRecord(isEncrypted: false)
        for count in begins { record.begins(bytesCounted: count) }
        record.ends(bytesCounted: end)
        #expect(record.wasSentTwice == isDoubled)
    }

    /// libcurl's numbers are part of its ABI.
    @Test(
        arguments: [
            (1, .other), (3, .badRequest), (6, .nameNotResolved), (7, .connectionRefused), (8, .other), (16, .other),
            (18, .reset), (23, .other), (27, .other), (28, .timedOut), (35, .tlsRefused), (42, .other), (52, .reset),
            (53, .tlsRefused), (55, .reset), (56, .reset), (58, .tlsRefused), (59, .tlsRefused), (60, .tlsRefused),
            (63, .responseTooLarge), (67, .badRequest), (77, .tlsRefused), (83, .tlsRefused), (90, .tlsRefused),
            (91, .tlsRefused), (98, .tlsRefused),
        ] as [(UInt32, Fault.Kind)])
    func `each code of libcurl has its word`(number: UInt32, kind: Fault.Kind) {
        let fault = Fault(curlNumber: number, detail: "")
        #expect(fault.kind == kind)
        #expect(fault.number == Int32(number))
        #expect(!fault.reason.isEmpty)
    }

    @Test func `libcurl's own sentence is used only where it names nothing secret`() {
        #expect(Fault(curlNumber: 6, detail: "Could not resolve host: x").reason == "Could not resolve host: x")
        #expect(!Fault(curlNumber: 8, detail: "Invalid header: Set-Cookie: word").reason.contains("word"))
        #expect(Fault(curlNumber: 56, detail: "reset\r\n\u{1b}[31m by peer").reason == "reset[31m by peer")
    }
}
