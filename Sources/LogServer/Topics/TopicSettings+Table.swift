// The settings that a topic may have: Kafka's names, types and defaults.
//
// Some are kept and shown, and mean nothing here: the ones of replicas and tiers, of the files of
// indexes, and of flushing, which is a setting of the server.

internal import Base
internal import Compression

/// One setting of the table.
struct SettingDefinition: Sendable {
    /// How clients are told to read the value; the raw value is the protocol's.
    enum Kind: Int8 {
        case bool = 1
        case string = 2
        case int = 3
        case long = 5
        case double = 6
        case list = 7
    }

    var name: String
    var kind: Kind
    var defaultValue: String
    /// Allowed words, of the value or of each part of a list; empty: any.
    var words: [String] = []
    var minimum: Int64 = 0
    var maximum: Int64 = .max
    /// What the setting does, for people.
    var documentation: String

    /// What Kafka calls the default of this setting among those of the server.
    var serverName: String {
        switch name {
        case "cleanup.policy", "flush.messages", "index.interval.bytes", "message.timestamp.type",
            "message.timestamp.after.max.ms", "message.timestamp.before.max.ms", "preallocate",
            "retention.bytes", "retention.ms", "segment.bytes":
            "log.\(name)"
        case "delete.retention.ms", "max.compaction.lag.ms", "min.compaction.lag.ms":
            "log.cleaner.\(name)"
        case "min.cleanable.dirty.ratio": "log.cleaner.min.cleanable.ratio"
        case "file.delete.delay.ms": "log.segment.delete.delay.ms"
        case "flush.ms": "log.flush.interval.ms"
        case "max.message.bytes": "message.max.bytes"
        case "segment.index.bytes": "log.index.size.max.bytes"
        case "segment.jitter.ms": "log.roll.jitter.ms"
        case "segment.ms": "log.roll.ms"
        default: name
        }
    }

    /// Why a value cannot be taken; nil if it can.
    func objection(to value: String) -> String? {
        switch kind {
        case .bool:
            let allowed = words.isEmpty ? ["true", "false"] : words
            return allowed.contains(value) ? nil : allowed.joined(separator: " or ")
        case .int, .long:
            guard let number = Int64(value), (minimum...maximum).contains(number) else {
                return "a whole number from \(minimum) to \(maximum)"
            }
            return nil
        case .double:
            guard let number = Double(value), number >= 0, number <= 1 else {
                return "a number from 0 to 1"
            }
            return nil
        case .string:
            return words.isEmpty || words.contains(value)
                ? nil : "one of \(words.joined(separator: ", "))"
        case .list:
            let parts = value.split(separator: ",").map { String($0.filter { $0 != " " }) }
            if words.isEmpty { return nil }
            return !parts.isEmpty && parts.allSatisfy { words.contains($0) }
                ? nil : "a list of \(words.joined(separator: ", "))"
        }
    }
}

extension TopicSettings {
    private static let longMax = "9223372036854775807"
    private static let int32Max = Int64(Int32.max)

    /// What compression.type may ask for.
    static let codecs: [String: BatchCodec] = [
        "uncompressed": .none, "gzip": .gzip, "snappy": .snappy, "lz4": .lz4, "zstd": .zstd,
    ]

    static let byName = Dictionary(uniqueKeysWithValues: definitions.map { ($0.name, $0) })

    /// All of them, by name.
    static let definitions = (sizes + times + others).sorted { $0.name < $1.name }

    private static let sizes: [SettingDefinition] = [
        .init(
            name: "flush.messages", kind: .long, defaultValue: longMax, minimum: 1,
            documentation: "No effect: log_server.fsync says when records are synced."),
        .init(
            name: "index.interval.bytes", kind: .int, defaultValue: "16384", maximum: int32Max,
            documentation: "No effect."),
        .init(
            name: "local.retention.bytes", kind: .long, defaultValue: "-2", minimum: -2,
            documentation: "No effect: there is one tier of storage."),
        .init(
            name: "max.message.bytes", kind: .int, defaultValue: "1048588",
            maximum: Int64(Limits.logRequestBytesMax),
            documentation: "The largest batch of records that is taken."),
        .init(
            name: "retention.bytes", kind: .long, defaultValue: "-1", minimum: -1,
            documentation:
                "What a partition may take, with cleanup.policy delete: beyond it the oldest "
                + "segments are removed. -1: any size."),
        .init(
            name: "segment.bytes", kind: .int, defaultValue: "\(Limits.logSegmentBytesDefault)",
            minimum: 14, maximum: Int64(Limits.logSegmentBytesMax),
            documentation: "The size at which a segment is closed."),
        .init(
            name: "segment.index.bytes", kind: .int, defaultValue: "10485760", minimum: 4,
            maximum: int32Max, documentation: "No effect."),
    ]

    private static let times: [SettingDefinition] = [
        .init(
            name: "delete.retention.ms", kind: .long, defaultValue: "86400000",
            documentation:
                "How long a record that deletes its key is kept, with cleanup.policy compact."),
        .init(
            name: "file.delete.delay.ms", kind: .long, defaultValue: "60000",
            documentation: "No effect: readers keep the files that they are at."),
        .init(
            name: "flush.ms", kind: .long, defaultValue: longMax,
            documentation: "No effect: log_server.fsync says when records are synced."),
        .init(
            name: "local.retention.ms", kind: .long, defaultValue: "-2", minimum: -2,
            documentation: "No effect: there is one tier of storage."),
        .init(
            name: "max.compaction.lag.ms", kind: .long, defaultValue: longMax, minimum: 1,
            documentation: "The longest that a record may wait until it is compacted."),
        .init(
            name: "message.timestamp.after.max.ms", kind: .long, defaultValue: longMax,
            documentation: "No effect: any timestamp is taken."),
        .init(
            name: "message.timestamp.before.max.ms", kind: .long, defaultValue: longMax,
            documentation: "No effect: any timestamp is taken."),
        .init(
            name: "min.compaction.lag.ms", kind: .long, defaultValue: "0",
            documentation: "The least time that a record stays as it is."),
        .init(
            name: "retention.ms", kind: .long, defaultValue: "604800000", minimum: -1,
            documentation:
                "How long records are kept, with cleanup.policy delete: a segment is removed when "
                + "its newest record is older. -1: for ever."),
        .init(
            name: "segment.jitter.ms", kind: .long, defaultValue: "0",
            documentation: "No effect."),
        .init(
            name: "segment.ms", kind: .long, defaultValue: "604800000", minimum: 1,
            documentation: "The age at which a segment is closed."),
    ]

    private static let others: [SettingDefinition] = [
        .init(
            name: "cleanup.policy", kind: .list, defaultValue: "delete",
            words: ["delete", "compact"],
            documentation:
                "How old records go: delete, by age and size; compact, of each key all but the "
                + "newest; or both."),
        .init(
            name: "compression.gzip.level", kind: .int, defaultValue: "-1", minimum: -1,
            maximum: 9, documentation: "No effect."),
        .init(
            name: "compression.lz4.level", kind: .int, defaultValue: "9", minimum: 1, maximum: 17,
            documentation: "No effect."),
        .init(
            name: "compression.type", kind: .string, defaultValue: "producer",
            words: ["producer"] + codecs.keys.sorted(),
            documentation:
                "How batches are kept: producer, as they come; otherwise one that comes with "
                + "another codec is compressed anew."),
        .init(
            name: "compression.zstd.level", kind: .int, defaultValue: "3", minimum: -131_072,
            maximum: 22, documentation: "No effect."),
        .init(
            name: "follower.replication.throttled.replicas", kind: .list, defaultValue: "",
            documentation: "No effect: there is one node."),
        .init(
            name: "leader.replication.throttled.replicas", kind: .list, defaultValue: "",
            documentation: "No effect: there is one node."),
        .init(
            name: "message.timestamp.type", kind: .string, defaultValue: "CreateTime",
            words: ["CreateTime", "LogAppendTime"],
            documentation: "Whether a record's time is the producer's or that of its arrival."),
        .init(
            name: "min.cleanable.dirty.ratio", kind: .double, defaultValue: "0.5",
            documentation: "The part of a partition that has to be new before it is compacted."),
        .init(
            name: "min.insync.replicas", kind: .int, defaultValue: "1", minimum: 1,
            maximum: int32Max,
            documentation: "Copies that acks=all waits for: more than 1 refuses such requests."),
        .init(
            name: "preallocate", kind: .bool, defaultValue: "false", documentation: "No effect."),
        .init(
            name: "remote.storage.enable", kind: .bool, defaultValue: "false", words: ["false"],
            documentation: "There is one tier of storage."),
        .init(
            name: "unclean.leader.election.enable", kind: .bool, defaultValue: "false",
            documentation: "No effect: there is one node."),
    ]
}
