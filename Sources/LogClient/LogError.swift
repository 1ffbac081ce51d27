// Why the log refused or failed something, in librdkafka's own words.

internal import CRdKafka

/// A failure of the log or of the client library.
package struct LogError: Error, Sendable, CustomStringConvertible {
    /// librdkafka's number: negative for its own errors, positive for a broker's.
    package let code: Int32
    /// librdkafka's name of the number, such as `_MSG_TIMED_OUT`.
    package let name: String
    /// What was tried and what came of it.
    package let message: String
    /// No later call on this client can succeed; a new client may.
    package let isFatal: Bool

    package init(code: Int32, name: String, message: String, isFatal: Bool = false) {
        self.code = code
        self.name = name
        self.message = message
        self.isFatal = isFatal
    }

    package var description: String { "\(message) (\(name))" }

    /// Whether trying again later may succeed with nothing changed.
    package var isRetriable: Bool { !isFatal && Self.retriable.contains(code) }

    /// The topic or partition does not exist, as far as the log knows by now.
    package var isUnknownTopic: Bool { Self.unknownTopic.contains(code) }

    /// The record is larger than client or topic take.
    package var isTooLarge: Bool { code == RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE.rawValue }

    private static let unknownTopic: Set<Int32> = [
        RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART.rawValue,
        RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC.rawValue,
        RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION.rawValue,
    ]

    private static let retriable: Set<Int32> = [
        RD_KAFKA_RESP_ERR__QUEUE_FULL.rawValue,
        RD_KAFKA_RESP_ERR__MSG_TIMED_OUT.rawValue,
        RD_KAFKA_RESP_ERR__TIMED_OUT.rawValue,
        RD_KAFKA_RESP_ERR__TIMED_OUT_QUEUE.rawValue,
        RD_KAFKA_RESP_ERR__TRANSPORT.rawValue,
        RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN.rawValue,
        RD_KAFKA_RESP_ERR__WAIT_COORD.rawValue,
        RD_KAFKA_RESP_ERR__PURGE_QUEUE.rawValue,
        RD_KAFKA_RESP_ERR__PURGE_INFLIGHT.rawValue,
        RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT.rawValue,
        RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE.rawValue,
        RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION.rawValue,
        RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS.rawValue,
        RD_KAFKA_RESP_ERR_COORDINATOR_NOT_AVAILABLE.rawValue,
        RD_KAFKA_RESP_ERR_NOT_COORDINATOR.rawValue,
        RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS.rawValue,
        RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS_AFTER_APPEND.rawValue,
        RD_KAFKA_RESP_ERR_NETWORK_EXCEPTION.rawValue,
        RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART.rawValue,
        RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC.rawValue,
        RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION.rawValue,
    ]
}

extension LogError {
    /// An error code with what was being tried. Both C strings are static and never freed.
    init(_ code: rd_kafka_resp_err_t, trying action: String, isFatal: Bool = false) {
        let text = unsafe String(cString: rd_kafka_err2str(code))
        let name = unsafe String(cString: rd_kafka_err2name(code))
        self.init(
            code: code.rawValue, name: name, message: "\(action): \(text)", isFatal: isFatal)
    }

    /// Takes an error object over and frees it; nil stays nil.
    static func consuming(_ error: OpaquePointer?, trying action: String) -> LogError? {
        guard let error = unsafe error else { return nil }
        defer { unsafe rd_kafka_error_destroy(error) }
        return unsafe LogError(
            code: rd_kafka_error_code(error).rawValue,
            name: String(cString: rd_kafka_error_name(error)),
            message: "\(action): \(String(cString: rd_kafka_error_string(error)))",
            isFatal: rd_kafka_error_is_fatal(error) != 0)
    }
}
