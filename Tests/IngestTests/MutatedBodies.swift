import Base
import JSON
import Model
import Testing

@testable import Ingest

/// Bodies that are nearly right.
enum MutatedBodies {
    static let events = [
        #"{"a":1,"b":{"c":[1,2,{"d":"x\u00e9"}]},"keen":{"timestamp":"2020-05-01T10:00:00.000Z"}}"#,
        #"{"keen":{"location":{"coordinates":[1.5,-2]}},"ü":null,"t":true}"#, "{}",
    ]
    static let bulks = events.map { "{\"a\":[\($0),{}],\"b\":[],\"c\":[\($0)]}" }
    private static let spice = Array("{}[]:,\"\\.$0e-ntfu\u{0} ".utf8) + [0xFF, 0xC3, 0x80]

    static func mutate(_ seeds: [String], _ random: inout PRNG) -> [UInt8] {
        var bytes = Array((seeds.randomElement(using: &random) ?? "").utf8)
        for _ in 0..<Int.random(in: 0...3, using: &random) where !bytes.isEmpty {
            let place = Int.random(in: bytes.indices, using: &random)
            let byte = spice.randomElement(using: &random) ?? 0
            switch Int.random(in: 0...4, using: &random) {
            case 0: bytes[place] = byte
            case 1: bytes.insert(byte, at: place)
            case 2: bytes.remove(at: place)
            case 3:
                let end = Int.random(in: place...bytes.count, using: &random)
                bytes.insert(contentsOf: Array(bytes[place..<end]), at: place)
            default: bytes.removeLast(bytes.count - place)
            }
        }
        return bytes
    }
}

/// The checker on documents that are nearly events.
@Suite struct CheckerFuzzTests {
    /// Never traps, keeps its place in the document, and what it accepts can be spliced.
    @Test func mutatedEvents() throws {
        let seed: UInt64 = 1
        var random = PRNG(seed: seed)
        let parser = JSONParser()
        let again = JSONParser()
        var ids = EventIDs(seed: seed)
        let splicer = EventSplicer(
            received: .init(milliseconds: 0),
            caller: Caller(headers: nil, peer: "", trustsForwardedFor: false))
        var value: [UInt8] = []
        var accepted = 0
        for round in 0..<20_000 {
            let source = MutatedBodies.mutate(MutatedBodies.events, &random)
            guard let tape = try? parser.parse(source) else { continue }
            var checker = EventChecker(tape: tape)
            let layout = try? checker.event(tape.root)
            #expect(checker.token == tape.tokenCount, "seed \(seed), round \(round)")
            guard let layout else { continue }
            accepted += 1
            value.removeAll()
            splicer.append(layout, of: source, id: ids.next(milliseconds: 0), to: &value)
            let spliced = try again.parse(value).root
            #expect(spliced["keen"]?["id"] != nil, "seed \(seed), round \(round)")
        }
        #expect(accepted > 1_000)
    }
}
