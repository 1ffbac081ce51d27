// Every message in every version: described as Kafka defines it, read as it was written, refused
// when it is cut, and never a trap.

import Base
import KafkaWire
import Testing

@Suite struct MessageTests {
    /// The definition of a message, if Kafka still has the version.
    private static func definition(
        _ key: APIKey, _ kind: String, _ version: Int16
    ) -> String? {
        for line in MessageDefinitions.text.split(separator: "\n") {
            let halves = line.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
            let head = halves[0].split { $0 == " " || $0 == "-" }
            guard head[0] == "\(key.rawValue)", head[1] == kind,
                let first = Int16(head[2]), let last = Int16(head[3]),
                (first...last).contains(version)
            else { continue }
            return halves[1].trimmingPrefix(" ").description
        }
        return nil
    }

    @Test(arguments: MessageKind.all.map(\.name))
    func isDescribedAsKafkaDefinesIt(_ name: String) throws {
        let kind = try #require(MessageKind.all.first { $0.name == name })
        var compared = 0
        for version in kind.versions {
            if let definition = Self.definition(kind.key, "request", version) {
                #expect(try kind.requestSignature(version) == definition, "request \(version)")
                compared += 1
            }
            if let definition = Self.definition(kind.key, "response", version) {
                #expect(try kind.responseSignature(version) == definition, "response \(version)")
            }
        }
        #expect(compared > 0)
    }

    @Test func everyDefinitionHasAMessage() {
        let keys = Set(MessageKind.all.map { "\($0.key.rawValue)" })
        for line in MessageDefinitions.text.split(separator: "\n") {
            #expect(keys.contains(String(line.prefix { $0 != " " })))
        }
    }

    @Test(arguments: MessageKind.all.map(\.name))
    func readsAsItWasWritten(_ name: String) throws {
        let kind = try #require(MessageKind.all.first { $0.name == name })
        for version in kind.versions {
            let request = try kind.requestFrame(version)
            #expect(try kind.readsSame(version, request[...]), "request \(version)")
            // Real clients leave junk behind the body.
            #expect(try kind.readsSame(version, (request + [0, 7, 255])[...]))
            let response = try kind.responseFrame(version)
            #expect(try kind.readsSameResponse(version, response[...]), "response \(version)")
        }
    }

    @Test(arguments: MessageKind.all.map(\.name))
    func isRefusedWhenItIsCut(_ name: String) throws {
        let kind = try #require(MessageKind.all.first { $0.name == name })
        for version in kind.versions {
            let request = try kind.requestFrame(version)
            // A long message is mostly records, which are all alike.
            for length in request.indices where request.count < 500 || length % 17 == 0 {
                #expect(throws: KafkaWireError.self, "\(version) cut to \(length)") {
                    _ = try kind.readsSame(version, request.prefix(length))
                }
            }
            let response = try kind.responseFrame(version)
            for length in response.indices where response.count < 500 || length % 17 == 0 {
                #expect(throws: KafkaWireError.self, "answer \(version) cut to \(length)") {
                    _ = try kind.readsSameResponse(version, response.prefix(length))
                }
            }
        }
    }

    @Test(arguments: MessageKind.all.map(\.name))
    func isRefusedInOtherVersions(_ name: String) throws {
        let kind = try #require(MessageKind.all.first { $0.name == name })
        var frame = try kind.requestFrame(kind.versions.upperBound)
        for version in [kind.versions.lowerBound - 1, kind.versions.upperBound + 1, .min, .max] {
            frame[2] = UInt8(truncatingIfNeeded: version >> 8)
            frame[3] = UInt8(truncatingIfNeeded: version)
            #expect(throws: KafkaWireError.unsupportedVersion(version)) {
                _ = try kind.readsSame(version, frame[...])
            }
        }
    }

    @Test(arguments: [20_261_124 as UInt64])
    func damagedMessagesNeverTrap(_ seed: UInt64) throws {
        var random = PRNG(seed: seed)
        var refused = 0
        for _ in 0..<5_000 {
            guard let kind = MessageKind.all.randomElement(using: &random),
                let version = kind.versions.randomElement(using: &random)
            else { continue }
            let isRequest = Bool.random(using: &random)
            var bytes = try isRequest ? kind.requestFrame(version) : kind.responseFrame(version)
            for _ in 0..<Int.random(in: 1...4, using: &random) { damage(&bytes, &random) }
            do {
                let reads = isRequest ? kind.readsSame : kind.readsSameResponse
                _ = try reads(version, bytes[...])
            } catch {
                refused += 1
            }
        }
        #expect(refused > 1_000, "seed \(seed)")
    }

    private func damage(_ bytes: inout [UInt8], _ random: inout PRNG) {
        guard let position = bytes.indices.randomElement(using: &random) else { return }
        switch Int.random(in: 0..<4, using: &random) {
        case 0: bytes[position] ^= 1 << UInt8.random(in: 0..<8, using: &random)
        case 1: bytes[position] = [0, 127, 128, 255][Int.random(in: 0..<4, using: &random)]
        case 2: bytes.remove(at: position)
        default: bytes.insert(.random(in: 0...255, using: &random), at: position)
        }
    }

    @Test func announcedLengthsCostNoMemory() {
        // A metadata request of version 0 that announces two thousand million topics.
        let frame = bytes(hex: "0003 0000 00000001 ffff 7fffffff 0001 74")
        #expect(throws: KafkaWireError.self) {
            _ = try RequestFrame(frame[...]).body(MetadataRequest.self)
        }
        // And one that has more elements than one message may have, each of two bytes.
        let count = Limits.kafkaMessageElementsMax + 1
        var many = bytes(hex: "0003 0000 00000001 ffff")
        many += (0..<4).map { UInt8(truncatingIfNeeded: count >> (24 - 8 * $0)) }
        many += [UInt8](repeating: 0, count: 2 * count)
        #expect(throws: KafkaWireError.tooManyElements) {
            _ = try RequestFrame(many[...]).body(MetadataRequest.self)
        }
    }
}
