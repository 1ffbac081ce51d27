// The metrics of a process as Prometheus text (exposition format 0.0.4): a back end of swift-metrics
// that keeps every number in memory behind one small lock each.

package import CoreMetrics
internal import Synchronization

/// All metrics of a process.
package final class PrometheusRegistry: MetricsFactory, Sendable {
    /// A metric's name and its labels as they are printed.
    private struct Series: Hashable, Comparable {
        var name: String
        var labels: String

        static func < (left: Self, right: Self) -> Bool {
            (left.name, left.labels) < (right.name, right.labels)
        }
    }

    private enum Instrument {
        case counter(PrometheusNumber)
        case gauge(PrometheusNumber)
        case histogram(PrometheusHistogram)

        var kind: String {
            switch self {
            case .counter: "counter"
            case .gauge: "gauge"
            case .histogram: "histogram"
            }
        }
    }

    private let instruments = Mutex<[Series: Instrument]>([:])

    private let showsProcess: Bool

    /// `showsProcess` adds what the kernel knows of the process to the text.
    package init(showsProcess: Bool = false) { self.showsProcess = showsProcess }

    /// The instrument of a series, made by `make` when it is new. A series that exists with another
    /// kind stays what it is; the newcomer counts, but is not printed.
    private func instrument(
        _ label: String, _ dimensions: [(String, String)], _ make: () -> Instrument
    ) -> Instrument {
        let series = Series(
            name: PrometheusText.name(label), labels: PrometheusText.labels(dimensions))
        return instruments.withLock { instruments in
            let new = make()
            if let known = instruments[series] { return known.kind == new.kind ? known : new }
            instruments[series] = new
            return new
        }
    }

    private func counter(_ label: String, _ dimensions: [(String, String)]) -> PrometheusNumber {
        switch instrument(label, dimensions, { .counter(PrometheusNumber()) }) {
        case .counter(let number), .gauge(let number): number
        case .histogram: PrometheusNumber()
        }
    }

    private func gauge(_ label: String, _ dimensions: [(String, String)]) -> PrometheusNumber {
        switch instrument(label, dimensions, { .gauge(PrometheusNumber()) }) {
        case .counter(let number), .gauge(let number): number
        case .histogram: PrometheusNumber()
        }
    }

    private func histogram(
        _ label: String, _ dimensions: [(String, String)], _ bounds: [Double]
    ) -> PrometheusHistogram {
        let made = PrometheusHistogram(bounds: bounds)
        guard case .histogram(let known) = instrument(label, dimensions, { .histogram(made) })
        else { return made }
        return known
    }

    package func makeCounter(label: String, dimensions: [(String, String)]) -> any CounterHandler {
        counter(label, dimensions)
    }

    package func makeFloatingPointCounter(
        label: String, dimensions: [(String, String)]
    ) -> any FloatingPointCounterHandler { counter(label, dimensions) }

    package func makeMeter(label: String, dimensions: [(String, String)]) -> any MeterHandler {
        gauge(label, dimensions)
    }

    package func makeRecorder(
        label: String, dimensions: [(String, String)], aggregate: Bool
    ) -> any RecorderHandler {
        if aggregate { return histogram(label, dimensions, HistogramBounds.sizes) }
        return gauge(label, dimensions)
    }

    package func makeTimer(label: String, dimensions: [(String, String)]) -> any TimerHandler {
        histogram(label, dimensions, HistogramBounds.seconds)
    }

    // A handle's series stays: a counter that vanishes would look like a restart.
    package func destroyCounter(_ handler: any CounterHandler) {}
    package func destroyFloatingPointCounter(_ handler: any FloatingPointCounterHandler) {}
    package func destroyMeter(_ handler: any MeterHandler) {}
    package func destroyRecorder(_ handler: any RecorderHandler) {}
    package func destroyTimer(_ handler: any TimerHandler) {}

    /// The exposition text: series sorted by name and labels, one TYPE line a name.
    package var text: String {
        var text = PrometheusText()
        for (series, instrument) in instruments.withLock({ $0 }).sorted(by: { $0.key < $1.key }) {
            text.begin(series.name, kind: instrument.kind)
            switch instrument {
            case .counter(let number), .gauge(let number):
                text.add(series.name, series.labels, number.value)
            case .histogram(let histogram):
                text.add(series.name, series.labels, histogram.reading)
            }
        }
        if showsProcess { ProcessStatistics.add(to: &text) }
        return text.text
    }
}

/// A number that goes up, or is set.
final class PrometheusNumber: CounterHandler, FloatingPointCounterHandler, MeterHandler,
    RecorderHandler, Sendable
{
    private let state = Mutex(0.0)

    var value: Double { state.withLock { $0 } }

    func increment(by amount: Int64) { state.withLock { $0 += Double(amount) } }
    func increment(by amount: Double) { state.withLock { $0 += amount } }
    func decrement(by amount: Double) { state.withLock { $0 -= amount } }
    func set(_ value: Int64) { state.withLock { $0 = Double(value) } }
    func set(_ value: Double) { state.withLock { $0 = value } }
    func record(_ value: Int64) { set(value) }
    func record(_ value: Double) { set(value) }
    func reset() { set(0.0) }
}

/// A distribution of values; timers in seconds, as Prometheus wants.
final class PrometheusHistogram: RecorderHandler, TimerHandler, Sendable {
    private let state: Mutex<Histogram>

    init(bounds: [Double]) { state = Mutex(Histogram(bounds: bounds)) }

    var reading: Histogram { state.withLock { $0 } }

    func record(_ value: Int64) { record(Double(value)) }
    func record(_ value: Double) { state.withLock { $0.record(value) } }
    func recordNanoseconds(_ duration: Int64) { record(Double(duration) / 1e9) }
}
