// The keys under which this library logs.

enum LogKeys {
    static let partition = "partition.name"
    static let topic = "topic.name"
    static let reason = "error.reason"
    static let segmentPath = "segment.path"
    static let segmentPosition = "segment.position"
    static let logEnd = "partition.end_offset"
    static let cutBytes = "partition.cut_bytes"
    static let cutOffsets = "partition.cut_offsets"
    static let firstOffset = "partition.first_offset"
    static let endOffset = "partition.next_offset"
    static let peerAddress = "peer.address"
    static let user = "user.name"
    static let mechanism = "sasl.mechanism"
    static let usersOfFile = "users.of_file"
    static let usersAdded = "users.added"
    static let skippedLines = "log.skipped_lines"
    static let clientSoftware = "client.software"
}
