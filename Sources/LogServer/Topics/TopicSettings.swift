// The settings that a topic may have: Kafka's names, types and defaults.
//
// What acts now: cleanup.policy (keys are asked for), max.message.bytes, message.timestamp.type,
// min.insync.replicas and segment.bytes. The others are kept and shown; deleting by age or size and
// compacting are not done yet, so nothing is ever deleted but by DeleteRecords and DeleteTopics.

internal import Base
internal import KafkaWire

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

    /// Why a value cannot be taken; nil if it can.
    func objection(to value: String) -> String? {
        switch kind {
        case .bool: return value == "true" || value == "false" ? nil : "true or false"
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
            return !parts.isEmpty && parts.allSatisfy { words.isEmpty || words.contains($0) }
                ? nil : "a list of \(words.joined(separator: ", "))"
        }
    }
}

/// The settings of one topic: those that differ from the defaults.
struct TopicSettings: Sendable, Equatable {
    private(set) var changed: [String: String] = [:]

    static let definitions: [SettingDefinition] = [
        .init(
            name: "cleanup.policy", kind: .list, defaultValue: "delete",
            words: ["delete", "compact"]),
        .init(
            name: "compression.type", kind: .string, defaultValue: "producer",
            words: ["producer"]),
        .init(name: "delete.retention.ms", kind: .long, defaultValue: "86400000"),
        .init(name: "file.delete.delay.ms", kind: .long, defaultValue: "60000"),
        .init(
            name: "flush.messages", kind: .long, defaultValue: "9223372036854775807", minimum: 1),
        .init(name: "flush.ms", kind: .long, defaultValue: "9223372036854775807"),
        .init(name: "index.interval.bytes", kind: .int, defaultValue: "16384", maximum: int32Max),
        .init(
            name: "max.compaction.lag.ms", kind: .long, defaultValue: "9223372036854775807",
            minimum: 1),
        .init(
            name: "max.message.bytes", kind: .int, defaultValue: "1048588",
            maximum: Int64(Limits.logRequestBytesMax)),
        .init(
            name: "message.timestamp.after.max.ms", kind: .long,
            defaultValue: "9223372036854775807"),
        .init(
            name: "message.timestamp.before.max.ms", kind: .long,
            defaultValue: "9223372036854775807"),
        .init(
            name: "message.timestamp.type", kind: .string, defaultValue: "CreateTime",
            words: ["CreateTime", "LogAppendTime"]),
        .init(name: "min.cleanable.dirty.ratio", kind: .double, defaultValue: "0.5"),
        .init(name: "min.compaction.lag.ms", kind: .long, defaultValue: "0"),
        .init(
            name: "min.insync.replicas", kind: .int, defaultValue: "1", minimum: 1,
            maximum: int32Max),
        .init(name: "preallocate", kind: .bool, defaultValue: "false"),
        .init(name: "retention.bytes", kind: .long, defaultValue: "-1", minimum: -1),
        .init(name: "retention.ms", kind: .long, defaultValue: "-1", minimum: -1),
        .init(
            name: "segment.bytes", kind: .int, defaultValue: "\(Limits.logSegmentBytesDefault)",
            minimum: 14, maximum: Int64(Limits.logSegmentBytesMax)),
        .init(
            name: "segment.index.bytes", kind: .int, defaultValue: "10485760", minimum: 4,
            maximum: int32Max),
        .init(name: "segment.jitter.ms", kind: .long, defaultValue: "0"),
        .init(name: "segment.ms", kind: .long, defaultValue: "604800000", minimum: 1),
        .init(name: "unclean.leader.election.enable", kind: .bool, defaultValue: "false"),
    ]

    private static let int32Max = Int64(Int32.max)
    private static let byName = Dictionary(
        uniqueKeysWithValues: definitions.map { ($0.name, $0) })

    /// Sets or, with nil, resets a setting.
    mutating func set(_ name: String, to value: String?) throws(TopicError) {
        guard let definition = Self.byName[name] else {
            throw TopicError(.invalidConfig, "no topic setting is called '\(name)'")
        }
        if let value, let wanted = definition.objection(to: value) {
            throw TopicError(.invalidConfig, "\(name): '\(value)' is not \(wanted)")
        }
        changed[name] = value
    }

    /// A value that counts: the topic's own or the default, which the server's settings may change.
    func value(_ name: String, _ defaults: [String: String]) -> String {
        changed[name] ?? defaults[name] ?? Self.byName[name]?.defaultValue ?? ""
    }

    private func number(_ name: String, _ defaults: [String: String]) -> Int {
        // Every value in the table and every checked one is a number in range.
        Int(value(name, defaults)) ?? 0
    }

    /// What the settings mean to a partition.
    func rules(_ defaults: [String: String]) -> PartitionRules {
        PartitionRules(
            batches: BatchRules(
                bytesMax: number("max.message.bytes", defaults),
                needsKeys: value("cleanup.policy", defaults).contains("compact"),
                usesAppendTime: value("message.timestamp.type", defaults) == "LogAppendTime"),
            segmentBytes: number("segment.bytes", defaults))
    }

    /// min.insync.replicas: more than the one node there is can never be met.
    func replicasMin(_ defaults: [String: String]) -> Int {
        number("min.insync.replicas", defaults)
    }
}
