import Access
import Catalog
import Model
import Testing

/// Every key on every kind of route, and the order of the checks.
@Suite struct AuthorizationTests {
    private let state: CatalogState

    init() throws {
        let json = #"""
            {"id":"p1","name":"","master_key":"MASTER","write_key":"WRITE","read_key":"READ",\#
            "created":"2020-05-01"}
            """#
        var state = CatalogState()
        state.apply(key: Array("project/p1".utf8), value: Array(json.utf8))
        self.state = state
    }

    private func outcome(_ project: String, _ key: String?, _ need: AccessNeed) -> String {
        do throws(AccessError) {
            return try authorize(project: project, key: key, for: need, in: state)
                .project.id.name
        } catch {
            #expect(!error.message.isEmpty)
            return "\(error.status) \(error.code)"
        }
    }

    @Test(arguments: [
        ("MASTER", "p1", "p1", "p1"),
        ("WRITE", "p1", "401 InvalidApiKeyError", "401 AdminOnlyEndpointError"),
        ("READ", "401 InvalidApiKeyError", "p1", "401 AdminOnlyEndpointError"),
        ("", "401 InvalidApiKeyError", "401 InvalidApiKeyError", "401 InvalidApiKeyError"),
        ("WRIT", "401 InvalidApiKeyError", "401 InvalidApiKeyError", "401 InvalidApiKeyError"),
        ("write", "401 InvalidApiKeyError", "401 InvalidApiKeyError", "401 InvalidApiKeyError"),
    ])
    func keysOpenWhatTheyShould(key: String, write: String, read: String, master: String) {
        #expect(outcome("p1", key, .write) == write)
        #expect(outcome("p1", key, .read) == read)
        #expect(outcome("p1", key, .master) == master)
    }

    @Test func aMissingKeyIsRefused() {
        #expect(outcome("p1", nil, .read) == "401 InvalidApiKeyError")
    }

    @Test func anUnknownProjectIsSaidBeforeTheKey() {
        for name in ["p2", "", "a b", "../p1"] {
            #expect(outcome(name, "nonsense", .write) == "404 ResourceNotFoundError")
            #expect(outcome(name, nil, .master) == "404 ResourceNotFoundError")
        }
    }

    @Test func theHeaderWinsOverTheParameter() {
        #expect(apiKey(authorization: "a", parameter: "b") == "a")
        #expect(apiKey(authorization: "", parameter: "b") == "b")
        #expect(apiKey(authorization: nil, parameter: "b") == "b")
        #expect(apiKey(authorization: nil, parameter: "") == nil)
        #expect(apiKey(authorization: nil, parameter: nil) == nil)
    }
}
