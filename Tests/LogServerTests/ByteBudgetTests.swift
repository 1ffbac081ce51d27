// The memory that all requests share, and cutting a stream into requests.

import Base
import Synchronization
import Testing

@testable import LogServer

@Suite struct ByteBudgetTests {
    /// First come, first served; a large wish is not passed over by small ones.
    @Test func wishesAreMetInOrder() {
        let budget = ByteBudget(total: 200, reserve: 100)
        let granted = Mutex<[Int]>([])
        func ask(_ name: Int, _ count: Int) -> RequestRoom? {
            budget.take(count, orWhole: count) { _ in granted.withLock { $0.append(name) } }
        }
        let first = ask(1, 60)
        #expect(first == RequestRoom(shared: 60))
        #expect(ask(2, 50) == RequestRoom(reserved: 50))
        #expect(ask(3, 50) == nil)
        #expect(ask(4, 10) == nil, "there is room, but another was first")
        #expect(budget.isScarce)
        budget.release(RequestRoom(shared: 60))
        #expect(granted.withLock { $0 } == [3, 4])
        #expect(!budget.isScarce)
        budget.release(RequestRoom(shared: 50))
        budget.release(RequestRoom(shared: 10))
        budget.release(RequestRoom(reserved: 50))
        #expect(budget.free == 200)
    }

    /// Requests that have come in part and fill everything are finished all the same, one by one:
    /// what is kept apart is enough for the one that waits longest.
    @Test func halfRequestsDoNotBlockEachOther() {
        let budget = ByteBudget(total: 200, reserve: 100)
        var rooms = (0..<4).map { _ in budget.take(25, orWhole: 100) { _ in } ?? RequestRoom() }
        #expect(rooms.allSatisfy { $0 == RequestRoom(shared: 25) })
        let granted = Mutex<[(Int, RequestRoom)]>([])
        for index in 0..<4 {
            let more = budget.take(25, orWhole: 75) { room in
                granted.withLock { $0.append((index, room)) }
            }
            if let more { granted.withLock { $0.append((index, more)) } }
        }
        var order: [Int] = []
        while let (index, room) = granted.withLock({ $0.isEmpty ? nil : $0.removeFirst() }) {
            rooms[index] += room
            guard rooms[index].byteCount == 100 else {
                // Asks for the next part, behind the others.
                let missing = 100 - rooms[index].byteCount
                let more = budget.take(25, orWhole: missing) { room in
                    granted.withLock { $0.append((index, room)) }
                }
                if let more { granted.withLock { $0.append((index, more)) } }
                continue
            }
            order.append(index)
            budget.release(rooms[index])
        }
        #expect(order.sorted() == [0, 1, 2, 3])
        #expect(budget.free == 200)
    }

    /// Slow is who brings less than is asked for while others wait, and who has had the time.
    @Test func slowRequestsAreFound() {
        var pace = RequestPace()
        func isSlow(_ bytes: Int, _ seconds: UInt64, scarce: Bool = true, reserve: Bool = false)
            -> Bool
        {
            pace.isSlow(
                receivedBytes: bytes, hasReserve: reserve, isScarce: scarce, now: seconds * 1000)
        }
        let rate = Limits.logRequestBytesPerSecondMin
        #expect(!isSlow(0, 100), "it has just begun")
        #expect(!isSlow(10 * rate, 110))
        #expect(isSlow(20 * rate - 1, 120))
        #expect(!isSlow(20 * rate, 130, scarce: false))
        #expect(isSlow(30 * rate, 140, reserve: true))
        pace.begin()
        #expect(!isSlow(30 * rate, 150, reserve: true))
        #expect(!isSlow(30 * rate + 10 * Limits.logReserveBytesPerSecondMin, 160, reserve: true))
    }

    /// However a stream is cut, the same requests come out.
    @Test(arguments: [false, true], [7, 1000])
    func everyCutGivesTheSameRequests(_ takesFirst: Bool, _ step: Int) {
        let requests: [[UInt8]] = [
            Array(1...8), [UInt8](repeating: 7, count: 300), Array(10...20),
        ]
        let stream: [UInt8] = requests.flatMap { request -> [UInt8] in
            [0, 0, UInt8(request.count >> 8), UInt8(request.count & 255)] + request
        }
        for size in 1...stream.count {
            var assembler = RequestAssembler()
            var found: [[UInt8]] = []
            for start in stride(from: 0, to: stream.count, by: size) {
                var input = stream[start..<min(start + size, stream.count)]
                if takesFirst {
                    input = input.dropFirst(input.withUnsafeBytes { assembler.take($0) })
                }
                loop: while true {
                    switch assembler.next(&input, lengths: 8...Limits.logRequestBytesMax) {
                    case .needsMore: break loop
                    case .needsRoom(let count): assembler.admit(min(count, step))
                    case .request(let content): found.append(content)
                    case .invalid: return #expect(Bool(false), "invalid")
                    }
                }
            }
            #expect(found == requests)
            #expect(assembler.isBetweenRequests)
        }
    }

    @Test func lengthsThatCannotBeAreRefused() {
        for bytes: [UInt8] in [
            [0xFF, 0xFF, 0xFF, 0xFF], [0, 0, 0, 7], Array("GET ".utf8), [0x10, 0, 0, 0],
        ] {
            var assembler = RequestAssembler()
            var input = bytes[...]
            guard case .invalid = assembler.next(&input, lengths: 8...Limits.logRequestBytesMax)
            else {
                return #expect(Bool(false), "\(bytes) was taken")
            }
        }
    }
}
