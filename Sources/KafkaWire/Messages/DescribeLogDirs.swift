// DescribeLogDirs (35): which partitions lie where, and how large they are.

/// Which partitions; null means all.
package struct DescribeLogDirsRequest: KafkaRequest {
    package typealias Response = DescribeLogDirsResponse
    package static let key = APIKey.describeLogDirs
    package static let versions: ClosedRange<Int16> = 1...4
    package static let flexibleFrom: Int16 = 2

    package var topics: [Topic]?

    package init() {}

    package mutating func visit(_ codec: inout some KafkaCodec) throws(KafkaWireError) {
        try codec.field(&topics)
    }

    /// Partitions of a topic.
    package struct Topic: KafkaStruct {
        package var name: String = ""
        package var partitions: [Int32] = []

        package init() {}

        package mutating func visit(_ codec: inout some KafkaCodec) throws(KafkaWireError) {
            try codec.field(&name)
            try codec.field(&partitions)
        }
    }
}

/// The directories.
package struct DescribeLogDirsResponse: KafkaStruct {
    package var throttleMilliseconds: Int32 = 0
    package var error: KafkaErrorCode = .none
    package var results: [Result] = []

    package init() {}

    package mutating func visit(_ codec: inout some KafkaCodec) throws(KafkaWireError) {
        try codec.field(&throttleMilliseconds)
        try codec.field(&error, from: 3)
        try codec.field(&results)
    }

    /// One directory; -1 bytes are unknown.
    package struct Result: KafkaStruct {
        package var error: KafkaErrorCode = .none
        package var directory: String = ""
        package var topics: [Topic] = []
        package var totalBytes: Int64 = -1
        package var usableBytes: Int64 = -1

        package init() {}

        package mutating func visit(_ codec: inout some KafkaCodec) throws(KafkaWireError) {
            try codec.field(&error)
            try codec.field(&directory)
            try codec.field(&topics)
            try codec.field(&totalBytes, from: 4)
            try codec.field(&usableBytes, from: 4)
        }
    }

    /// Partitions of a topic.
    package struct Topic: KafkaStruct {
        package var name: String = ""
        package var partitions: [Partition] = []

        package init() {}

        package mutating func visit(_ codec: inout some KafkaCodec) throws(KafkaWireError) {
            try codec.field(&name)
            try codec.field(&partitions)
        }
    }

    /// One partition.
    package struct Partition: KafkaStruct {
        package var index: Int32 = 0
        package var byteCount: Int64 = 0
        package var offsetLag: Int64 = 0
        package var isFuture: Bool = false

        package init() {}

        package mutating func visit(_ codec: inout some KafkaCodec) throws(KafkaWireError) {
            try codec.field(&index)
            try codec.field(&byteCount)
            try codec.field(&offsetLag)
            try codec.field(&isFuture)
        }
    }
}
