// The statistics of a topology as values: one worker's, or those of several added up; as JSON,
// which a worker serves, and as the table that people know from Storm.

package import JSON

/// What one component has done, and how it stands.
package struct ComponentReport: Sendable {
    package var name: String
    package var isSpout: Bool
    /// Tasks that it has now; of a spout, partitions.
    package var tasks = 0
    /// Tuples that wait for its tasks now.
    package var queued = 0
    /// How much of the last ten minutes the busiest task spent executing.
    package var capacity = 0.0
    /// Why the last batch failed, and how long ago.
    package var lastError: (reason: String, ago: Duration)?
    package var windows: [TallyWindow: Tally] = [:]

    package init(name: String, isSpout: Bool) {
        self.name = name
        self.isSpout = isSpout
    }

    mutating func add(_ other: ComponentReport) {
        tasks += other.tasks
        queued += other.queued
        capacity = max(capacity, other.capacity)
        if let theirs = other.lastError, theirs.ago < lastError?.ago ?? .seconds(Int64.max) {
            lastError = theirs
        }
        windows.merge(other.windows) { left, right in
            var sum = left
            sum += right
            return sum
        }
    }
}

extension Tally {
    /// Milliseconds within `execute` for a tuple.
    package var executeMilliseconds: Double { Self.mean(executeNanoseconds, executed) }
    /// Milliseconds from coming into the queue to being done; for a spout the complete latency.
    package var processMilliseconds: Double { Self.mean(processNanoseconds, acked) }

    private static func mean(_ nanoseconds: Int64, _ count: Int64) -> Double {
        count == 0 ? 0 : Double(nanoseconds) / Double(count) / 1e6
    }
}

/// How a topology stands.
package struct TopologyReport: Sendable {
    package var name: String
    /// Of the worker that has run longest.
    package var uptime: Duration
    package var workers = 1
    /// The spout first.
    package var components: [ComponentReport] = []

    package init(name: String, uptime: Duration) {
        self.name = name
        self.uptime = uptime
    }

    /// Adds another worker's report. Components that only it has come last.
    package mutating func add(_ other: TopologyReport) {
        uptime = max(uptime, other.uptime)
        workers += other.workers
        for component in other.components {
            if let index = components.firstIndex(where: { $0.name == component.name }) {
                components[index].add(component)
            } else {
                components.append(component)
            }
        }
    }
}

// MARK: JSON

extension TopologyReport {
    package var json: JSONValue {
        [
            "topology": .string(name), "uptime_seconds": .double(uptime.inSeconds),
            "workers": .int(Int64(workers)), "components": .array(components.map(\.json)),
        ]
    }

    /// Nil if it is no report.
    package init?(json: JSONValue) {
        guard let name = json["topology"]?.string, let uptime = json["uptime_seconds"]?.double,
            uptime.isFinite, abs(uptime) < 1e12, let workers = json["workers"]?.int,
            let rows = json["components"]?.array
        else { return nil }
        self.init(name: name, uptime: .milliseconds(Int64(uptime * 1000)))
        self.workers = Int(clamping: workers)
        for row in rows {
            guard let component = ComponentReport(json: row) else { return nil }
            components.append(component)
        }
    }
}

extension ComponentReport {
    fileprivate var json: JSONValue {
        let sums = TallyWindow.allCases.map { window in
            (key: window.rawValue, value: (windows[window] ?? Tally()).json(isSpout: isSpout))
        }
        var members: [(key: String, value: JSONValue)] = [
            ("id", .string(name)), ("type", .string(isSpout ? "spout" : "bolt")),
            ("tasks", .int(Int64(tasks))), ("queue_depth", .int(Int64(queued))),
            ("capacity", .double(capacity)), ("windows", .object(JSONObject(sums))),
        ]
        if let lastError {
            members.append(("last_error", .string(lastError.reason)))
            members.append(("last_error_seconds_ago", .double(lastError.ago.inSeconds)))
        }
        return .object(JSONObject(members))
    }

    fileprivate init?(json: JSONValue) {
        guard let name = json["id"]?.string, let type = json["type"]?.string,
            let tasks = json["tasks"]?.int, let queued = json["queue_depth"]?.int,
            let capacity = json["capacity"]?.double
        else { return nil }
        self.init(name: name, isSpout: type == "spout")
        self.tasks = Int(clamping: tasks)
        self.queued = Int(clamping: queued)
        self.capacity = capacity
        if let reason = json["last_error"]?.string,
            let ago = json["last_error_seconds_ago"]?.double, ago.isFinite, abs(ago) < 1e12
        {
            lastError = (reason, .milliseconds(Int64(ago * 1000)))
        }
        for window in TallyWindow.allCases {
            windows[window] = json["windows"]?[window.rawValue].flatMap(Tally.init(json:))
        }
    }
}

extension Tally {
    /// Latencies as means, which people want; counts beside them make sums of them again.
    fileprivate func json(isSpout: Bool) -> JSONValue {
        var members: [(key: String, value: JSONValue)] = [
            ("emitted", .int(emitted)), ("transferred", .int(transferred)),
            ("acked", .int(acked)), ("failed", .int(failed)),
        ]
        if isSpout {
            members.append(("complete_latency_ms", .double(processMilliseconds)))
        } else {
            members.append(("executed", .int(executed)))
            members.append(("execute_latency_ms", .double(executeMilliseconds)))
            members.append(("process_latency_ms", .double(processMilliseconds)))
        }
        return .object(JSONObject(members))
    }

    fileprivate init?(json: JSONValue) {
        guard let emitted = json["emitted"]?.int, let transferred = json["transferred"]?.int,
            let acked = json["acked"]?.int, let failed = json["failed"]?.int
        else { return nil }
        self.init()
        (self.emitted, self.transferred) = (emitted, transferred)
        (self.acked, self.failed) = (acked, failed)
        executed = json["executed"]?.int ?? 0
        let process = json["process_latency_ms"]?.double ?? json["complete_latency_ms"]?.double
        processNanoseconds = Self.sum(process, acked)
        executeNanoseconds = Self.sum(json["execute_latency_ms"]?.double, executed)
    }

    private static func sum(_ milliseconds: Double?, _ count: Int64) -> Int64 {
        Int64(exactly: ((milliseconds ?? 0) * 1e6 * Double(count)).rounded()) ?? 0
    }
}

// MARK: Text

extension TopologyReport {
    /// The tables of Storm's topology page, with one window for spout and bolts.
    package func text(_ window: TallyWindow = .tenMinutes) -> String {
        var sums: [[String]] = []
        let spout = components.first { $0.isSpout }
        for window in TallyWindow.allCases {
            var all = Tally()
            for component in components { all += component.windows[window] ?? Tally() }
            let own = spout?.windows[window] ?? Tally()
            sums.append(
                [
                    window.rawValue, "\(all.emitted)", "\(all.transferred)",
                    Self.number(own.processMilliseconds), "\(own.acked)", "\(own.failed)",
                ])
        }
        let lines =
            [
                "topology \(name): up \(Self.age(uptime)), \(workers) "
                    + (workers == 1 ? "worker" : "workers"), "",
            ]
            + Self.table(
                ["Window", "Emitted", "Transferred", "Complete ms", "Acked", "Failed"], sums)
            + ["", "last \(window.rawValue)"]
            + Self.table(
                [
                    "Component", "Tasks", "Emitted", "Transferred", "Capacity", "Execute ms",
                    "Executed", "Process ms", "Acked", "Failed", "Queued",
                ],
                components.map { $0.row(window) })
        let errors = components.compactMap { component in
            component.lastError.map {
                "\(component.name), \(Self.age($0.ago)) ago: \($0.reason)"
            }
        }
        return (lines + (errors.isEmpty ? [] : ["", "last failures"] + errors))
            .joined(separator: "\n") + "\n"
    }

    /// Columns as wide as their widest cell; names to the left, numbers to the right.
    private static func table(_ head: [String], _ rows: [[String]]) -> [String] {
        let widths = head.indices.map { column in
            ([head] + rows).map { $0[column].count }.max() ?? 0
        }
        return ([head] + rows).map { row in
            row.indices.map { column in
                let pad = String(repeating: " ", count: widths[column] - row[column].count)
                return column == 0 ? row[column] + pad : pad + row[column]
            }.joined(separator: "  ")
        }
    }

    /// Three decimals, as Storm shows latencies.
    fileprivate static func number(_ value: Double) -> String {
        guard value.isFinite, abs(value) < 1e12 else { return "-" }
        let thousandths = Int64((value * 1000).rounded())
        let rest = String(thousandths % 1000 + 1000).dropFirst()
        return "\(thousandths / 1000).\(rest)"
    }

    private static func age(_ duration: Duration) -> String {
        let seconds = duration.components.seconds
        switch seconds {
        case ..<60: return "\(seconds) s"
        case ..<3600: return "\(seconds / 60) min"
        case ..<86_400: return "\(seconds / 3600) h \(seconds % 3600 / 60) min"
        default: return "\(seconds / 86_400) d \(seconds % 86_400 / 3600) h"
        }
    }
}

extension ComponentReport {
    fileprivate func row(_ window: TallyWindow) -> [String] {
        let tally = windows[window] ?? Tally()
        func number(_ value: Double) -> String { TopologyReport.number(value) }
        return [
            name, "\(tasks)", "\(tally.emitted)", "\(tally.transferred)",
            isSpout ? "" : number(capacity), isSpout ? "" : number(tally.executeMilliseconds),
            isSpout ? "" : "\(tally.executed)", number(tally.processMilliseconds),
            "\(tally.acked)", "\(tally.failed)", isSpout ? "" : "\(queued)",
        ]
    }
}

extension Duration {
    var inSeconds: Double {
        Double(components.seconds) + Double(components.attoseconds) / 1e18
    }
}
