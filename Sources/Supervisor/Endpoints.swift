// The file by which everybody else finds a running system: DIR/endpoints.json.

internal import JSON
package import Model

/// A project and its three keys.
package struct ProjectCredentials: Sendable, Equatable {
    package var id: ProjectID
    package var masterKey: String
    package var writeKey: String
    package var readKey: String

    package init(id: ProjectID, masterKey: String, writeKey: String, readKey: String) {
        self.id = id
        self.masterKey = masterKey
        self.writeKey = writeKey
        self.readKey = readKey
    }
}

/// Addresses, keys and process ids of a running system.
package struct Endpoints: Sendable, Equatable {
    package var api: String
    package var collectors: [String]
    package var queries: [String]
    package var lag: String
    package var log: [String]
    package var stores: [String]
    /// Where each process serves /healthz, /readyz and /metrics.
    package var admin: [ProcessKind: [String]]
    package var project: ProjectCredentials
    package var pids: [ProcessKind: [Int32]]

    package init(plan: ClusterPlan, project: ProjectCredentials, pids: [ProcessKind: [Int32]]) {
        func urls(_ kind: ProcessKind) -> [String] {
            plan.addresses(of: kind).map { "http://" + $0 }
        }
        queries = urls(.query)
        api = queries.first ?? ""
        collectors = urls(.collector)
        lag = urls(.lag).first ?? ""
        log = plan.brokers
        stores = plan.addresses(of: .store)
        admin = Dictionary(grouping: plan.processes, by: \.kind).mapValues { members in
            members.map { "http://" + $0.admin }
        }
        self.project = project
        self.pids = pids
    }

    /// The file's content.
    package var json: [UInt8] {
        func texts(_ values: [String]) -> JSONValue { .array(values.map { .string($0) }) }
        func byKind(_ values: (ProcessKind) -> JSONValue) -> JSONValue {
            .object(JSONObject(ProcessKind.allCases.map { (key: $0.rawValue, value: values($0)) }))
        }
        let value: JSONValue = [
            "api": .string(api), "collectors": texts(collectors), "queries": texts(queries),
            "lag": .string(lag), "log": texts(log), "stores": texts(stores),
            "project": [
                "id": .string(project.id.name), "master_key": .string(project.masterKey),
                "write_key": .string(project.writeKey), "read_key": .string(project.readKey),
            ],
            "pids": byKind { .array((pids[$0] ?? []).map { .int(Int64($0)) }) },
            "admin": byKind { texts(admin[$0] ?? []) },
        ]
        return value.encoded + [UInt8(ascii: "\n")]
    }
}
