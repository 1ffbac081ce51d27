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

    /// What earlier runs have done says nothing about this one's speed.
    @Test func timeLeftAfterAResumption() {
        var resumed = progress(100, 600, of: 1000, 10)
        resumed.resumedAt = 500
        let line = ProgressLine(name: "f")
        #expect(line.drawn(resumed).hasSuffix("60%  100 events  10/s  0:40 left"))
        resumed.totals.position = 500
        #expect(line.drawn(resumed).hasSuffix("50%  100 events  10/s"))
    }

    /// A line that is longer than the terminal is wide would not be drawn over itself.
    @Test(arguments: 1...120) func lineFitsTheTerminal(columns: Int) {
        let line = ProgressLine(name: "flights-2013-01.ndjson.gz")
        let drawn = line.drawn(progress(27_004, 900, of: 1000, 2), columns: columns)
        #expect(drawn.count <= columns)
        #expect(columns < 77 || drawn.hasSuffix("·  90%  27,004 events  13,502/s  0:00 left"))
        #expect(line.drawn(progress(27_004, 0, of: nil, 2), columns: columns).count <= columns)
    }

    /// Nobody should wonder for two minutes why nothing moves.
    @Test func troubleIsShown() {
        let line = ProgressLine(name: "f")
        var stuck = progress(0, 0, of: 1000, 5)
        stuck.trouble = "connect: refused"
        #expect(line.drawn(stuck).hasSuffix("0%  0 events  0/s  waiting: connect: refused"))
        #expect(line.plain(stuck).hasSuffix("(0%), waiting: connect: refused"))
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
            let columns: @Sendable () -> Int = { 80 }
            let printer = ProgressPrinter(name: "f", columns: isTerminal ? columns : nil) {
                written.add($0)
            }
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

    /// What has been said of the last state already is not said again into a file.
    @Test func nothingIsSaidTwice() {
        let written = Collected()
        let printer = ProgressPrinter(name: "f", columns: nil) { written.add($0) }
        printer.show(progress(3, 1, of: 1, 1))
        printer.finish(progress(3, 1, of: 1, 1))
        #expect(written.all == ["f: 3 events, 0 rejected, 3 events/s (100%)\n"])
    }
}

private final class Collected: Sendable {
    private let texts = Mutex<[String]>([])
    func add(_ text: String) { texts.withLock { $0.append(text) } }
    var all: [String] { texts.withLock { $0 } }
}
