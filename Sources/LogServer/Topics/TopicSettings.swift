// The settings of a topic: those that differ from the defaults, and what they mean to a partition.
// TopicSettings+Table.swift has the names, types and defaults.

internal import Base
internal import KafkaWire

/// The settings of one topic: those that differ from the defaults.
struct TopicSettings: Sendable, Equatable {
    private(set) var changed: [String: String] = [:]

    /// Sets or, with nil, resets a setting.
    mutating func set(_ name: String, to value: String?) throws(TopicError) {
        let definition = try Self.definition(of: name)
        if let value, let wanted = definition.objection(to: value) {
            throw TopicError(.invalidConfig, "\(name): '\(value)' is not \(wanted)")
        }
        changed[name] = value
    }

    /// Adds words to a list, or takes them out of it.
    mutating func change(
        _ name: String, adding: Bool, _ words: String?, _ defaults: [String: String]
    ) throws(TopicError) {
        guard try Self.definition(of: name).kind == .list else {
            throw TopicError(.invalidConfig, "\(name) is no list: it can only be set or deleted")
        }
        guard let words else {
            throw TopicError(.invalidConfig, "\(name): no words were given")
        }
        let old = Self.words(value(name, defaults))
        let given = Self.words(words)
        let new =
            adding
            ? old + given.filter { !old.contains($0) } : old.filter { !given.contains($0) }
        try set(name, to: new.joined(separator: ","))
    }

    /// Objects to settings that contradict each other.
    func check(_ defaults: [String: String]) throws(TopicError) {
        let (least, most) = (
            number("min.compaction.lag.ms", defaults), number("max.compaction.lag.ms", defaults)
        )
        guard least <= most else {
            throw TopicError(
                .invalidConfig,
                "min.compaction.lag.ms: \(least) is above max.compaction.lag.ms, \(most)")
        }
    }

    private static func definition(of name: String) throws(TopicError) -> SettingDefinition {
        guard let definition = byName[name] else {
            throw TopicError(.invalidConfig, "no topic setting is called '\(name)'")
        }
        return definition
    }

    private static func words(_ list: String) -> [String] {
        list.split(separator: ",").map { String($0.filter { $0 != " " }) }
    }

    // MARK: Meaning

    /// A value that counts: the topic's own or the default, which the server's settings may change.
    func value(_ name: String, _ defaults: [String: String]) -> String {
        changed[name] ?? defaults[name] ?? Self.byName[name]?.defaultValue ?? ""
    }

    private func number(_ name: String, _ defaults: [String: String]) -> Int {
        // Every value in the table and every checked one is a number in range.
        Int(value(name, defaults)) ?? 0
    }

    /// Whether cleanup.policy has a word.
    func cleanupPolicy(has word: String, _ defaults: [String: String]) -> Bool {
        Self.words(value("cleanup.policy", defaults)).contains(word)
    }

    /// What the settings mean to a partition.
    func rules(_ defaults: [String: String]) -> PartitionRules {
        let compacts = cleanupPolicy(has: "compact", defaults)
        return PartitionRules(
            batches: BatchRules(
                bytesMax: number("max.message.bytes", defaults), needsKeys: compacts,
                usesAppendTime: value("message.timestamp.type", defaults) == "LogAppendTime",
                codec: Self.codecs[value("compression.type", defaults)]),
            segmentBytes: number("segment.bytes", defaults),
            cleaning: cleaningRules(defaults, compacts: compacts))
    }

    private func cleaningRules(_ defaults: [String: String], compacts: Bool) -> CleaningRules {
        let retention = number("retention.ms", defaults)
        let retentionBytes = number("retention.bytes", defaults)
        return CleaningRules(
            deletes: cleanupPolicy(has: "delete", defaults), compacts: compacts,
            retention: retention < 0 ? nil : Int64(retention),
            retentionBytes: retentionBytes < 0 ? nil : retentionBytes,
            segmentAge: Int64(number("segment.ms", defaults)),
            dirtyRatio: Double(value("min.cleanable.dirty.ratio", defaults)) ?? 0.5,
            compactionLagMin: Int64(number("min.compaction.lag.ms", defaults)),
            compactionLagMax: Int64(number("max.compaction.lag.ms", defaults)),
            tombstoneRetention: Int64(number("delete.retention.ms", defaults)))
    }

    /// min.insync.replicas: more than the one node there is can never be met.
    func replicasMin(_ defaults: [String: String]) -> Int {
        number("min.insync.replicas", defaults)
    }
}
