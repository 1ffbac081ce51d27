// The records field of Produce and Fetch: record batches as bytes, which no codec looks into.

/// Record batches, in whichever way they are held.
package enum KafkaRecords: Sendable {
    /// A part of the request that carried them; shares its storage.
    case slice(ArraySlice<UInt8>)
    /// Bytes read for an answer; leave the process as a piece of their own, uncopied.
    case owned([UInt8])
    /// So many bytes that the writer of the answer does not have; in their place there is an empty
    /// piece, which whoever sends the answer replaces.
    case elsewhere(byteCount: Int)

    package static let empty = KafkaRecords.owned([])

    package var count: Int {
        switch self {
        case .slice(let bytes): bytes.count
        case .owned(let bytes): bytes.count
        case .elsewhere(let byteCount): byteCount
        }
    }

    /// The bytes, if they are in memory.
    package var bytes: ArraySlice<UInt8> {
        switch self {
        case .slice(let bytes): bytes
        case .owned(let bytes): bytes[...]
        case .elsewhere: []
        }
    }
}

extension KafkaRecords: Equatable {
    /// Same bytes, however they are held.
    package static func == (left: KafkaRecords, right: KafkaRecords) -> Bool {
        left.bytes == right.bytes
    }
}
