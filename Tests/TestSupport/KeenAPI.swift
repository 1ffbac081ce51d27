// The few Keen API calls that the integration tests make, over a plain socket.

import Foundation

/// A project of a running system.
public struct KeenAPI: Sendable {
    public var endpoints: SystemEndpoints

    public init(_ endpoints: SystemEndpoints) { self.endpoints = endpoints }

    public var projectPath: String { "/3.0/projects/\(endpoints.project.id)" }

    /// One event through the first collector on a connection of its own.
    public func record(_ event: String, into collection: String) throws -> Answer {
        try SocketClient(port: endpoints.collectors[0].port).request(
            "POST", "\(projectPath)/events/\(collection)", key: endpoints.project.writeKey,
            body: Array(event.utf8))
    }

    /// Runs a query by POST and returns the answer's JSON.
    public func query(_ analysis: String, _ parameters: String) throws -> Any {
        let answer = try SocketClient(port: endpoints.api.port).request(
            "POST", "\(projectPath)/queries/\(analysis)", key: endpoints.project.readKey,
            body: Array(parameters.utf8))
        guard answer.status == 200 else { throw SystemFailure(log: answer.text) }
        guard
            let object = try JSONSerialization.jsonObject(with: Data(answer.body))
                as? [String: Any], let result = object["result"]
        else { throw SystemFailure(log: answer.text) }
        return result
    }

    /// The count of a collection; a collection nobody has written to counts 0.
    public func count(_ collection: String) throws -> Int {
        guard let count = try query("count", #"{"event_collection": "\#(collection)"}"#) as? Int
        else { throw SystemFailure(log: "count is no integer") }
        return count
    }
}
