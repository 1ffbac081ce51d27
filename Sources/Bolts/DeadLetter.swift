// Records that are no events, on their way to the topic where people look for them.
//
// A dead letter has the record's key and value as they were; its headers say why and from where.
// docs/formats/events.md has the table.

package import LogClient

/// A record that cannot be decoded, and why.
package struct DeadLetter: Sendable {
    /// As the log gave it.
    package let record: LogRecord
    package let reason: String

    package init(_ record: LogRecord, reason: String) {
        self.record = record
        self.reason = reason
    }

    /// The reason without what is particular to this record: one of few, so that they can be
    /// counted.
    package var kind: String { String(reason.prefix { $0 != ":" }) }

    /// What goes along with it.
    package var headers: [LogHeader] {
        [
            LogHeader(DeadLetterHeaders.reason, reason),
            LogHeader(DeadLetterHeaders.topic, record.topic),
            LogHeader(DeadLetterHeaders.partition, String(record.partition)),
            LogHeader(DeadLetterHeaders.offset, String(record.offset)),
            LogHeader(DeadLetterHeaders.timestamp, String(record.timestampMilliseconds)),
        ]
    }
}

/// The names of a dead letter's headers.
package enum DeadLetterHeaders {
    package static let reason = "millrace.reason"
    package static let topic = "millrace.topic"
    package static let partition = "millrace.partition"
    package static let offset = "millrace.offset"
    /// When the record was published, in milliseconds since 1970.
    package static let timestamp = "millrace.timestamp"
    /// Bytes of the value, where the topic does not take that many and the value is left out.
    package static let valueBytes = "millrace.value_bytes"
}

/// Where dead letters go.
package protocol DeadLetterSink: Sendable {
    /// Writes letters; returns those that were not written, with the reason. `attempt` counts from
    /// 0 how often these have been tried.
    func write(_ letters: [DeadLetter], attempt: Int) async throws -> [FailedLetter]
}

/// A letter that could not be written.
package struct FailedLetter: Sendable {
    package let letter: DeadLetter
    package let error: LogError

    package init(letter: DeadLetter, error: LogError) {
        self.letter = letter
        self.error = error
    }
}
