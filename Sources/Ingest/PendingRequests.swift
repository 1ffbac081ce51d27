// Which requests wait for the log, and for how many reports each. Pure: the lane feeds it and acts
// on what comes out.

/// Names one event of one request of one lane; travels through the log client and back.
struct EventToken: Equatable {
    static let lanesMax = 1 << 12
    private static let slotBits: UInt64 = 24
    private static let eventBits: UInt64 = 20

    let lane: Int
    let slot: Int
    /// The event's number within its request.
    let event: Int

    init(lane: Int, slot: Int, event: Int) {
        precondition(
            lane < Self.lanesMax && slot < 1 << Self.slotBits && event < 1 << Self.eventBits,
            "an event token overflows")
        self.lane = lane
        self.slot = slot
        self.event = event
    }

    /// The highest bits are 0.
    var raw: UInt64 {
        UInt64(lane) << (Self.slotBits + Self.eventBits) | UInt64(slot) << Self.eventBits
            | UInt64(event)
    }

    init(raw: UInt64) {
        lane = Int(raw >> (Self.slotBits + Self.eventBits))
        slot = Int(raw >> Self.eventBits & (1 << Self.slotBits - 1))
        event = Int(raw & (1 << Self.eventBits - 1))
    }
}

/// A table of requests. Every slot is freed exactly once, with the last report of its events.
struct PendingRequests<Request> {
    private struct Entry {
        var request: Request?
        var waiting = 0
        var failed: [Int] = []
    }

    private var entries: [Entry] = []
    private var free: [Int] = []

    /// Requests that are open.
    var count: Int { entries.count - free.count }

    /// A slot for a request whose events are about to be published.
    mutating func open() -> Int {
        if let slot = free.popLast() { return slot }
        entries.append(Entry())
        return entries.count - 1
    }

    /// One more event of the request has been published, or could not be.
    mutating func add(event: Int, to slot: Int, isPublished: Bool) {
        if isPublished { entries[slot].waiting += 1 } else { entries[slot].failed.append(event) }
    }

    /// Every event has been added: the request waits for its reports. Returns the events that
    /// failed if there is nothing to wait for, and frees the slot.
    mutating func close(_ slot: Int, _ request: Request) -> [Int]? {
        entries[slot].request = request
        guard entries[slot].waiting == 0 else { return nil }
        return release(slot).failed
    }

    /// A report has come. Returns the request if it was the last one, with its failed events in
    /// order, and frees the slot.
    mutating func settle(
        slot: Int, event: Int, isDelivered: Bool
    ) -> (request: Request, failed: [Int])? {
        guard entries.indices.contains(slot), entries[slot].waiting > 0 else { return nil }
        entries[slot].waiting -= 1
        if !isDelivered { entries[slot].failed.append(event) }
        guard entries[slot].waiting == 0 else { return nil }
        let (request, failed) = release(slot)
        return request.map { ($0, failed) }
    }

    private mutating func release(_ slot: Int) -> (request: Request?, failed: [Int]) {
        let entry = entries[slot]
        entries[slot] = Entry()
        free.append(slot)
        return (entry.request, entry.failed.sorted())
    }
}
