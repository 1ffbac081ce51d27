// Several loops that share the work of one process.

internal import CUV
internal import Synchronization

/// A fixed set of loops; connections are spread over them.
package final class EventLoopGroup: Sendable {
    package let loops: [EventLoop]
    private let turn = Atomic<Int>(0)

    /// `count` loops, by default one for each processor.
    package init(count: Int = EventLoopGroup.processorCount, name: String = "loop") throws {
        precondition(count > 0, "a group without loops")
        loops = try (0..<count).map { try EventLoop(name: "\(name)-\($0)") }
    }

    /// The loops in turn.
    package func next() -> EventLoop {
        let index = turn.wrappingAdd(1, ordering: .relaxed).oldValue
        return loops[Int(UInt(bitPattern: index) % UInt(loops.count))]
    }

    /// Shuts every loop down.
    package func shutdown() async {
        for loop in loops { await loop.shutdown() }
    }

    /// Processors this process may use.
    package static var processorCount: Int { Int(max(uv_available_parallelism(), 1)) }
}
