// An extraction in pages: newest first, each page all events of a stretch of time that ends where
// the page before began, so that every event is in one page, whatever is written meanwhile.

internal import Base
internal import Model
package import Plan

/// What is left to read of one extraction.
package struct ExtractionPager: Sendable {
    private var plan: ExtractionPlan
    private var pageEvents: Int
    /// What a page may have at most, as far as is known.
    private var pageEventsMax = Limits.extractionEventsMax
    /// Events that may still be given.
    private var left: Int
    /// What the whole extraction has read.
    package private(set) var statistics = ScanStatistics()
    package private(set) var isDone = false

    package init(_ plan: ExtractionPlan, pageEvents: Int = Limits.extractionPageEvents) {
        self.plan = plan
        self.pageEvents = pageEvents
        left = plan.limit
    }

    /// What to ask the shards next.
    package var next: ExtractionPlan {
        var next = plan
        next.isLatest = true
        next.limit = min(pageEvents, left)
        return next
    }

    /// The page was too large for one answer. False: it cannot be made smaller.
    package mutating func shrink() -> Bool {
        guard next.limit > 1 else { return false }
        pageEventsMax = next.limit - 1
        pageEvents = next.limit / 2
        return true
    }

    /// Takes in what `next` gave: the events of the page. They can be none although more come.
    /// Throws if more events are of one instant than a page has room for.
    package mutating func add(
        _ result: ExtractionResult
    ) throws(ExtractionTooLarge) -> [ExtractedEvent] {
        statistics.add(result.statistics)
        let events = result.events
        guard events.count >= next.limit, let oldest = events.last?.timestamp,
            events.count < left
        else {
            isDone = true
            left -= events.count
            return events
        }
        // Of the oldest instant there may be more events, which belong together: they come next.
        let page = events.prefix { $0.timestamp > oldest }
        if page.isEmpty {
            guard pageEvents < pageEventsMax else {
                throw .bytes(max: Limits.extractionBytesMax)
            }
            pageEvents = min(pageEvents * 2, pageEventsMax)
        } else {
            pageEventsMax = Limits.extractionEventsMax
        }
        let start = plan.timeframe?.lowerBound ?? Timeframe.earliest
        plan.timeframe = start..<Timestamp(milliseconds: oldest.milliseconds + 1)
        left -= page.count
        return Array(page)
    }
}
