import Base
import Bolts
import Columns
import JSON
import Model
import Testing

/// A record becomes the row that its JSON says, and one that is no event stops nobody.
@Suite struct EventDecoderTests {
    private func decode(_ records: [(key: String, value: String)]) -> DecodedEvents {
        let decoder = EventDecoder()
        var events = DecodedEvents()
        for (offset, record) in records.enumerated() {
            decoder.decode(
                offset: Int64(offset), key: Array(record.key.utf8), value: Array(record.value.utf8),
                into: &events)
        }
        return events
    }

    private static let keen = #""keen": {"timestamp": "2020-05-01T10:30:00.000Z"}"#

    @Test func nestedObjectsBecomePathsAndArraysStayTogether() throws {
        let event =
            #"{"a": {"b": 1, "c": {"d": "x"}}, "e": [1, "y"], "f": {}, "g": null, \#(Self.keen)}"#
        let events = decode([("p/c", event)])
        #expect(events.rejected.isEmpty)
        let collection = try #require(events.parts.first?.collection)
        #expect(collection.description == "p/c")
        let block = try #require(events.parts.first).rows.finish()
        let tags: [(String, Columns.Tag)] = [
            ("a.b", .int), ("a.c.d", .string), ("e", .json), ("f", .json), ("g", .null),
            ("keen.timestamp", .int),
        ]
        for (path, tag) in tags {
            let chunk = try #require(try block.column(PropertyPath(path)), "\(path)")
            #expect(try chunk.decode().rawTag(at: 0) == tag.rawValue, "\(path)")
        }
        #expect(try block.column(PropertyPath("a")) == nil)
    }

    /// Names in any order, new ones on the way, events that fail half way, copies and a second
    /// decoder: every value ends in the column of its path.
    @Test func valuesFindTheirColumnsWhateverTheOrder() throws {
        let seed: UInt64 = 5
        var random = PRNG(seed: seed)
        let decoders = [EventDecoder(), EventDecoder()]
        var copies = [DecodedEvents(), DecodedEvents()]
        var expected: [[[String: Int64]]] = [[], []]
        for offset in 0..<3_000 {
            var values: [String: Int64] = [:]
            var members: [String] = []
            for _ in 0..<Int.random(in: 0...4, using: &random) {
                let number = Int.random(in: 0...9 + offset / 100, using: &random)
                let value = Int64.random(in: 0...99, using: &random)
                let isNested = Bool.random(using: &random)
                guard values[isNested ? "o\(number).x" : "a\(number)"] == nil else { continue }
                values[isNested ? "o\(number).x" : "a\(number)"] = value
                members.append(
                    isNested ? #""o\#(number)": {"x": \#(value)}"# : #""a\#(number)": \#(value)"#)
            }
            let isBad = offset % 7 == 3
            members.insert(
                isBad ? #""keen": {"timestamp": "never"}"# : Self.keen,
                at: Int.random(in: 0...members.count, using: &random))
            let copy = Int.random(in: 0...1, using: &random)
            if offset % 500 == 499 {
                copies[copy] = copies[1 - copy]
                expected[copy] = expected[1 - copy]
            }
            if !isBad { expected[copy].append(values) }
            decoders[Int.random(in: 0...1, using: &random)].decode(
                offset: Int64(offset), key: Array("p/c".utf8),
                value: Array("{\(members.joined(separator: ", "))}".utf8), into: &copies[copy])
        }
        for (events, expected) in zip(copies, expected) {
            let block = try Block(try #require(events.blocks().first).bytes)
            try #require(block.rowCount == expected.count, "seed \(seed)")
            var found = [[String: Int64]](repeating: [:], count: expected.count)
            for position in 0..<block.columnCount {
                let chunk = block.column(at: position)
                guard chunk.path != PropertyPath.timestamp.text else { continue }
                let column = try chunk.decode()
                for row in 0..<block.rowCount {
                    if case .int(let value) = column.value(at: row) {
                        found[row][chunk.path] = value
                    }
                }
            }
            #expect(found == expected, "seed \(seed)")
        }
    }

    @Test func eventsAreCountedByTheirOwnHour() throws {
        let early = #"{"keen": {"timestamp": "1969-12-31T23:59:59.999Z"}}"#
        let events = decode([
            ("p/c", "{\(Self.keen)}"), ("p/c", "{\(Self.keen)}"), ("p/d", early),
        ])
        #expect(events.rollups.map(\.hour) == [441_202, -1])
        #expect(events.rollups.map(\.count) == [2, 1])
        #expect(events.blocks().map(\.collection.description) == ["p/c", "p/d"])
    }

    @Test func badRecordsAreNamedAndTheRestGoesOn() {
        let events = decode([
            ("nokey", "{\(Self.keen)}"), ("p/$c", "{\(Self.keen)}"), ("p/c", "{"), ("p/c", "[1]"),
            ("p/c", "{}"), ("p/c", #"{"keen": {"timestamp": 5}}"#), ("p/c", "{\(Self.keen)}"),
        ])
        #expect(events.rejected.map(\.offset) == [0, 1, 2, 3, 4, 5])
        #expect(events.parts.map(\.rows.rowCount) == [1])
    }

    /// They would become columns that no query can name, or that outgrow the event a thousand times.
    @Test func propertiesThatCannotBeNamedAreRefused() {
        let name = String(repeating: "x", count: 255)
        let opened = String(repeating: #"{"\#(name)":"#, count: 32)
        let closed = String(repeating: "}", count: 32)
        let fits = String(opened.dropFirst(2 + name.count + 2))
        let many = (0...Limits.propertiesPerEventMax).map { #""p\#($0)":1"# }
        let events = decode([
            ("p/c", #"{"": 1, \#(Self.keen)}"#), ("p/c", #"{"a": {"": 1}, \#(Self.keen)}"#),
            ("p/c", #"{"a": \#(opened)1\#(closed), \#(Self.keen)}"#),
            ("p/c", #"{"a": \#(fits)1\#(closed.dropFirst()), \#(Self.keen)}"#),
            ("p/c", "{\(many.joined(separator: ",")), \(Self.keen)}"),
        ])
        #expect(events.rejected.map(\.offset) == [0, 1, 2, 4])
        #expect(events.parts.map(\.rows.rowCount) == [1])
    }

    @Test func twoSpellingsOfALetterAreTwoCollectionsAndTwoProperties() throws {
        let (composed, decomposed) = ("caf\u{E9}", "cafe\u{301}")
        let event = #"{"\#(composed)": 1, "\#(decomposed)": 2, \#(Self.keen)}"#
        let events = decode([("p/\(composed)", event), ("p/\(decomposed)", event)])
        #expect(events.parts.count == 2)
        #expect(events.blocks().map(\.collection.collection.name.utf8.count) == [6, 5])
        let block = try #require(events.parts.first).rows.finish()
        #expect(try block.column(PropertyPath(composed))?.decode().value(at: 0) == .int(1))
        #expect(try block.column(PropertyPath(decomposed))?.decode().value(at: 0) == .int(2))
        #expect(try PropertyPath(composed) != PropertyPath(decomposed))
        #expect(try PropertyPath(decomposed) < PropertyPath(composed))
    }

    @Test func repeatedNamesKeepTheLastValueAndNeverTrap() throws {
        let event = #"{"a": 1, "a": {"b": 2}, "a.b": 3, \#(Self.keen)}"#
        let events = decode([("p/c", event), ("p/c", event)])
        #expect(events.parts.map(\.rows.rowCount) == [2])
        #expect(events.blocks().count == 1)
    }

    /// Truncated and mutated records are rows or rejections, one of them each.
    @Test func mutatedRecordsNeverTrap() {
        let seed: UInt64 = 7
        var random = PRNG(seed: seed)
        let whole = Array(#"{"a": {"b": [1, 2.5, "x"]}, "c": "é\n", \#(Self.keen)}"#.utf8)
        let decoder = EventDecoder()
        var events = DecodedEvents()
        for offset in 0..<5_000 {
            var bytes = whole
            for _ in 0..<Int.random(in: 1...3, using: &random) {
                bytes[Int.random(in: 0..<bytes.count, using: &random)] = .random(
                    in: 0...255, using: &random)
            }
            if Bool.random(using: &random) {
                bytes.removeLast(Int.random(in: 1...30, using: &random))
            }
            decoder.decode(
                offset: Int64(offset), key: Array("p/c".utf8), value: bytes, into: &events)
        }
        let rows = events.parts.map(\.rows.rowCount).reduce(0, +)
        #expect(rows + events.rejected.count == 5_000, "seed \(seed)")
    }
}
