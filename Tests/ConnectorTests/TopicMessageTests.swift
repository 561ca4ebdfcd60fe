// SPDX-License-Identifier: Apache-2.0

import CordonCore
import CordonLanguage
import Foundation
import Testing

@testable import CordonConnectors

/// Messages of SNS: whose they are, and what of them is acted upon.
@Suite struct TopicMessageTests {
    private static let topic = "arn:aws:sns:us-west-2:123456789012:GuardDuty"

    private func refusal(
        _ body: [UInt8], _ secret: Secret, topic: String = topic, at now: Instant = SigningSource.now
    ) throws -> Rejection? {
        let shape = try requireSource("guardduty")
        do throws(Rejection) {
            let alert = try shape.receive(
                InboundDelivery(headers: [:], body: body), source: "s", secrets: [Secret("no key"), secret],
                settings: ["topic": topic], id: AlertID(stem: "01"), at: now)
            #expect(alert.originProof == .asymmetric)
            #expect(alert.deliveryID == (try? JSON.parse(body))?["MessageId"]?.stringValue)
            return nil
        } catch { return error }
    }

    @Test func `messages of both versions are taken, and one whose certificate lies elsewhere is not`() throws {
        guard let pem = try sharedAlerts("signatures/sns/cert.pem") else { return }
        let accepted = [
            "notification-v1.json", "notification-v2.json", "notification-v2-nosubject.json",
            "subscription-confirmation-v2.json",
        ]
        for name in accepted {
            let body = try #require(try sharedAlerts("signatures/sns/\(name)"))
            #expect(try refusal(body, Secret(pem)) == nil, "\(name)")
            #expect(try refusal(body, Secret(pem), topic: Self.topic + "2") == .signatureWrong, "\(name)")
            // Of a certificate that is not yet, or no longer, in force nothing is taken.
            for time in [1_700_000_000_000, 2_400_000_000_000] as [Int64] {
                #expect(try refusal(body, Secret(pem), at: Instant(milliseconds: time)) == .signatureWrong, "\(name)")
            }
            for field in ["Message", "MessageId", "Timestamp", "Type", "SignatureVersion"] {
                var members = try #require(try JSON.parse(body).objectValue)
                members[field] = .string((members[field]?.stringValue ?? "") + "x")
                #expect(try refusal(Value.object(members).jsonBytes, Secret(pem)) != nil, "\(name) \(field)")
            }
        }
        let refused = try #require(try sharedAlerts("signatures/sns/refuse-cert-url.json"))
        #expect(try refusal(refused, Secret(pem)) == .signatureWrong)
    }

    @Test func `a message that is signed here is taken, and without its subject it is another`() throws {
        let source = try SigningSource("guardduty")
        let sent = try source.sent(["detail": ["id": "f", "type": "t"]])
        #expect(try refusal(sent.delivery.body, sent.secret, topic: SigningSource.topic) == nil)
        var members = try #require(try JSON.parse(sent.delivery.body).objectValue)
        members["Subject"] = "added"
        #expect(
            try refusal(Value.object(members).jsonBytes, sent.secret, topic: SigningSource.topic) == .signatureWrong)
        members["Signature"] = nil
        #expect(
            try refusal(Value.object(members).jsonBytes, sent.secret, topic: SigningSource.topic) == .signatureMissing)
        // What raw delivery sends has no signature at all.
        #expect(try refusal(Array(#"{"detail":{}}"#.utf8), sent.secret) == .signatureMissing)
    }

    @Test(
        arguments: [
            ("https://sns.eu-west-1.amazonaws.com/a.pem", true), ("http://sns.eu-west-1.amazonaws.com/a.pem", false),
            ("https://sns.eu-west-1.amazonaws.com:8443/a.pem", false),
            ("https://u@sns.eu-west-1.amazonaws.com/a", false),
            ("https://sns.eu-west-1.amazonaws.com.evil.example/a", false), ("https://evil.example/a.pem", false),
            ("https://evil-sns.eu-west-1.amazonaws.com/a.pem", false), ("https://sns..amazonaws.com/a.pem", false),
            ("https://sns.a.b.amazonaws.com/a.pem", false), ("https://sns.EU_1.amazonaws.com/a.pem", false),
            ("https://sns.eu-west-1.amazonaws.com\\@evil.example/a", false), ("", false),
            ("sns.eu-west-1.amazonaws.com", false),
        ] as [(String, Bool)])
    func `a certificate lies at Amazon's hosts alone`(_ url: String, _ isAmazons: Bool) {
        #expect(TopicMessage.isAmazons(url) == isAmazons)
    }

    @Test func `a confirmation goes where the configured topic says, whatever the message asks for`() throws {
        func message(_ change: [String: String] = [:]) -> TopicMessage? {
            let fields = [
                "Type": "SubscriptionConfirmation", "MessageId": "m", "Message": "…", "Timestamp": "t",
                "TopicArn": SigningSource.topic, "Token": "a b&Action=x", "SubscribeURL": "https://evil.example/",
            ]
            return TopicMessage(
                Value.object(fields.merging(change) { $1 }.mapValues(Value.string)).jsonBytes)
        }
        #expect(
            message()?.confirmation(of: SigningSource.topic)
                == "https://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription"
                + "&TopicArn=arn%3Aaws%3Asns%3Aeu-west-1%3A111122223333%3Afindings&Token=a%20b%26Action%3Dx")
        #expect(message()?.confirmation(of: "arn:aws:sns:eu-west-1:111122223333:other") == nil)
        #expect(
            message(["TopicArn": "arn:aws:sns:evil.example/:1:t"])?.confirmation(of: "arn:aws:sns:evil.example/:1:t")
                == nil)
        #expect(message(["Type": "Notification"])?.confirmation(of: SigningSource.topic) == nil)
        #expect(message(["Type": "Whatever"]) == nil)
    }

    @Test func `what a subscription says of itself concerns nobody`() throws {
        guard let body = try sharedAlerts("signatures/sns/subscription-confirmation-v2.json") else { return }
        let alert = Alert(
            id: AlertID(stem: "01"), source: "s", deliveryID: "d", receivedAt: .start, headers: [:], body: body,
            bodyDigest: digestText(body), originProof: .asymmetric)
        #expect(
            try requireSource("guardduty").normalize(alert) == .nothing("a subscription that asks to be confirmed"))
    }
}
