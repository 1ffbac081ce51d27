import Synchronization
import Testing

@testable import Import

/// What an import shows while it runs.
@Suite struct ProgressTests {
    private func progress(_ events: Int64, _ position: Int64, of size: Int64?, _ seconds: Int)
        -> ImportProgress
    {
        var totals = ImportTotals()
        totals.events = events
        totals.position = position
        return ImportProgress(totals: totals, size: size, elapsed: .seconds(seconds))
    }

    @Test func barRateAndTimeLeft() {
        let line = ProgressLine(name: "f.gz")
        #expect(
            line.drawn(progress(50_000, 250, of: 1000, 25))
                == "f.gz  ██████··················  25%  50,000 events  2,000/s  1:15 left")
        #expect(
            line.drawn(progress(10, 1000, of: 1000, 0))
                == "f.gz  ████████████████████████  100%  10 events  0/s")
        #expect(line.drawn(progress(5, 9, of: nil, 1)) == "f.gz  5 events  5/s")
        #expect(
            line.plain(progress(50_000, 250, of: 1000, 25))
                == "f.gz: 50000 events, 0 rejected, 2000 events/s (25%)")
    }

    /// Every share of a file has a bar of the same width.
    @Test func barsAreOfOneWidth() {
        let line = ProgressLine(name: "f")
        for position in Int64(0)...1000 {
            let bar = line.drawn(progress(0, position, of: 1000, 0)).split(separator: " ")[1]
            #expect(bar.count == 24, "\(position)")
        }
        #expect(line.drawn(progress(0, 0, of: 0, 0)).contains("100%"))
    }

    @Test(arguments: [(0, "0"), (999, "999"), (1000, "1,000"), (-1_234_567, "-1,234,567")])
    func digitsAreGrouped(number: Int64, text: String) {
        #expect(grouped(number) == text)
    }

    /// A thousand reports in one second become ten drawings and a last one; a file gets fewer.
    @Test func printerIsPaced() {
        for (isTerminal, wanted) in [(true, 11), (false, 2)] {
            let written = Collected()
            let printer = ProgressPrinter(name: "f", isTerminal: isTerminal) { written.add($0) }
            for step in 0..<1000 {
                var now = progress(Int64(step), 0, of: nil, 0)
                now.elapsed = .milliseconds(step)
                printer.show(now)
            }
            printer.finish(progress(1000, 0, of: nil, 1))
            #expect(written.all.count == wanted)
            #expect(written.all.last?.hasSuffix("\n") == true)
        }
    }
}

private final class Collected: Sendable {
    private let texts = Mutex<[String]>([])
    func add(_ text: String) { texts.withLock { $0.append(text) } }
    var all: [String] { texts.withLock { $0 } }
}
