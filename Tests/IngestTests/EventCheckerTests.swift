import Base
import JSON
import Model
import Testing

@testable import Ingest

/// What an event is: every rule with an event on each side of it.
@Suite struct EventCheckerTests {
    /// The error code of a refused event, or "ok".
    private func outcome(_ text: String) -> String {
        let source = Array(text.utf8)
        let parser = JSONParser()
        do throws(EventError) {
            let tape: JSONTape
            do throws(JSONError) { tape = try parser.parse(source) } catch { throw .notJSON(error) }
            var checker = EventChecker(tape: tape)
            let layout = try checker.event(tape.root)
            #expect(checker.token == tape.tokenCount, "\(text)")
            #expect(layout.range == 0..<source.count || text.first == " ", "\(text)")
            return "ok"
        } catch {
            #expect(!error.message.isEmpty)
            return error.code
        }
    }

    @Test(arguments: [
        "{}", " { } ", #"{"a":1}"#, #"{"a":{"b":{"c":[]}},"d":{}}"#, #"{"a":[1,"x",null,[2]]}"#,
        #"{"a":[{"b":1},{"c":[{}]}]}"#, #"{"a":null,"b":true,"c":false,"d":-0.0,"e":1e300}"#,
        #"{"a":9223372036854775807,"b":18446744073709551615}"#, #"{"a b":1,"ö":2,"_":3,"a$":4}"#,
        #"{"a":1,"a":2}"#, #"{"nested":{"keen":1}}"#, #"{"keen":{}}"#, #"{"Keen":1}"#,
        #"{"keen":{"timestamp":"2020-05-01T10:00:00.000+0000"}}"#,
        #"{"keen":{"timestamp":"2020-05-01"},"a":1}"#,
        #"{"keen":{"location":{"coordinates":[-122.4,37.7]}}}"#,
        #"{"a":"\u0000\ud83d\ude00"}"#, #"{"keen":{"uniqueness_token":"\u00e9 1"}}"#,
        #"{"keen":{"addons":[]}}"#,
        #"{"keen":{"addons":[{"name":"keen:url_parser","input":{"url":"a"},"output":"b.c"}]},"a":1}"#,
    ])
    func theseAreEvents(text: String) { #expect(outcome(text) == "ok", "\(text)") }

    @Test(arguments: [
        ("", "InvalidJSONError"), ("{", "InvalidJSONError"), (#"{"a":tru}"#, "InvalidJSONError"),
        (#"{"a":NaN}"#, "InvalidJSONError"), (#"{"a":1e999}"#, "InvalidJSONError"),
        (#"{"a":184467440737095516160}"#, "InvalidJSONError"),
        (#"{"a":01}"#, "InvalidJSONError"), (#"{"a":"\ud800"}"#, "InvalidJSONError"),
        ("{} {}", "InvalidJSONError"), ("42", "InvalidEventError"), ("[]", "InvalidEventError"),
        ("null", "InvalidEventError"), (#""{}""#, "InvalidEventError"),
        (#"{"a.b":1}"#, "InvalidPropertyNameError"), (#"{"$a":1}"#, "InvalidPropertyNameError"),
        (#"{"":1}"#, "InvalidPropertyNameError"), (#"{"a":{"":1}}"#, "InvalidPropertyNameError"),
        (#"{"a":{"b.c":1}}"#, "InvalidPropertyNameError"),
        (#"{"a":[{"b.c":1}]}"#, "InvalidPropertyNameError"),
        (#"{"\u0024a":1}"#, "InvalidPropertyNameError"),
        (#"{"keen.timestamp":"2020-05-01"}"#, "InvalidPropertyNameError"),
        (#"{"keen":3}"#, "NamespaceTypeError"), (#"{"keen":null}"#, "NamespaceTypeError"),
        (#"{"keen":[]}"#, "NamespaceTypeError"),
        (#"{"keen":{"id":"x"}}"#, "InvalidKeenNamespaceProperty"),
        (#"{"keen":{"created_at":"2020-05-01"}}"#, "InvalidKeenNamespaceProperty"),
        (#"{"keen":{"other":1}}"#, "InvalidKeenNamespaceProperty"),
        (#"{"keen":{"addons":{}}}"#, "InvalidPropertyValueError"),
        (#"{"keen":{"addons":[{"name":"keen:other"}]}}"#, "InvalidPropertyValueError"),
        (#"{"keen":{"location":[1,2]}}"#, "InvalidKeenNamespaceProperty"),
        (#"{"keen":{},"keen":{}}"#, "InvalidKeenNamespaceProperty"),
        (#"{"keen":{"location":{"a.b":1}}}"#, "InvalidPropertyNameError"),
        (#"{"keen":{"uniqueness_token":""}}"#, "InvalidPropertyValueError"),
        (#"{"keen":{"uniqueness_token":7}}"#, "InvalidPropertyValueError"),
        (#"{"keen":{"timestamp":"soon"}}"#, "InvalidPropertyValueError"),
        (#"{"keen":{"timestamp":null}}"#, "InvalidPropertyValueError"),
        (#"{"keen":{"timestamp":1588327200}}"#, "InvalidPropertyValueError"),
        (#"{"keen":{"timestamp":"9999-12-31T23:59:59-05:00"}}"#, "InvalidPropertyValueError"),
        (#"{"keen":{"timestamp":"0001-01-01T00:00:00+01:00"}}"#, "InvalidPropertyValueError"),
    ])
    func theseAreNot(text: String, code: String) { #expect(outcome(text) == code, "\(text)") }

    @Test func namesAreCountedInCharacters() {
        let longest = String(repeating: "ö", count: Limits.propertyNameCharactersMax)
        #expect(outcome("{\"\(longest)\":1}") == "ok")
        #expect(outcome("{\"\(longest)x\":1}") == "InvalidPropertyNameError")
    }

    @Test func stringsHaveALimit() {
        let longest = String(repeating: "x", count: Limits.stringBytesMax)
        #expect(outcome("{\"a\":\"\(longest)\"}") == "ok")
        #expect(outcome("{\"a\":\"\(longest)x\"}") == "InvalidPropertyValueError")
        #expect(outcome("{\"a\":[\"\(longest)x\"]}") == "InvalidPropertyValueError")
    }

    @Test(arguments: [("{\"a\":", "}"), ("[", "]")])
    func nestingHasALimit(open: String, close: String) {
        func nested(_ depth: Int) -> String {
            "{\"a\":" + String(repeating: open, count: depth) + "1"
                + String(repeating: close, count: depth) + "}"
        }
        #expect(outcome(nested(Limits.propertyDepthMax - 1)) == "ok")
        #expect(outcome(nested(Limits.propertyDepthMax)) == "InvalidPropertyValueError")
        #expect(outcome(nested(1020)) == "InvalidPropertyValueError")
        #expect(outcome(nested(100_000)) == "InvalidJSONError")
    }

    /// The worker counts what is published: `keen` and its three members belong to it, whether
    /// the client sent some of them or not.
    @Test(arguments: [
        ("", 4), (",\"keen\":{}", 4), (",\"keen\":{\"timestamp\":\"2020-05-01\"}", 4),
        (",\"keen\":{\"location\":{\"a\":1}}", 6),
    ])
    func propertiesHaveALimit(keen: String, keenMembers: Int) {
        func wide(_ count: Int) -> String {
            "{" + (0..<count).map { "\"p\($0)\":\($0)" }.joined(separator: ",") + keen + "}"
        }
        let most = Limits.propertiesPerEventMax - keenMembers
        #expect(outcome(wide(most)) == "ok")
        #expect(outcome(wide(most + 1)) == "InvalidEventError")
    }

    /// What the objects of an array hold are no properties.
    @Test func arraysAreOneProperty() {
        let wide = (0...Limits.propertiesPerEventMax).map { "\"p\($0)\":\($0)" }
        #expect(outcome("{\"a\":[{\(wide.joined(separator: ","))}]}") == "ok")
    }

    @Test func pathsHaveALimit() {
        let name = String(repeating: "n", count: 256)
        func deep(_ depth: Int) -> String {
            String(repeating: "{\"\(name)\":", count: depth) + "1"
                + String(repeating: "}", count: depth)
        }
        // 31 names and their dots have 7,966 bytes, 32 have 8,223.
        #expect(outcome(deep(31)) == "ok")
        #expect(outcome(deep(32)) == "InvalidPropertyNameError")
    }

    @Test func eventsHaveALimit() {
        let part = "\"" + String(repeating: "x", count: 60_000) + "\""
        func large(_ parts: Int) -> String {
            "{\"a\":[" + [String](repeating: part, count: parts).joined(separator: ",") + "]}"
        }
        #expect(outcome(large(15)) == "ok")
        #expect(outcome(large(16)) == "InvalidEventError")
    }

    @Test func messagesNameThePlace() throws {
        let parser = JSONParser()
        let source = Array(#"{"user":{"tags":[{"x":{"a.b":1}}]}}"#.utf8)
        var checker = EventChecker(tape: try parser.parse(source))
        let root = try parser.parse(source).root
        let error = #expect(throws: EventError.self) { try checker.event(root) }
        #expect(
            error?.message == "property 'user.tags.x.a.b': a property name must not contain '.'")
    }
}
