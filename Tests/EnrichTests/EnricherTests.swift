import Base
import JSON
import Testing

@testable import Enrich

/// Add-ons on whole events: paths, merging, order, and that none of them ever loses an event.
@Suite struct EnricherTests {
    private struct OnePlace: GeoSource {
        func place(of address: String) -> GeoPlace? {
            guard address == "192.0.2.1" else { return nil }
            var place = GeoPlace()
            place.city = "Lisbon"
            place.longitude = -9.14
            place.latitude = 38.72
            return place
        }
    }

    private static let keen = #""timestamp":"2024-02-29T13:05:00.000Z""#

    /// The event's own members after its add-ons.
    private func enriched(
        _ event: String, _ addons: String, geo: (any GeoSource)? = OnePlace()
    ) throws -> String {
        let text = #"{\#(event),"keen":{"id":"1","addons":[\#(addons)],\#(Self.keen)}}"#
        let result = try #require(Enricher(geo: geo).enrich(Array(text.utf8)))
        var object = try #require(try JSONValue(parsing: result.value).object)
        let expected = try JSONValue(parsing: "{\"id\":\"1\",\(Self.keen)}")
        #expect(object["keen"] == expected)
        object["keen"] = nil
        return String(decoding: JSONValue.object(object).encoded, as: UTF8.self)
    }

    private func url(_ input: String, _ output: String) -> String {
        #"{"name":"keen:url_parser","input":{"url":"\#(input)"},"output":"\#(output)"}"#
    }

    private func geo(_ input: String, removes: Bool = false) -> String {
        """
        {"name":"keen:ip_to_geo","input":{"ip":"\(input)","remove_ip_property":\(removes)},\
        "output":"geo"}
        """
    }

    private static let page =
        #"{"protocol":"https","domain":"a.io","path":"/x","anchor":null,"query_string":{}}"#

    @Test func outputsAreMadeAndMerged() throws {
        #expect(
            try enriched(#""u":"https://a.io/x""#, url("u", "p.info"))
                == #"{"u":"https://a.io/x","p":{"info":\#(Self.page)}}"#)
        let merged = try enriched(
            #""u":{"full":"https://a.io/x","info":{"mine":1,"path":0}}"#, url("u.full", "u.info"))
        #expect(
            merged == #"{"u":{"full":"https://a.io/x","info":{"mine":1,"path":"/x","#
                + #""protocol":"https","domain":"a.io","anchor":null,"query_string":{}}}}"#)
        #expect(
            try enriched(#""u":"https://a.io/x","p":null"#, url("u", "p"))
                == #"{"u":"https://a.io/x","p":\#(Self.page)}"#)
    }

    @Test func oneReadsWhatAnotherWrote() throws {
        let event = #""u":"https://a.io/x?next=https%3A%2F%2Fb.io""#
        let text = try enriched(event, url("u", "p") + "," + url("p.query_string.next", "q"))
        #expect(text.contains(#""q":{"protocol":"https","domain":"b.io""#))
        let other = try enriched(event, url("p.query_string.next", "q") + "," + url("u", "p"))
        #expect(!other.contains(#""q":"#))
    }

    @Test func placesAreKnownOrNull() throws {
        let known =
            #"{"city":"Lisbon","province":null,"country":null,"continent":null,"#
            + #""postal_code":null,"coordinates":[-9.14,38.72]}"#
        let unknown =
            #"{"city":null,"province":null,"country":null,"continent":null,"#
            + #""postal_code":null,"coordinates":null}"#
        #expect(
            try enriched(#""ip":"192.0.2.1""#, geo("ip"))
                == #"{"ip":"192.0.2.1","geo":\#(known)}"#)
        #expect(
            try enriched(#""a":{"ip":"192.0.2.1"}"#, geo("a.ip", removes: true))
                == #"{"a":{},"geo":\#(known)}"#)
        #expect(
            try enriched(#""ip":"no address""#, geo("ip"))
                == #"{"ip":"no address","geo":\#(unknown)}"#)
        #expect(
            try enriched(#""ip":"192.0.2.1""#, geo("ip"), geo: nil)
                == #"{"ip":"192.0.2.1","geo":\#(unknown)}"#)
    }

    @Test func whatCannotBeDoneLeavesTheEvent() throws {
        for event in [
            #""u":7"#, #""v":"https://a.io""#, #""u":"no address""#, #""u":null"#,
            #""u":{"x":"https://a.io"}"#, #""u":"https://a.io/x","p":"in the way""#,
        ] {
            #expect(try enriched(event, url("u", "p.q")) == "{\(event)}")
        }
        let wrong = #"{"name":"keen:other"}, 7, {}"#
        #expect(try enriched(#""u":"x""#, wrong) == #"{"u":"x"}"#)
        #expect(try enriched(#""t":"x""#, geo("nothing", removes: true)) == #"{"t":"x"}"#)
    }

    /// A place must not take the event beyond what the decode step accepts.
    @Test func nothingGrowsBeyondTheLimits() throws {
        let names = (0..<Limits.propertiesPerEventMax - 8).map { #""n\#($0)":1"# }
        let full = names.joined(separator: ",") + #","ip":"192.0.2.1""#
        #expect(try enriched(full, geo("ip")) == "{\(full)}")
        let long = String(repeating: "é", count: 30_000)
        let escaped = String(repeating: #"\n"#, count: 60_000)
        let fields = (0..<7).map { #""s\#($0)":"\#(escaped)""# }.joined(separator: ",")
        let event = #""u":"https://a.io/\#(long)",\#(fields)"#
        let addons = (0..<5).map { url("u", "o\($0)") }.joined(separator: ",")
        #expect(try enriched(event, addons) == "{\(event)}")
    }

    @Test func eventsWithoutAddonsPassAsTheyAre() {
        let enricher = Enricher(geo: nil)
        for text in [
            #"{"a":1,"keen":{\#(Self.keen)}}"#, #"{"addons":[],"keen":{\#(Self.keen)}}"#,
            #"{"keen":{"addons":["#, "", #""addons""#, #"{"keen":["addons"]}"#,
        ] {
            #expect(enricher.enrich(Array(text.utf8)) == nil, "\(text)")
        }
    }

    @Test(arguments: [
        ("{}", "keen.addons must be a list"),
        ("[7]", "number 0: it must be an object"),
        (#"[{"name":"x"}]"#, "its name must be one of keen:ip_to_geo, keen:ua_parser"),
        (#"[{"name":"keen:url_parser"}]"#, "'input' must be an object"),
        (#"[{"name":"keen:url_parser","input":{}}]"#, "input 'url' must be the path"),
        (#"[{"name":"keen:url_parser","input":{"url":7}}]"#, "input 'url' must be the path"),
        (
            #"[{"name":"keen:url_parser","input":{"url":"u","x":"y"}}]"#,
            "keen:url_parser has no input 'x'"
        ),
        (
            #"[{"name":"keen:url_parser","input":{"url":"u","remove_ip_property":true}}]"#,
            "has no input 'remove_ip_property'"
        ),
        (#"[{"name":"keen:url_parser","input":{"url":"u"}}]"#, "'output' must be the path"),
        (
            #"[{"name":"keen:url_parser","input":{"url":"u"},"output":"a..b"}]"#,
            "'output' is not the path"
        ),
        (
            #"[{"name":"keen:url_parser","input":{"url":"u"},"output":"a.$b"}]"#,
            "'output' is not the path"
        ),
        (
            #"[{"name":"keen:url_parser","input":{"url":"u"},"output":"keen.x"}]"#,
            "'output' must not be inside keen"
        ),
        (
            #"[{"name":"keen:url_parser","input":{"url":"u"},"output":"a","more":1}]"#,
            "there is no member 'more'"
        ),
        (
            #"[{"name":"keen:ip_to_geo","input":{"ip":"a","remove_ip_property":1}}]"#,
            "'remove_ip_property' must be true or false"
        ),
        (
            #"[{"name":"keen:ip_to_geo","input":{"ip":"keen.timestamp","#
                + #""remove_ip_property":true},"output":"a"}]"#,
            "properties of keen cannot be removed"
        ),
    ])
    func whatIsWrongIsSaid(text: String, expected: String) throws {
        let value = try JSONValue(parsing: text)
        let error = #expect(throws: AddonError.self) { try Addon.list(value) }
        #expect(error?.message.contains(expected) ?? false, "\(error?.message ?? "")")
    }
}
