// Every bound of the system in one place, with its reason. docs/LIMITS.md mirrors this file.

/// The bounds. Sizes are bytes unless the name says otherwise.
package enum Limits {
    // HTTP.
    /// One request line: the longest GET query that Keen's clients send stays below 16,000.
    package static let httpLineBytesMax = 16 << 10
    /// All header lines of a request together.
    package static let httpHeaderBytesMax = 32 << 10
    package static let httpHeaderCountMax = 100
    /// One bulk request, as documented for the Keen API.
    package static let httpBodyBytesMax = 10 << 20
    /// Requests of one connection read ahead of their answers (pipelining).
    package static let httpPipelineMax = 64
    package static let httpConnectionsMax = 10_000

    // RPC.
    /// One frame: an apply batch of the largest decoded fetch fits with room to spare.
    package static let rpcFrameBytesMax = 64 << 20
    /// Calls in flight on one connection, either side.
    package static let rpcInFlightMax = 1024

    // Connections of any kind.
    /// Unsent bytes of one connection above which its producer is told to wait.
    package static let connectionHighMarkBytes = 1 << 20
    /// Unsent bytes below which it may go on.
    package static let connectionLowMarkBytes = 256 << 10
    /// One read from a socket.
    package static let readBufferBytes = 64 << 10

    // Events.
    /// One event's JSON, as documented for the Keen API (900 KB).
    package static let eventBytesMax = 900 << 10
    /// Events of one bulk request: a 10 MiB body of the smallest events.
    package static let bulkEventsMax = 100_000
    package static let propertyNameCharactersMax = 256
    package static let propertyDepthMax = 100
    package static let stringBytesMax = 64 << 10
    package static let collectionNameCharactersMax = 256
    /// Distinct dotted properties of one event.
    package static let propertiesPerEventMax = 2_000

    // Store.
    /// Rows of one sealed block.
    package static let blockRowsMax = 65_536
    /// One encoded block: below the 32-bit offsets inside it with a factor of four to spare.
    package static let blockBytesMax = 1 << 30

    // Queries.
    package static let queryBucketsMax = 10_000
    package static let queryGroupsMax = 1_000_000
    package static let queryDistinctValuesMax = 10_000_000
    package static let queryFiltersMax = 256
}
