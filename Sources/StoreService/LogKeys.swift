// The keys under which this library logs.

enum LogKeys {
    static let method = "rpc.method"
    static let reason = "reason"
    static let sealedBlockCount = "sealed.block_count"
    static let sealedRowCount = "sealed.row_count"
    static let compactedBlockCount = "compacted.block_count"
}
