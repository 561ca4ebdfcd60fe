// SPDX-License-Identifier: Apache-2.0

/// Reads one request after the other from a kept connection; nil at its end, or when what comes is no HTTP.
struct RequestReader {
    let socket: Socket
    private var buffer: [UInt8] = []

    init(socket: Socket) { self.socket = socket }

    private static let headBytesMax = 1 << 20

    mutating func next() -> LoopbackServer.Request? {
        guard let headEnd = readHead() else { return nil }
        let lines = String(decoding: buffer[..<headEnd], as: UTF8.self).split(separator: "\r\n")
        buffer.removeFirst(headEnd + 4)
        let words = lines.first?.split(separator: " ") ?? []
        guard words.count == 3 else { return nil }
        var headers: [String: String] = [:]
        for line in lines.dropFirst() {
            let parts = line.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
            guard parts.count == 2 else { return nil }
            let name = parts[0].lowercased()
            let value = String(parts[1].drop { $0 == " " })
            headers[name] = headers[name].map { $0 + ", " + value } ?? value
        }
        guard let body = readBody(headers) else { return nil }
        return LoopbackServer.Request(
            method: String(words[0]), target: String(words[1]), headers: headers, body: body, order: 0, connection: 0,
            orderOnConnection: 0)
    }

    private mutating func readHead() -> Int? {
        var searched = 0
        while true {
            if let end = endOfHead(from: searched) { return end }
            searched = max(0, buffer.count - 3)
            guard buffer.count < Self.headBytesMax, let more = socket.read() else { return nil }
            buffer += more
        }
    }

    private func endOfHead(from start: Int) -> Int? {
        var index = start
        while index + 3 < buffer.count {
            if buffer[index] == 13, buffer[index + 1] == 10, buffer[index + 2] == 13, buffer[index + 3] == 10 {
                return index
            }
            index += 1
        }
        return nil
    }

    private mutating func readBody(_ headers: [String: String]) -> [UInt8]? {
        if headers["transfer-encoding"]?.lowercased() == "chunked" { return readChunks() }
        let count = headers["content-length"].flatMap { Int($0) } ?? 0
        if headers["expect"]?.lowercased() == "100-continue" {
            socket.write(Array("HTTP/1.1 100 Continue\r\n\r\n".utf8))
        }
        return take(count)
    }

    private mutating func readChunks() -> [UInt8]? {
        var body: [UInt8] = []
        while let line = takeLine(), let count = Int(line.prefix { $0 != ";" }, radix: 16) {
            guard let chunk = take(count), takeLine() != nil else { return nil }
            if count == 0 { return body }
            body += chunk
        }
        return nil
    }

    private mutating func takeLine() -> String? {
        while true {
            if let end = buffer.firstIndex(of: 10) {
                let line = String(decoding: buffer[..<end].filter { $0 != 13 }, as: UTF8.self)
                buffer.removeFirst(end + 1)
                return line
            }
            guard let more = socket.read() else { return nil }
            buffer += more
        }
    }

    private mutating func take(_ count: Int) -> [UInt8]? {
        while buffer.count < count {
            guard let more = socket.read() else { return nil }
            buffer += more
        }
        defer { buffer.removeFirst(count) }
        return Array(buffer.prefix(count))
    }
}
