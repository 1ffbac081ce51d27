// Owns one librdkafka client: made from properties, served through one event queue, destroyed last.
//
// Rules of librdkafka kept here:
//   - `rd_kafka_new` takes the configuration only on success; otherwise we free it.
//   - Queues go before the client they belong to.
//   - Every event is destroyed, by whoever polled it.

internal import Base
internal import CRdKafka
internal import Logging
internal import Model

/// The handle and its main queue. Sendable: librdkafka's handles may be used by any thread.
@safe final class KafkaClient: @unchecked Sendable {
    /// Valid until `deinit`.
    let raw: OpaquePointer
    /// All events of this client. Valid until `deinit`.
    let queue: OpaquePointer
    private let isConsumer: Bool
    private let logger: Logger

    init(
        type: rd_kafka_type_t, connection: LogConnection, properties: [String: String],
        events: Int32, logger: Logger
    ) throws(LogError) {
        var all = properties
        all["bootstrap.servers"] = connection.brokers.joined(separator: ",")
        all["client.id"] = "millrace"
        all["log.queue"] = "true"
        // A broker that comes back is found within this time; the defaults reach 10 s.
        all["reconnect.backoff.ms"] = "50"
        all["reconnect.backoff.max.ms"] = "1000"
        all.merge(connection.security?.properties ?? [:]) { _, given in given }
        all.merge(connection.properties) { _, given in given }
        let configuration = try unsafe Self.makeConfiguration(all, events: events)
        unsafe raw = try Self.makeClient(type, configuration)
        isConsumer = type == RD_KAFKA_CONSUMER
        if isConsumer { unsafe rd_kafka_poll_set_consumer(raw) }
        unsafe rd_kafka_set_log_queue(raw, nil)
        unsafe queue = isConsumer ? rd_kafka_queue_get_consumer(raw) : rd_kafka_queue_get_main(raw)
        self.logger = logger
    }

    // Blocks until librdkafka's threads have ended. A consumer was closed by its own thread.
    deinit {
        unsafe rd_kafka_queue_destroy(queue)
        unsafe rd_kafka_destroy_flags(raw, isConsumer ? RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE : 0)
    }

    private static func makeConfiguration(
        _ properties: [String: String], events: Int32
    ) throws(LogError) -> OpaquePointer {
        guard let configuration = unsafe rd_kafka_conf_new() else {
            throw LogError(RD_KAFKA_RESP_ERR__FAIL, trying: "make a client configuration")
        }
        var text = [CChar](repeating: 0, count: 512)
        for (name, value) in properties {
            let result = unsafe rd_kafka_conf_set(configuration, name, value, &text, text.count)
            guard result == RD_KAFKA_CONF_OK else {
                unsafe rd_kafka_conf_destroy(configuration)
                throw LogError(
                    code: RD_KAFKA_RESP_ERR__INVALID_ARG.rawValue, name: "_INVALID_ARG",
                    message: "set property \(name): \(message(text))")
            }
        }
        unsafe rd_kafka_conf_set_events(
            configuration, events | RD_KAFKA_EVENT_ERROR | RD_KAFKA_EVENT_LOG)
        return unsafe configuration
    }

    private static func makeClient(
        _ type: rd_kafka_type_t, _ configuration: OpaquePointer
    ) throws(LogError) -> OpaquePointer {
        var text = [CChar](repeating: 0, count: 512)
        guard let client = unsafe rd_kafka_new(type, configuration, &text, text.count) else {
            unsafe rd_kafka_conf_destroy(configuration)
            throw LogError(
                code: RD_KAFKA_RESP_ERR__FAIL.rawValue, name: "_FAIL",
                message: "make a client: \(message(text))")
        }
        return unsafe client
    }

    /// The text of a C buffer up to its zero.
    static func message(_ text: [CChar]) -> String {
        String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    /// Waits for an event; the caller destroys it.
    func poll(timeoutMilliseconds: Int32) -> OpaquePointer? {
        unsafe rd_kafka_queue_poll(queue, timeoutMilliseconds)
    }

    /// Makes a waiting `poll` return at once. Any thread.
    func wake() { unsafe rd_kafka_queue_yield(queue) }

    /// Hands librdkafka's log line or error to our log. Returns the error if it is a fatal one.
    func report(_ event: OpaquePointer) -> LogError? {
        switch unsafe rd_kafka_event_type(event) {
        case RD_KAFKA_EVENT_LOG:
            unsafe reportLine(event)
        case RD_KAFKA_EVENT_ERROR:
            let error = unsafe Self.error(of: event, trying: "talk to the log")
            if unsafe rd_kafka_event_error_is_fatal(event) != 0 { return fatalError ?? error }
            logger.info("log client error", metadata: ["error.text": "\(error)"])
        default: break
        }
        return nil
    }

    private func reportLine(_ event: OpaquePointer) {
        var facility: UnsafePointer<CChar>?
        var text: UnsafePointer<CChar>?
        var level: Int32 = 0
        // Both strings belong to the event and are copied before it goes.
        guard unsafe rd_kafka_event_log(event, &facility, &text, &level) == 0,
            let facility = unsafe facility, let text = unsafe text
        else { return }
        let metadata: Logger.Metadata = unsafe [
            "librdkafka.facility": "\(String(cString: facility))",
            "librdkafka.text": "\(String(cString: text))",
        ]
        // Syslog levels: up to 4 is a warning or worse.
        logger.log(level: level <= 4 ? .info : .debug, "log client", metadata: metadata)
    }

    static func error(
        of event: OpaquePointer, trying action: String
    ) -> LogError {
        let code = unsafe rd_kafka_event_error(event)
        let name = unsafe String(cString: rd_kafka_err2name(code))
        let text = unsafe rd_kafka_event_error_string(event).map { unsafe String(cString: $0) }
        return LogError(
            code: code.rawValue, name: name, message: "\(action): \(text ?? name)",
            isFatal: unsafe rd_kafka_event_error_is_fatal(event) != 0)
    }

    /// The error that made this client useless, if one has.
    var fatalError: LogError? {
        var text = [CChar](repeating: 0, count: 512)
        let code = unsafe rd_kafka_fatal_error(raw, &text, text.count)
        guard code != RD_KAFKA_RESP_ERR_NO_ERROR else { return nil }
        let name = unsafe String(cString: rd_kafka_err2name(code))
        return LogError(
            code: code.rawValue, name: name, message: Self.message(text), isFatal: true)
    }
}
