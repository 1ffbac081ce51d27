// What a hostile or clumsy client sends: each gets a clear error, and nothing else is disturbed.

import Foundation
import TestSupport
import Testing

/// One bad request and the answer it must get.
struct BadRequest: Sendable {
    var what: String
    var method = "POST"
    /// Appended to /3.0/projects/{id}.
    var path = "/events/c"
    /// Which key is sent; nil sends none.
    var key: String? = "write"
    var body = "{}"
    var status = 400
    /// The exact error code, or empty where any will do.
    var code = ""
}

/// Bad input is answered precisely and takes nothing down.
@Suite(.serialized, .timeLimit(.minutes(5))) struct BadInputTests {
    static let requests: [BadRequest] = [
        BadRequest(what: "invalid JSON", body: #"{"a": tru}"#),
        BadRequest(what: "truncated JSON", body: #"{"a": 1"#),
        BadRequest(what: "empty body", body: ""),
        BadRequest(what: "not an object", body: "42", code: "InvalidEventError"),
        BadRequest(
            what: "property with a dot", body: #"{"a.b": 1}"#, code: "InvalidPropertyNameError"),
        BadRequest(
            what: "property with a dollar", body: #"{"$a": 1}"#, code: "InvalidPropertyNameError"),
        BadRequest(
            what: "over-long property name",
            body: "{\"" + String(repeating: "p", count: 257) + "\": 1}",
            code: "InvalidPropertyNameError"),
        BadRequest(what: "keen is no object", body: #"{"keen": 3}"#, code: "NamespaceTypeError"),
        BadRequest(
            what: "client sets keen.id", body: #"{"keen": {"id": "x"}}"#,
            code: "InvalidKeenNamespaceProperty"),
        BadRequest(what: "bad timestamp", body: #"{"keen": {"timestamp": "soon"}}"#),
        BadRequest(
            what: "bad collection name", path: "/events/$c", code: "InvalidCollectionNameError"),
        BadRequest(
            what: "bulk is no object", path: "/events", body: "[]", code: "InvalidBatchError"),
        BadRequest(what: "wrong key", key: "wrong", status: 401, code: "InvalidApiKeyError"),
        BadRequest(what: "no key", key: nil, status: 401, code: "InvalidApiKeyError"),
        BadRequest(what: "read key for writing", key: "read", status: 401),
        BadRequest(
            what: "wrong method", method: "PATCH", status: 405, code: "MethodNotAllowedError"),
        BadRequest(
            what: "unknown route", path: "/nothing", status: 404, code: "ResourceNotFoundError"),
        BadRequest(what: "unknown analysis", path: "/queries/guess", key: "read", status: 404),
        BadRequest(
            what: "missing collection", path: "/queries/count", key: "read",
            code: "MissingRequiredRequestFieldError"),
        BadRequest(
            what: "bad timeframe", path: "/queries/count", key: "read",
            body: #"{"event_collection": "c", "timeframe": "lastish_week"}"#,
            code: "TimeframeDefinitionError"),
        BadRequest(
            what: "bad operator", path: "/queries/count", key: "read",
            body: #"""
                {"event_collection": "c",
                 "filters": [{"property_name": "a", "operator": "is", "property_value": 1}]}
                """#),
    ]

    /// Every bad request gets its status and a JSON error on one running system, garbage on every
    /// port is shrugged off, and good events still go through.
    @Test func badInputGetsClearErrorsAndDisturbsNothing() async throws {
        let system = try await RunningSystem()
        defer { system.discard() }
        let endpoints = try system.endpoints()
        for request in Self.requests { try expect(request, endpoints) }
        try expectUnknownProject(endpoints)
        try sendGarbage(endpoints)
        #expect(try KeenAPI(endpoints).record("{}", into: "fine").status == 201)
        await eventually("only the good event was stored") {
            try KeenAPI(endpoints).count("fine") == 1
        }
        #expect(try KeenAPI(endpoints).count("c") == 0)
        #expect(try system.endpoints().pids == endpoints.pids, "a process was restarted")
    }

    private func expect(_ request: BadRequest, _ endpoints: SystemEndpoints) throws {
        let keys = [
            "write": endpoints.project.writeKey, "read": endpoints.project.readKey,
            "wrong": "0000",
        ]
        let answer = try SocketClient(port: endpoints.api.port).request(
            request.method, "/3.0/projects/\(endpoints.project.id)\(request.path)",
            key: request.key.flatMap { keys[$0] }, body: Array(request.body.utf8))
        #expect(answer.status == request.status, "\(request.what): \(answer.text)")
        let object = try JSONSerialization.jsonObject(with: Data(answer.body)) as? [String: Any]
        let code = object?["error_code"] as? String ?? ""
        #expect(object?["message"] is String, "\(request.what): \(answer.text)")
        #expect(!code.isEmpty, "\(request.what): \(answer.text)")
        if !request.code.isEmpty { #expect(code == request.code, "\(request.what)") }
        #expect(answer.header("access-control-allow-origin") == "*", "\(request.what)")
    }

    private func expectUnknownProject(_ endpoints: SystemEndpoints) throws {
        let answer = try SocketClient(port: endpoints.collectors[0].port).request(
            "POST", "/3.0/projects/ffffffffffffffffffffffff/events/c", key: "nonsense",
            body: Array("{}".utf8))
        #expect(answer.status == 404, "\(answer.text)")
        #expect(answer.text.contains("ResourceNotFoundError"))
    }

    /// Seeded garbage on the HTTP, RPC and log ports.
    private func sendGarbage(_ endpoints: SystemEndpoints) throws {
        var random = Noise(state: 7)
        let ports =
            [endpoints.api.port, endpoints.lag.port] + endpoints.log.map(\.port)
            + endpoints.stores.map(\.port)
        for port in ports {
            for size in [1, 4, 64, 5000] {
                let client = try SocketClient(port: port)
                // The peer may close while we still send: that is an answer too.
                try? client.send((0..<size).map { _ in UInt8(truncatingIfNeeded: random.next()) })
                client.finishSending()
                _ = try? client.receiveAll()
            }
        }
        let closed = try SocketClient(port: endpoints.log[0].port)
        try closed.send(Array("GET / HTTP/1.1\r\n\r\n".utf8))
        #expect(try closed.receiveAll().isEmpty, "the log server must close on a huge length")
    }
}

/// Noise from a seed (SplitMix64).
private struct Noise {
    var state: UInt64
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        let mixed = (state ^ (state >> 30)) &* 0xBF58_476D_1CE4_E5B9
        return mixed ^ (mixed >> 27)
    }
}
