// What the log server is told when it starts.

package import Base

/// The server's settings.
package struct LogServerConfiguration: Sendable {
    /// Where everything is kept.
    package var directory: String
    /// When records are safe enough to be acknowledged.
    package var fsync = FsyncPolicy.always
    /// Default of the topic setting segment.bytes.
    package var segmentBytes = Limits.logSegmentBytesDefault
    /// Default of the topic setting segment.ms, milliseconds.
    package var segmentAge = 604_800_000
    /// Default of the topic setting retention.ms, milliseconds; -1: records are kept for ever.
    package var retention = 604_800_000
    /// Default of the topic setting retention.bytes; -1: a partition may have any size.
    package var retentionBytes = -1
    /// Time between two looks for segments that are too old or too many.
    package var retentionCheckInterval = Duration.seconds(300)
    /// Time between two looks for partitions to compact.
    package var compactionInterval = Duration.seconds(15)
    /// Whether asking for an unknown topic makes it.
    package var autoCreatesTopics = true
    /// Partitions of a topic that is made without a number.
    package var defaultPartitions = 4
    /// How groups are coordinated.
    package var groups = GroupConfiguration()
    /// How transactions are coordinated.
    package var transactions = TransactionConfiguration()
    /// The number by which clients know this node.
    package var nodeID: Int32 = 0
    /// What clients are told to connect to; nil: the address listened on.
    package var advertised: HostPort?
    /// The same for clients that use TLS.
    package var advertisedTLS: HostPort?
    /// Who may use the server, besides those that were added by clients; nil: everybody.
    package var users: [LogUser]?
    /// Threads that append. Their syncs overlap on the disk, so more of them than processors help.
    package var writerThreads = 16
    /// Threads that read for fetches.
    package var readThreads = 4

    /// The defaults, on a directory.
    package init(directory: String) { self.directory = directory }

    /// Defaults of topic settings that this configuration changes.
    var topicDefaults: [String: String] {
        let defaults = [
            "segment.bytes": segmentBytes, "segment.ms": segmentAge, "retention.ms": retention,
            "retention.bytes": retentionBytes,
        ]
        return defaults.mapValues { "\($0)" }.filter {
            TopicSettings.byName[$0.key]?.defaultValue != $0.value
        }
    }
}
