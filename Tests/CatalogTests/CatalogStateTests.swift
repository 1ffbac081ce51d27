import Base
import Model
import Testing

@testable import Catalog

/// The fold over catalog records: whatever the topic holds, the state is defined and never fatal.
@Suite struct CatalogStateTests {
    private let project = Project(
        id: id("5f00000000000000000000a1"), name: "shop \"1\"", masterKey: "M", writeKey: "W",
        readKey: "R", created: Timestamp(milliseconds: 1_588_327_200_123))
    private let golden = #"""
        {"id":"5f00000000000000000000a1","name":"shop \"1\"","master_key":"M","write_key":"W",\#
        "read_key":"R","created":"2020-05-01T10:00:00.123Z"}
        """#

    @Test func aRecordHasTheseBytes() {
        #expect(String(decoding: project.encoded, as: UTF8.self) == golden)
        #expect(
            CatalogKey.project(project.id).bytes == Array("project/5f00000000000000000000a1".utf8))
    }

    @Test func recordsPutReplaceAndRemoveProjects() {
        var state = CatalogState()
        let key = CatalogKey.project(project.id).bytes
        #expect(state.apply(key: key, value: Array(golden.utf8)) == .put(project.id))
        #expect(state.projects == [project.id: project])
        var renamed = project
        renamed.name = "other"
        #expect(state.apply(key: key, value: renamed.encoded) == .put(project.id))
        #expect(state.projects[project.id]?.name == "other")
        #expect(state.apply(key: key, value: nil) == .removed(project.id))
        #expect(state.apply(key: key, value: nil) == .removed(project.id))
        #expect(state.projects.isEmpty)
        #expect(state.malformedCount == 0)
    }

    @Test func whatIsNewerIsPassedOverSilently() {
        var state = CatalogState()
        #expect(state.apply(key: Array("rollup/x".utf8), value: [1, 2]) == .unknownKind)
        #expect(state.apply(key: Array("rollup/x".utf8), value: nil) == .unknownKind)
        let more = golden.dropLast() + #","plan":{"a":[1]}}"#
        let key = CatalogKey.project(project.id).bytes
        #expect(state.apply(key: key, value: Array(more.utf8)) == .put(project.id))
        #expect(state.projects[project.id] == project)
        #expect(state.malformedCount == 0)
    }

    @Test(arguments: [
        ("project/5f", ""), ("project/5f", "{"), ("project/5f", "7"), ("project/5f", "{}"),
        ("project/", "{}"), ("project/a b", "{}"), ("project", "{}"), ("", "{}"),
        ("project/5f", #"{"id":"other"}"#), ("project/5f", #"{"id":"5f","name":1}"#),
        (
            "project/5f",
            #"{"id":"5f","name":"","master_key":"","write_key":"W","read_key":"R","created":"2020-05-01"}"#
        ),
        (
            "project/5f",
            #"{"id":"5f","name":"","master_key":"M","write_key":"W","read_key":"R","created":"soon"}"#
        ),
        (
            "project/5f",
            #"{"id":"5f","name":"","master_key":"M","write_key":"W X","read_key":"R","created":"2020-05-01"}"#
        ),
    ])
    func malformedRecordsAreCountedAndChangeNothing(key: String, value: String) {
        var state = CatalogState()
        state.apply(key: CatalogKey.project(project.id).bytes, value: project.encoded)
        let change = state.apply(key: Array(key.utf8), value: Array(value.utf8))
        guard case .malformed(let reason) = change else {
            Issue.record("taken: \(change)")
            return
        }
        #expect(!reason.isEmpty)
        #expect(state.malformedCount == 1)
        #expect(state.projects == [project.id: project])
    }

    @Test func randomBytesNeverTrap() {
        let seed: UInt64 = 20_261_124
        var random = PRNG(seed: seed)
        var state = CatalogState()
        for _ in 0..<2_000 {
            var value = project.encoded
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                let place = Int.random(in: value.indices, using: &random)
                value[place] = UInt8.random(in: 0...255, using: &random)
            }
            var key = CatalogKey.project(project.id).bytes
            if Bool.random(using: &random) {
                let place = Int.random(in: key.indices, using: &random)
                key[place] = UInt8.random(in: 0...255, using: &random)
            }
            state.apply(key: key, value: value)
        }
        #expect(state.malformedCount > 1_000, "seed \(seed)")
    }

    @Test func newProjectsHaveFreshKeys() {
        let now = Timestamp(milliseconds: 5)
        let one = Project.new(id: nil, name: "a", now: now)
        let two = Project.new(id: id("given"), name: "a", now: now)
        #expect(one.id.name.count == 24)
        #expect(two.id.name == "given")
        #expect(one.created == now)
        let keys = [one, two].flatMap { [$0.masterKey, $0.writeKey, $0.readKey] }
        #expect(Set(keys).count == 6)
        for key in keys {
            #expect(key.utf8.count == 64)
            #expect(key.utf8.allSatisfy { "0123456789ABCDEF".utf8.contains($0) })
        }
    }
}

/// An id that is known to be one.
func id(_ name: String) -> ProjectID {
    do { return try ProjectID(name) } catch { preconditionFailure("\(name) is no id") }
}
