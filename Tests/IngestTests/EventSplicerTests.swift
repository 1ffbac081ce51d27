import Base
import JSON
import Model
import Testing

@testable import Ingest

/// What goes into the log: the event's own bytes, and `keen`.
@Suite struct EventSplicerTests {
    private let received = Timestamp(milliseconds: 1_606_247_880_007)
    private let id = EventID(seconds: 0x5fbd_6908, rest: 0x0123_4567_89AB_CDEF)

    private func splice(_ text: String) throws -> String {
        let parser = JSONParser()
        let source = Array(text.utf8)
        let tape = try parser.parse(source)
        var checker = EventChecker(tape: tape)
        let layout = try checker.event(tape.root)
        var value: [UInt8] = []
        EventSplicer(
            received: received,
            caller: Caller(headers: nil, peer: "2001:db8::1", trustsForwardedFor: false)
        ).append(layout, of: source, id: id, to: &value)
        return String(decoding: value, as: UTF8.self)
    }

    private static let stamp =
        #"{"id":"5fbd69080123456789abcdef","created_at":"2020-11-24T19:58:00.007Z","#
    private static let now = stamp + #""timestamp":"2020-11-24T19:58:00.007Z"}"#

    @Test(arguments: [
        ("{}", #"{"keen":"# + now + "}"),
        (" {\t} \n", "{\t\"keen\":" + now + "}"),
        ("\u{FEFF}{}", #"{"keen":"# + now + "}"),
        (#"{"a":1}"#, #"{"a":1,"keen":"# + now + "}"),
        (#" { "a" : [ 1.50 , "\u00e9" ] } "#, #"{ "a" : [ 1.50 , "\u00e9" ] ,"keen":"# + now + "}"),
        (#"{"keen":{},"b":{"keen":7}}"#, #"{"keen":"# + now + #","b":{"keen":7}}"#),
        (
            #"{"a":1,"keen" : {"timestamp":"2020-05-01T12:00:00.123456+02:00"} ,"b":2}"#,
            #"{"a":1,"keen" : "# + stamp + #""timestamp":"2020-05-01T10:00:00.123Z"} ,"b":2}"#
        ),
        (
            #"{"keen":{"location":{"coordinates":[ 1.0, 2 ]},"timestamp":"2020-05-01"}}"#,
            #"{"keen":"# + stamp
                + #""timestamp":"2020-05-01T00:00:00.000Z","location":{"coordinates":[ 1.0, 2 ]}}}"#
        ),
        (
            #"{"keen":{"uniqueness_token":"\u0022a\u00e9","location":{}}}"#,
            #"{"keen":"# + stamp
                + #""timestamp":"2020-11-24T19:58:00.007Z","location":{},"#
                + #""uniqueness_token":"\"aé"}}"#
        ),
        (
            #"{"a":["${keen.ip}" , "\u0024{keen.ip}"],"keen":{"addons":[ ]},"b":"${keen.user_agent}"}"#,
            #"{"a":["2001:db8::1" , "2001:db8::1"],"keen":"# + stamp
                + #""timestamp":"2020-11-24T19:58:00.007Z","addons":[ ]},"b":null}"#
        ),
        (#"{"a":"${keen.ip} "}"#, #"{"a":"${keen.ip} ","keen":"# + now + "}"),
    ])
    func goldenBytes(text: String, expected: String) throws {
        #expect(try splice(text) == expected)
    }

    /// A spliced event parses back to the event that was sent, plus what `keen` gained.
    @Test func nothingElseChanges() throws {
        let seed: UInt64 = 4
        var random = PRNG(seed: seed)
        for round in 0..<500 {
            var event = RandomEvents.object(depth: 0, &random)
            event["keen"] = nil
            if Bool.random(using: &random) {
                event["keen"] = ["timestamp": "2001-02-03T04:05:06Z", "location": ["a": [1]]]
            }
            let text = String(decoding: JSONValue.object(event).encoded, as: UTF8.self)
            let back = try JSONValue(parsing: try splice(text))
            var expected = event
            var keen: JSONObject = JSONObject()
            keen["id"] = "5fbd69080123456789abcdef"
            keen["created_at"] = "2020-11-24T19:58:00.007Z"
            keen["timestamp"] =
                event["keen"] == nil ? "2020-11-24T19:58:00.007Z" : "2001-02-03T04:05:06.000Z"
            if let location = event["keen"]?["location"] { keen["location"] = location }
            expected["keen"] = .object(keen)
            #expect(back == .object(expected), "seed \(seed), round \(round): \(text)")
        }
    }
}

/// Ids differ, and spread over the partitions.
@Suite struct EventIDTests {
    @Test func idsAreTwentyFourDigitsAndDiffer() {
        var ids = EventIDs(seed: 0xFFFF_FFFF_FFFF_FFFE)
        var text: [UInt8] = []
        text.append(ids.next(milliseconds: 1_588_327_200_123))
        #expect(text == Array("5eabf320ffffffffffffffff".utf8))
        text = []
        text.append(ids.next(milliseconds: 1_588_327_200_123))
        #expect(text == Array("5eabf320ffffffffff000000".utf8))
        var other = EventIDs(seed: 1)
        let all = (0..<10_000).flatMap { _ in
            [ids.next(milliseconds: 0), other.next(milliseconds: 0)]
        }
        #expect(Set(all).count == 20_000)
    }

    @Test func partitionsGetEqualShares() {
        var ids = EventIDs(seed: 99)
        var counts = [Int](repeating: 0, count: 7)
        for index in 0..<70_000 {
            counts[Int(ids.next(milliseconds: Int64(index)).partition(of: 7))] += 1
        }
        #expect(counts.allSatisfy { (9_500...10_500).contains($0) }, "\(counts)")
    }
}
