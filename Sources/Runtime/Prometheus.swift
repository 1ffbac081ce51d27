// The metrics of a process as Prometheus text (exposition format 0.0.4): a back end of swift-metrics
// that keeps every number in memory behind one small lock each.

package import CoreMetrics
internal import Synchronization

/// All metrics of a process.
package final class PrometheusRegistry: MetricsFactory, Sendable {
    /// A metric's name and its labels as they are printed.
    struct Series: Hashable, Sendable {
        var name: String
        var labels: String
    }

    private struct State {
        var values: [Series: PrometheusValue] = [:]
        var kinds: [String: String] = [:]
    }

    private let state = Mutex(State())

    package init() {}

    private func value(_ label: String, _ dimensions: [(String, String)], kind: String)
        -> PrometheusValue
    {
        let series = Series(name: Self.metricName(label), labels: Self.labels(dimensions))
        return state.withLock { state in
            state.kinds[series.name] = kind
            if let known = state.values[series] { return known }
            let value = PrometheusValue()
            state.values[series] = value
            return value
        }
    }

    package func makeCounter(label: String, dimensions: [(String, String)]) -> any CounterHandler {
        value(label, dimensions, kind: "counter")
    }

    package func makeFloatingPointCounter(
        label: String, dimensions: [(String, String)]
    ) -> any FloatingPointCounterHandler { value(label, dimensions, kind: "counter") }

    package func makeMeter(label: String, dimensions: [(String, String)]) -> any MeterHandler {
        value(label, dimensions, kind: "gauge")
    }

    package func makeRecorder(
        label: String, dimensions: [(String, String)], aggregate: Bool
    ) -> any RecorderHandler {
        value(label, dimensions, kind: aggregate ? "summary" : "gauge")
    }

    package func makeTimer(label: String, dimensions: [(String, String)]) -> any TimerHandler {
        value(label, dimensions, kind: "summary")
    }

    // A handle's series stays: a counter that vanishes would look like a restart.
    package func destroyCounter(_ handler: any CounterHandler) {}
    package func destroyFloatingPointCounter(_ handler: any FloatingPointCounterHandler) {}
    package func destroyMeter(_ handler: any MeterHandler) {}
    package func destroyRecorder(_ handler: any RecorderHandler) {}
    package func destroyTimer(_ handler: any TimerHandler) {}

    /// The exposition text: series sorted by name and labels, one TYPE line a name.
    package var text: String {
        let (values, kinds) = state.withLock { ($0.values, $0.kinds) }
        let sorted = values.sorted {
            ($0.key.name, $0.key.labels) < ($1.key.name, $1.key.labels)
        }
        var lines = ""
        var last = ""
        for (series, value) in sorted {
            let kind = kinds[series.name] ?? "untyped"
            if series.name != last { lines += "# TYPE \(series.name) \(kind)\n" }
            last = series.name
            let braces = series.labels.isEmpty ? "" : "{\(series.labels)}"
            let reading = value.reading
            if kind == "summary" {
                lines += "\(series.name)_sum\(braces) \(Self.number(reading.sum))\n"
                lines += "\(series.name)_count\(braces) \(reading.count)\n"
            } else {
                lines += "\(series.name)\(braces) \(Self.number(reading.sum))\n"
            }
        }
        return lines
    }

    static func number(_ value: Double) -> String {
        value == value.rounded() && value.magnitude < 1e15 ? String(Int64(value)) : String(value)
    }

    /// Prometheus allows letters, digits, `_` and `:`.
    static func metricName(_ label: String) -> String {
        String(label.map { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == ":") ? $0 : "_" })
    }

    static func labels(_ dimensions: [(String, String)]) -> String {
        dimensions.map { name, value in
            let escaped = value.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"")
                .replacing("\n", with: "\\n")
            return "\(metricName(name))=\"\(escaped)\""
        }
        .joined(separator: ",")
    }
}

/// One number of a process: a counter, a gauge, or the sum and count of recorded values. Timers are
/// in seconds, as Prometheus wants.
final class PrometheusValue: CounterHandler, FloatingPointCounterHandler, MeterHandler,
    RecorderHandler, TimerHandler, Sendable
{
    struct Reading: Sendable {
        var sum = 0.0
        var count: Int64 = 0
    }

    private let state = Mutex(Reading())

    var reading: Reading { state.withLock { $0 } }

    private func add(_ amount: Double) {
        state.withLock {
            $0.sum += amount
            $0.count += 1
        }
    }

    func increment(by amount: Int64) { add(Double(amount)) }
    func increment(by amount: Double) { add(amount) }
    func decrement(by amount: Double) { add(-amount) }
    func set(_ value: Int64) { set(Double(value)) }
    func set(_ value: Double) { state.withLock { $0.sum = value } }
    func record(_ value: Int64) { add(Double(value)) }
    func record(_ value: Double) { add(value) }
    func recordNanoseconds(_ duration: Int64) { add(Double(duration) / 1e9) }
    func reset() { state.withLock { $0 = Reading() } }
}
