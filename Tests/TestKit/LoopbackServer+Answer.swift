// SPDX-License-Identifier: Apache-2.0

extension LoopbackServer {
    /// What the server does with a request that it has read whole.
    package struct Answer: Sendable {
        struct Message: Sendable {
            var status: Int
            var headers: [String: String]
            var body: [UInt8]

            var keepsConnection: Bool { headers.first { $0.key.lowercased() == "connection" }?.value != "close" }
        }

        indirect enum Kind: Sendable {
            case whole(Message)
            case chunked(Message)
            case bytes([UInt8], keepsConnection: Bool)
            case close
            case reset
            case silence
            case drip([UInt8], size: Int, gapMilliseconds: Int)
            case after(milliseconds: Int, Answer)
            case held(Gate, Answer)
        }

        let kind: Kind

        // MARK: Honest answers

        /// A whole answer with its Content-Length; the connection is kept unless a `connection: close` is among the
        /// headers.
        package static func respond(_ status: Int, _ headers: [String: String] = [:], _ body: String = "") -> Answer {
            respond(status, headers, Array(body.utf8))
        }

        package static func respond(_ status: Int, _ headers: [String: String], _ body: [UInt8]) -> Answer {
            Answer(kind: .whole(Message(status: status, headers: headers, body: body)))
        }

        package static func json(_ body: String, status: Int = 200) -> Answer {
            respond(status, ["content-type": "application/json"], body)
        }

        /// Without a declared length, in chunks of 1,000 bytes.
        package static func chunked(_ status: Int, _ headers: [String: String] = [:], _ body: [UInt8]) -> Answer {
            Answer(kind: .chunked(Message(status: status, headers: headers, body: body)))
        }

        package static func redirect(to location: String, status: Int = 302) -> Answer {
            respond(status, ["location": location])
        }

        // MARK: Late answers

        package static func after(milliseconds: Int, _ answer: Answer) -> Answer {
            Answer(kind: .after(milliseconds: milliseconds, answer))
        }

        /// Once the test has opened the gate.
        package static func held(by gate: Gate, _ answer: Answer) -> Answer { Answer(kind: .held(gate, answer)) }

        /// Bytes of an answer one by one (`size` at a time), with a pause after each.
        package static func drip(_ status: Int, _ body: String, size: Int = 1, gapMilliseconds: Int) -> Answer {
            let message = Message(status: status, headers: [:], body: Array(body.utf8))
            let bytes = message.bytes(declaring: message.body.count, sendsBody: true)
            return Answer(kind: .drip(bytes, size: max(1, size), gapMilliseconds: gapMilliseconds))
        }

        // MARK: Faults

        /// Says 200 and JSON, and is none.
        package static var wrongJSON: Answer { json("{\"id\": 12, \"name\": ") }

        /// Declares the whole body, sends half of it and closes.
        package static func halfBody(_ status: Int, _ headers: [String: String] = [:], _ body: String) -> Answer {
            let bytes = Array(body.utf8)
            let half = Message(status: status, headers: headers, body: Array(bytes.prefix(bytes.count / 2)))
            return Answer(kind: .bytes(half.bytes(declaring: bytes.count, sendsBody: true), keepsConnection: false))
        }

        /// The lost reply: the request was read, and nothing comes back but the end of the connection.
        package static var closeWithoutAnswer: Answer { Answer(kind: .close) }

        /// As above, with a TCP reset.
        package static var resetWithoutAnswer: Answer { Answer(kind: .reset) }

        /// No answer and no end, until the server stops.
        package static var silence: Answer { Answer(kind: .silence) }

        package static func hugeHeaders(count: Int, bytesEach: Int) -> Answer {
            var headers: [String: String] = [:]
            for number in 0..<count { headers["x-huge-\(number)"] = String(repeating: "h", count: bytesEach) }
            return respond(200, headers)
        }

        package static func hugeBody(bytes count: Int, isDeclared: Bool = true) -> Answer {
            let body = [UInt8](repeating: UInt8(ascii: "b"), count: count)
            return isDeclared ? respond(200, [:], body) : chunked(200, [:], body)
        }

        /// Exactly these bytes, whatever they are.
        package static func raw(_ text: String, keepsConnection: Bool = false) -> Answer {
            Answer(kind: .bytes(Array(text.utf8), keepsConnection: keepsConnection))
        }
    }
}

extension LoopbackServer.Answer.Message {
    private var headText: String {
        var text = "HTTP/1.1 \(status) \(status < 400 ? "OK" : "Error")\r\n"
        for (name, value) in headers.sorted(by: { $0.key < $1.key }) { text += "\(name): \(value)\r\n" }
        return text
    }

    private var mayHaveBody: Bool { status >= 200 && status != 204 && status != 304 }

    func bytes(declaring count: Int, sendsBody: Bool) -> [UInt8] {
        guard mayHaveBody else { return Array((headText + "\r\n").utf8) }
        let head = Array((headText + "content-length: \(count)\r\n\r\n").utf8)
        return sendsBody ? head + body : head
    }

    func chunkedBytes() -> [UInt8] {
        var bytes = Array((headText + "transfer-encoding: chunked\r\n\r\n").utf8)
        for start in stride(from: 0, to: body.count, by: 1000) {
            let chunk = body[start..<min(start + 1000, body.count)]
            bytes += Array((String(chunk.count, radix: 16) + "\r\n").utf8) + chunk + Array("\r\n".utf8)
        }
        return bytes + Array("0\r\n\r\n".utf8)
    }
}
