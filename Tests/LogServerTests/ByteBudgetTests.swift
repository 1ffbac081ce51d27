// The memory that all requests share, and cutting a stream into requests.

import Base
import Synchronization
import Testing

@testable import LogServer

@Suite struct ByteBudgetTests {
    /// First come, first served; a large wish is not passed over by small ones.
    @Test func wishesAreMetInOrder() {
        let budget = ByteBudget(total: 100)
        let granted = Mutex<[Int]>([])
        func ask(_ name: Int, _ count: Int) -> Bool {
            budget.reserve(count) { granted.withLock { $0.append(name) } }
        }
        #expect(ask(1, 60))
        #expect(!ask(2, 50))
        #expect(!ask(3, 10))
        budget.release(60)
        #expect(granted.withLock { $0 } == [2, 3])
        #expect(budget.free == 40)
        budget.release(60)
        #expect(budget.free == 100)
    }

    /// However a stream is cut, the same requests come out.
    @Test(arguments: [false, true]) func everyCutGivesTheSameRequests(_ takesFirst: Bool) {
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
                    case .announced: assembler.admit()
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
