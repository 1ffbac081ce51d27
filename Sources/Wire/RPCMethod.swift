// What can be asked of a node. The numbers are on the wire: never reuse one.

/// A method of the RPC. Any number can arrive; a receiver answers `unknownMethod` to a strange one.
package struct RPCMethod: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
    package let rawValue: UInt16

    package init(rawValue: UInt16) { self.rawValue = rawValue }

    /// Store batches of events: `ApplyRequest`, `ApplyResponse`.
    package static let apply = RPCMethod(rawValue: 1)
    /// How far the shards are: `AppliedOffsetsRequest`, `AppliedOffsetsResponse`.
    package static let appliedOffsets = RPCMethod(rawValue: 2)
    /// Run a plan over shards: `ScanRequest`, `ScanResponse`. Was 3, with groups one by one.
    package static let scan = RPCMethod(rawValue: 24)
    /// What a project's collections look like: `SchemaRequest`, `SchemaResponse`.
    package static let schema = RPCMethod(rawValue: 4)
    /// Read events back: `ExtractRequest`, `ExtractResponse`.
    package static let extract = RPCMethod(rawValue: 16)
    /// Which tables of wide rows there are: `TablesRequest`, `TablesResponse`.
    package static let tables = RPCMethod(rawValue: 20)
    /// One cell: `GetRequest`, `GetResponse`.
    package static let get = RPCMethod(rawValue: 21)
    /// A range of cells: `SliceRequest`, `SliceResponse`.
    package static let slice = RPCMethod(rawValue: 22)
    /// Change cells of a writable table: `PutRequest`, `PutResponse`.
    package static let put = RPCMethod(rawValue: 23)

    package var description: String {
        switch self {
        case .apply: "apply"
        case .appliedOffsets: "appliedOffsets"
        case .scan: "scan"
        case .schema: "schema"
        case .extract: "extract"
        case .tables: "tables"
        case .get: "get"
        case .slice: "slice"
        case .put: "put"
        default: "method \(rawValue)"
        }
    }
}
