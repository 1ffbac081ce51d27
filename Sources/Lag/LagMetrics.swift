// A reading as Prometheus text: computed when it is asked for, so no series outlives its partition.

extension LagReport {
    private typealias Gauge = (name: String, help: String, value: (PartitionLag) -> Int64?)

    private static var gauges: [Gauge] {
        [
            ("lag_earliest_offset", "First offset that the log still has.", { $0.range?.earliest }),
            ("lag_latest_offset", "Offset after the last record.", { $0.range?.latest }),
            ("lag_committed_offset", "Next offset that the group wants.", { $0.current }),
            ("lag_delta_offsets", "Offsets that the group has still to read.", { $0.delta }),
            ("lag_lost_offsets", "Offsets deleted before the group read them.", { $0.lost }),
            ("lag_applied_offset", "Next offset that the store's shard wants.", { $0.applied }),
        ]
    }

    /// Exposition text; what is not known has no line.
    package var prometheus: String {
        var text = ""
        for gauge in Self.gauges {
            text += "# HELP \(gauge.name) \(gauge.help)\n# TYPE \(gauge.name) gauge\n"
            for row in partitions {
                guard let value = gauge.value(row) else { continue }
                text += "\(gauge.name){\(Self.labels(row))} \(value)\n"
            }
        }
        return text
    }

    private static func labels(_ row: PartitionLag) -> String {
        let pairs = [
            ("group", row.group), ("topic", row.partition.topic),
            ("partition", String(row.partition.partition)),
        ]
        return pairs.map { "\($0.0)=\"\(escaped($0.1))\"" }.joined(separator: ",")
    }

    private static func escaped(_ text: String) -> String {
        text.reduce(into: "") { result, character in
            switch character {
            case "\\": result += "\\\\"
            case "\"": result += "\\\""
            case "\n": result += "\\n"
            default: result.append(character)
            }
        }
    }
}
