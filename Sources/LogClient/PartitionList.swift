// librdkafka's list of partitions, owned.

internal import CRdKafka

/// Owns an `rd_kafka_topic_partition_list_t`.
@safe struct PartitionList: ~Copyable {
    /// Valid as long as this value.
    let raw: UnsafeMutablePointer<rd_kafka_topic_partition_list_t>

    init(_ offsets: [PartitionOffset]) {
        unsafe raw = rd_kafka_topic_partition_list_new(Int32(clamping: offsets.count))
        for offset in offsets {
            // The list copies the name; the element that comes back is in the list.
            let element = unsafe rd_kafka_topic_partition_list_add(
                raw, offset.topic, offset.partition)
            unsafe element?.pointee.offset = offset.offset
        }
    }

    init(_ partitions: [TopicPartition]) {
        self.init(partitions.map { PartitionOffset($0, offset: -1001) })
    }

    deinit { unsafe rd_kafka_topic_partition_list_destroy(raw) }

    /// The first element that carries an error.
    func firstError(trying action: String) -> LogError? {
        for index in unsafe 0..<Int(raw.pointee.cnt) {
            let code = unsafe raw.pointee.elems[index].err
            if code != RD_KAFKA_RESP_ERR_NO_ERROR { return LogError(code, trying: action) }
        }
        return nil
    }

    /// Copies a list that somebody else owns; nil is empty.
    static func offsets(
        of list: UnsafePointer<rd_kafka_topic_partition_list_t>?
    ) -> [PartitionOffset] {
        guard let list = unsafe list else { return [] }
        return unsafe (0..<Int(list.pointee.cnt)).map { index in
            let element = unsafe list.pointee.elems[index]
            return unsafe PartitionOffset(
                topic: String(cString: element.topic), partition: element.partition,
                offset: element.offset)
        }
    }
}
