import CoreMetrics
import Metrics
import Testing

@testable import Runtime

/// The text of /metrics is what a Prometheus server expects, to the letter.
@Suite struct PrometheusTests {
    @Test func textIsGolden() {
        let registry = PrometheusRegistry()
        let counter = registry.makeCounter(label: "b.calls-total", dimensions: [("status", "ok")])
        counter.increment(by: 2)
        // The same series again is the same number.
        registry.makeCounter(label: "b.calls-total", dimensions: [("status", "ok")]).increment(by: 1)
        registry.makeCounter(label: "b.calls-total", dimensions: [("status", "a\"b\\c\nd")])
            .increment(by: 1)
        let meter = registry.makeMeter(label: "a_depth", dimensions: [])
        meter.set(2.5)
        meter.decrement(by: 5)
        let floating = registry.makeFloatingPointCounter(label: "c_seconds_total", dimensions: [])
        floating.increment(by: 0.25)
        registry.makeRecorder(label: "d_last", dimensions: [], aggregate: false).record(7.0)
        #expect(
            registry.text == """
                # TYPE a_depth gauge
                a_depth -2.5
                # TYPE b_calls_total counter
                b_calls_total{status="a\\"b\\\\c\\nd"} 1
                b_calls_total{status="ok"} 3
                # TYPE c_seconds_total counter
                c_seconds_total 0.25
                # TYPE d_last gauge
                d_last 7

                """)
    }

    @Test func timersAreHistogramsInSeconds() {
        let registry = PrometheusRegistry()
        let timer = registry.makeTimer(label: "t_seconds", dimensions: [("method", "scan")])
        for nanoseconds in [400_000, 1_000_000, 60_000_000_000] as [Int64] {
            timer.recordNanoseconds(nanoseconds)
        }
        let lines = registry.text.split(separator: "\n")
        #expect(lines.first == "# TYPE t_seconds histogram")
        #expect(lines.contains(#"t_seconds_bucket{method="scan",le="0.0005"} 1"#))
        #expect(lines.contains(#"t_seconds_bucket{method="scan",le="0.001"} 2"#))
        #expect(lines.contains(#"t_seconds_bucket{method="scan",le="30"} 2"#))
        #expect(lines.contains(#"t_seconds_bucket{method="scan",le="+Inf"} 3"#))
        #expect(lines.contains(#"t_seconds_sum{method="scan"} 60.0014"#))
        #expect(lines.last == #"t_seconds_count{method="scan"} 3"#)
    }

    @Test func recordersCountSizes() {
        let registry = PrometheusRegistry()
        let recorder = registry.makeRecorder(label: "size", dimensions: [], aggregate: true)
        recorder.record(4 as Int64)
        recorder.record(5 as Int64)
        let lines = registry.text.split(separator: "\n")
        #expect(lines.contains(#"size_bucket{le="4"} 1"#))
        #expect(lines.contains(#"size_bucket{le="16"} 2"#))
        #expect(lines.contains("size_sum 9"))
    }

    @Test func namesAndNumbersAreLegal() {
        #expect(PrometheusText.name("9 lives.é") == "_9_lives__")
        #expect(PrometheusText.number(.infinity) == "+Inf")
        #expect(PrometheusText.number(-.infinity) == "-Inf")
        #expect(PrometheusText.number(.nan) == "NaN")
        #expect(PrometheusText.number(1e20) == "1e+20")
    }

    /// Through swift-metrics itself, as the libraries use it.
    @Test func metricsOfTheLibraryEndHere() {
        let registry = PrometheusRegistry()
        withMetricsFactory(registry) {
            Counter(label: "x_total").increment()
            Metrics.Timer(label: "y_seconds").record(duration: .milliseconds(2))
        }
        #expect(registry.text.contains("x_total 1\n"))
        #expect(registry.text.contains("y_seconds_sum 0.002\n"))
    }

    @Test func theProcessIsShownOnRequest() {
        let text = PrometheusRegistry(showsProcess: true).text
        for name in [
            "millrace_build_info", "process_cpu_seconds_total", "process_open_fds",
            "process_resident_memory_bytes",
        ] {
            #expect(text.contains("# TYPE \(name) "), "\(name)")
        }
    }

    /// A name that is used for two kinds keeps the first; the program goes on.
    @Test func aConflictOfKindsIsHarmless() {
        let registry = PrometheusRegistry()
        registry.makeCounter(label: "x", dimensions: []).increment(by: 1)
        registry.makeTimer(label: "x", dimensions: []).recordNanoseconds(5)
        registry.makeMeter(label: "x", dimensions: []).set(9.0)
        #expect(registry.text == "# TYPE x counter\nx 1\n")
    }
}
