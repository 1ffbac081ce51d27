// What travels through the worker's topology: a stretch of one partition, in the form that each
// step gives it.

package import LogClient
package import Model
internal import Topology

/// A stretch of one partition. Every form covers the offsets from `fromOffset` up to, but not
/// including, `toOffset`, whether there are records at them or not.
package enum EventTuple: TuplePayload {
    /// As the log gave it.
    case records(RecordStretch)
    /// As columns and counts.
    case events(EventStretch)
    /// As the store takes it.
    case batch(ApplyBatch, oldestMilliseconds: Int64?)
}

/// Records of one partition, in order.
package struct RecordStretch: Sendable {
    package var fromOffset: Int64
    package var toOffset: Int64
    package var records: [LogRecord]
    /// As the log gave them, by their place: records that were changed on the way.
    package var originals: [Int: LogRecord] = [:]

    package init(fromOffset: Int64, toOffset: Int64, records: [LogRecord]) {
        self.fromOffset = fromOffset
        self.toOffset = toOffset
        self.records = records
    }
}

/// The events of one stretch of a partition.
package struct EventStretch: Sendable {
    package var fromOffset: Int64
    package var toOffset: Int64
    package var events: DecodedEvents
    /// Records that are no events, and why.
    package var dead: [DeadLetter] = []
    /// A control record; a stretch with one has no events.
    package var control: CollectionControl?
    /// When the oldest record was published, in milliseconds since 1970; nil if no record says.
    package var oldestMilliseconds: Int64?

    package init(fromOffset: Int64, toOffset: Int64, events: DecodedEvents = DecodedEvents()) {
        self.fromOffset = fromOffset
        self.toOffset = toOffset
        self.events = events
    }
}
