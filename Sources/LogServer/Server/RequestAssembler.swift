// Cuts a stream of bytes into requests: a length of four bytes, then so many bytes.

internal import Base
internal import KafkaWire

/// Collects one request at a time. Reserves memory only for what has been admitted.
struct RequestAssembler {
    /// What taking bytes led to.
    enum Step: Equatable {
        /// All bytes are taken and the request is incomplete.
        case needsMore
        /// The request has so many bytes more than have been admitted; `admit` some before giving
        /// more bytes.
        case needsRoom(byteCount: Int)
        case request([UInt8])
        /// The length is not one that a request can have.
        case invalid(length: Int)
    }

    private var lengthBytes: [UInt8] = []
    private var length = 0
    private var admitted = 0
    private var content: [UInt8] = []

    /// Whether the stream may end here.
    var isBetweenRequests: Bool { lengthBytes.isEmpty }

    /// So many bytes more of the request may be read. Room is made in few steps, and never for
    /// more than twice what has come: growing each time would copy a large one often.
    mutating func admit(_ byteCount: Int) {
        admitted += byteCount
        if content.capacity < admitted {
            content.reserveCapacity(min(length, max(admitted, 2 * content.count)))
        }
    }

    /// Takes what belongs to the request that is being received straight from where it was read
    /// to, so that it is copied once. The number of bytes taken; `next` gives the request.
    mutating func take(_ bytes: UnsafeRawBufferPointer) -> Int {
        let taken = min(admitted - content.count, bytes.count)
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
        let taken = min(admitted - content.count, input.count)
        content.append(contentsOf: input.prefix(taken))
        input.removeFirst(taken)
        guard content.count == length else {
            let isFull = content.count == admitted
            return isFull ? .needsRoom(byteCount: length - admitted) : .needsMore
        }
        defer {
            lengthBytes.removeAll(keepingCapacity: true)
            admitted = 0
            content = []
        }
        return .request(content)
    }
}
