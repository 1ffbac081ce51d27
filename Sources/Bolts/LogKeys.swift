// The keys of this target's log lines.

enum LogKeys {
    static let topic = "log.topic"
    static let partition = "log.partition"
    static let offset = "log.offset"
    static let end = "log.end"
    static let applied = "store.applied"
    static let count = "event.count"
    static let reason = "error.reason"
    static let isLost = "group.is_lost"
}
