// What `millrace up` is asked for, and what it remembers between starts on one data directory.

internal import Base
internal import JSON
package import Model

/// The shape of a whole system on one machine.
package struct ClusterOptions: Sendable, Equatable {
    /// Absolute path of the data directory.
    package var dataDirectory: String
    /// Directory of the executables.
    package var executableDirectory: String
    /// First port; nil lets every port be chosen free.
    package var basePort: UInt16?
    package var collectors = 1
    package var workers = 1
    package var queries = 1
    /// Storage nodes and partitions; nil goes on with what there is.
    package var stores: Int?
    package var partitions: Int?
    /// Addresses of an Apache Kafka or Redpanda; nil starts the embedded log server.
    package var logBrokers: [String]?
    /// Whether processes ask the kernel to be killed with their starter. Process 1 of a container
    /// needs no such thing, and its children would take it for the init that adopts orphans.
    package var exitsWithParent = true
    /// Id of the project to use, created if the catalog lacks it.
    package var project: ProjectID?

    package init(dataDirectory: String, executableDirectory: String) {
        self.dataDirectory = dataDirectory
        self.executableDirectory = executableDirectory
    }
}

/// What the data in a directory depends on: shard p lives on store p mod `stores`, so neither
/// number may change under existing data.
package struct ClusterRecord: Sendable, Equatable {
    package var partitions: Int
    package var stores: Int
    package var project: ProjectID

    /// Partitions when nobody asks for a number: enough for a few workers on one machine.
    package static let defaultPartitions = 4

    package init(partitions: Int, stores: Int, project: ProjectID) {
        self.partitions = partitions
        self.stores = stores
        self.project = project
    }

    package var json: [UInt8] {
        let value: JSONValue = [
            "partitions": .int(Int64(partitions)), "stores": .int(Int64(stores)),
            "project": .string(project.name),
        ]
        return value.encoded
    }

    /// Reads what `json` wrote.
    package init(json bytes: [UInt8]) throws {
        let value = try JSONValue(parsing: bytes)
        guard case .int(let partitions)? = value["partitions"], (1...1024).contains(partitions),
            case .int(let stores)? = value["stores"], (1...1024).contains(stores),
            case .string(let project)? = value["project"]
        else {
            throw SupervisorError(
                "cluster.json lacks partitions, stores or project", reason: .damagedData)
        }
        self.init(
            partitions: Int(partitions), stores: Int(stores), project: try ProjectID(project))
    }

    /// Says what does not fit if the data were made with another shape.
    package func check(_ options: ClusterOptions) throws {
        if let asked = options.partitions, asked != partitions {
            throw SupervisorError(
                "--partitions \(asked): the data in \(options.dataDirectory) has \(partitions)")
        }
        if let asked = options.stores, asked != stores {
            throw SupervisorError(
                "--stores \(asked): the data in \(options.dataDirectory) lies on \(stores)"
            )
        }
    }
}
