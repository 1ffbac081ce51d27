// Requests as real clients sent them, from Fixtures: requests.txt, which Tests/Clients/capture.py
// makes, and java.txt, whose client is none that `make clients` could install.

import Foundation
import KafkaWire
import Testing

/// One request of one client.
struct CapturedFrame: Sendable, CustomTestStringConvertible {
    /// confluent (librdkafka 2.16), kcat (librdkafka 2.0.2), kafka_python (3.0), aiokafka (0.14) or
    /// java (kafka-clients 3.9.2).
    var client: String
    var key: APIKey
    var version: Int16
    /// Without its length.
    var content: [UInt8]

    var testDescription: String { "\(client) \(key.rawValue) v\(version)" }

    static let all = read(file: "requests") + read(file: "java")

    private static func read(file: String) -> [CapturedFrame] {
        let path = URL(filePath: #filePath).deletingLastPathComponent()
            .appending(path: "Fixtures/\(file).txt")
        let text = (try? String(contentsOf: path, encoding: .utf8)) ?? ""
        return text.split(separator: "\n").filter { !$0.hasPrefix("#") }.compactMap { line in
            let words = line.split(separator: " ")
            guard words.count == 4, let key = Int16(words[1]), let version = Int16(words[2]) else {
                return nil
            }
            return CapturedFrame(
                client: String(words[0]), key: APIKey(rawValue: key), version: version,
                content: bytes(hex: String(words[3])))
        }
    }

    /// What a client's request of that kind says.
    static func read<Request: KafkaRequest>(
        _ type: Request.Type, from client: String
    ) throws -> Request {
        guard let frame = all.last(where: { $0.client == client && $0.key == Request.key }) else {
            throw KafkaWireError.unsupportedVersion(Request.key.rawValue)
        }
        return try RequestFrame(frame.content[...]).body(type)
    }
}
