// Cuts a stream of bytes into requests: a length of four bytes, then so many bytes.

internal import Base
internal import KafkaWire

/// Collects one request at a time. Reserves memory only for what has been admitted.
struct RequestAssembler {
    /// What taking bytes led to.
    enum Step: Equatable {
        /// All bytes are taken and the request is incomplete.
        case needsMore
        /// The length of a request is known; `admit` before giving more bytes.
        case announced(byteCount: Int)
        case request([UInt8])
        /// The length is not one that a request can have.
        case invalid(length: Int)
    }

    private var lengthBytes: [UInt8] = []
    private var length = 0
    private var isAdmitted = false
    private var content: [UInt8] = []

    /// Whether the stream may end here.
    var isBetweenRequests: Bool { lengthBytes.isEmpty }

    /// The announced request may be read. Its room is taken at once: growing step by step would
    /// copy a large one twice, and the system gives pages only to what has come.
    mutating func admit() {
        isAdmitted = true
        content.reserveCapacity(length)
    }

    /// Takes what belongs to the request that is being received straight from where it was read
    /// to, so that it is copied once. The number of bytes taken; `next` gives the request.
    mutating func take(_ bytes: UnsafeRawBufferPointer) -> Int {
        guard isAdmitted else { return 0 }
        let taken = min(length - content.count, bytes.count)
        content.append(contentsOf: bytes.prefix(taken))
        return taken
    }

    /// Takes bytes from the front of `input`; `lengths` are those that a request may have.
    mutating func next(
        _ input: inout ArraySlice<UInt8>, lengths: ClosedRange<Int>
    ) -> Step {
        while lengthBytes.count < 4 {
            guard let byte = input.popFirst() else { return .needsMore }
            lengthBytes.append(byte)
            guard lengthBytes.count == 4 else { continue }
            let value = lengthBytes.reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
            length = Int(Int32(bitPattern: value))
            guard lengths.contains(length) else {
                return .invalid(length: length)
            }
        }
        guard isAdmitted else { return .announced(byteCount: length) }
        let taken = min(length - content.count, input.count)
        content.append(contentsOf: input.prefix(taken))
        input.removeFirst(taken)
        guard content.count == length else { return .needsMore }
        defer {
            lengthBytes.removeAll(keepingCapacity: true)
            isAdmitted = false
            content = []
        }
        return .request(content)
    }
}
