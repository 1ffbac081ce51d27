import Base
import JSON
import Model
import Testing

@testable import Catalog

/// Saved queries in the catalog: their bytes, and what is passed over.
@Suite struct SavedQueryTests {
    private let golden = #"""
        {"name":"daily-orders","refresh_rate":14400,"query":{"analysis_type":"count",\#
        "event_collection":"orders"},"metadata":{"display_name":"Orders"},\#
        "created":"2020-05-01T10:00:00.123Z","modified":"2020-05-02T10:00:00.000Z"}
        """#
    private let key = Array("query/5f/daily-orders".utf8)

    private func query() throws -> SavedQuery {
        SavedQuery(
            project: try ProjectID("5f"), name: "daily-orders", refreshSeconds: 14_400,
            query: JSONObject([
                (key: "analysis_type", value: "count"),
                (key: "event_collection", value: "orders"),
            ]),
            metadata: JSONObject([(key: "display_name", value: "Orders")]),
            created: Timestamp(milliseconds: 1_588_327_200_123),
            modified: Timestamp(milliseconds: 1_588_413_600_000))
    }

    @Test func aRecordHasTheseBytes() throws {
        let query = try query()
        #expect(String(decoding: query.encoded, as: UTF8.self) == golden)
        #expect(CatalogRecord(putting: query).key == key)
    }

    @Test func recordsPutReplaceAndRemove() throws {
        var state = CatalogState()
        let query = try query()
        let put = CatalogChange.putRecord(kind: "query", query.project, name: query.name)
        #expect(state.apply(key: key, value: Array(golden.utf8)) == put)
        #expect(state.savedQueries == [query.project: [query.name: query]])
        var changed = query
        changed.refreshSeconds = 0
        #expect(state.apply(key: key, value: changed.encoded) == put)
        #expect(state.savedQueries[query.project]?[query.name] == changed)
        for _ in 0..<2 {
            #expect(
                state.apply(key: key, value: nil)
                    == .removedRecord(kind: "query", query.project, name: query.name))
            #expect(state.savedQueries.isEmpty && state.malformedCount == 0)
        }
    }

    @Test func theirNumberIsBounded() throws {
        var state = CatalogState()
        var query = try query()
        for number in 0...Limits.catalogSavedQueriesMax {
            query.name = "q\(number)"
            state.apply(key: Array("query/5f/q\(number)".utf8), value: query.encoded)
        }
        #expect(state.savedQueries[query.project]?.count == Limits.catalogSavedQueriesMax)
        #expect(state.malformedCount == 1)
        state.apply(key: Array("query/5f/q0".utf8), value: nil)
        query.name = "more"
        state.apply(key: Array("query/5f/more".utf8), value: query.encoded)
        #expect(state.savedQueries[query.project]?["more"] != nil)
    }

    @Test(arguments: [
        ("query/5f", "{}"), ("query/5f/", "{}"), ("query/5f/a/b", "{}"), ("query//a", "{}"),
        ("query/5f/a b", "{}"), ("query/5f/a", "{"), ("query/5f/a", "[]"),
        ("query/5f/other", nil), ("query/5f/daily-orders", "14400=>1"),
        ("query/5f/daily-orders", #""query":{=>"other":{"#),
        ("query/5f/daily-orders", #""metadata":{=>"other":{"#),
        ("query/5f/daily-orders", "2020-05-02T=>soon"),
    ])
    func whatIsWrongIsPassedOver(key: String, change: String?) {
        // The good record, with one part replaced.
        var value = golden
        if let parts = change?.split(separator: "=>"), parts.count == 2 {
            value = golden.replacing(parts[0], with: parts[1])
            #expect(value != golden)
        } else if let change {
            value = change
        }
        var state = CatalogState()
        guard case .malformed = state.apply(key: Array(key.utf8), value: Array(value.utf8)) else {
            Issue.record("accepted \(key) \(value)")
            return
        }
        #expect(state.savedQueries.isEmpty && state.malformedCount == 1)
    }
}
