// Bytes on their way into one socket.

internal import Base
internal import Glibc

/// What was written and not yet taken by the kernel. Small writes are gathered in a tail that is
/// used again and again, so that they cost no allocation; large ones are queued as they are.
struct OutputQueue {
    private enum Piece {
        case bytes([UInt8])
        case file(any SendableFile, Range<Int>)

        var count: Int {
            switch self {
            case .bytes(let bytes): bytes.count
            case .file(_, let range): range.count
            }
        }
    }

    private var pieces: [Piece] = []
    /// The first piece that is not sent completely, and how much of it is.
    private var head = 0
    private var headSent = 0
    private var tail: [UInt8] = []
    /// Bytes not sent yet.
    private(set) var count = 0

    var isEmpty: Bool { count == 0 }

    mutating func append(_ bytes: [UInt8]) {
        guard !bytes.isEmpty else { return }
        count += bytes.count
        if bytes.count <= Limits.gatherBytesMax {
            tail.append(contentsOf: bytes)
        } else {
            sealTail()
            pieces.append(.bytes(bytes))
        }
    }

    mutating func append(_ part: FilePart) {
        guard !part.range.isEmpty else { return }
        count += part.range.count
        sealTail()
        pieces.append(.file(part.file, part.range))
    }

    /// Lets `body` append to the gathered bytes in place.
    mutating func append(with body: (inout [UInt8]) -> Void) {
        let before = tail.count
        body(&tail)
        precondition(tail.count >= before, "bytes already written were taken back")
        count += tail.count - before
    }

    private mutating func sealTail() {
        guard !tail.isEmpty else { return }
        pieces.append(.bytes(tail))
        tail = []
    }

    mutating func removeAll() { self = OutputQueue() }

    /// One system call's worth.
    mutating func send(to socket: Socket) -> Socket.Outcome {
        let outcome: Socket.Outcome
        if head == pieces.count {
            // The common case: one answer, all of it in the tail.
            outcome = unsafe tail.withUnsafeBytes { unsafe socket.send($0) }
        } else if case .file(let file, let range) = pieces[head] {
            outcome = socket.send(
                file.descriptor, range.lowerBound + headSent..<range.upperBound)
        } else {
            outcome = sendPieces(to: socket)
        }
        if case .moved(let sent) = outcome { remove(sent) }
        return outcome
    }

    private func sendPieces(to socket: Socket) -> Socket.Outcome {
        unsafe withUnsafeTemporaryAllocation(of: iovec.self, capacity: Limits.vectorPiecesMax) {
            vector in
            unsafe fill(vector, used: 0) { used in
                unsafe socket.send(UnsafeMutableBufferPointer(rebasing: vector[..<used]))
            }
        }
    }

    /// Adds piece after piece to the vector, each in the scope of the one before, so that all the
    /// pointers are valid when `body` runs.
    private func fill(
        _ vector: UnsafeMutableBufferPointer<iovec>, used: Int, then body: (Int) -> Socket.Outcome
    ) -> Socket.Outcome {
        let index = head + used
        guard used < vector.count, let piece = bytes(at: index) else { return body(used) }
        return unsafe piece.withUnsafeBytes { bytes in
            let rest = unsafe UnsafeRawBufferPointer(rebasing: bytes[(used == 0 ? headSent : 0)...])
            // sendmsg reads through this pointer only; the field is mutable for receiving's sake.
            unsafe vector[used] = iovec(
                iov_base: UnsafeMutableRawPointer(mutating: rest.baseAddress), iov_len: rest.count)
            return unsafe fill(vector, used: used + 1, then: body)
        }
    }

    /// Gives `body` the next bytes, at most `bytesMax` and as many as lie together, and drops them.
    /// Only where no files are queued.
    mutating func take(bytesMax: Int, _ body: (UnsafeRawBufferPointer) -> Void) {
        guard let piece = bytes(at: head) else { preconditionFailure("no bytes to take") }
        let count = unsafe piece.withUnsafeBytes { bytes in
            let count = min(bytes.count - headSent, bytesMax)
            unsafe body(UnsafeRawBufferPointer(rebasing: bytes[headSent..<headSent + count]))
            return count
        }
        remove(count)
    }

    /// A piece in memory, the tail behind the last one; nil where a file is, and behind the end.
    private func bytes(at index: Int) -> [UInt8]? {
        guard index < pieces.count else {
            return index == pieces.count && !tail.isEmpty ? tail : nil
        }
        guard case .bytes(let bytes) = pieces[index] else { return nil }
        return bytes
    }

    private mutating func remove(_ sent: Int) {
        precondition(sent <= count, "more sent than was queued")
        count -= sent
        var rest = sent
        while head < pieces.count {
            let left = pieces[head].count - headSent
            guard rest >= left else {
                headSent += rest
                return
            }
            rest -= left
            pieces[head] = .bytes([])
            head += 1
            headSent = 0
        }
        pieces.removeAll(keepingCapacity: true)
        head = 0
        guard rest < tail.count else {
            // A tail that grew large is not kept: ten thousand idle connections may each have one.
            tail.removeAll(keepingCapacity: tail.capacity <= Limits.gatherBytesMax)
            return
        }
        if rest > 0 {
            sealTail()
            headSent = rest
        }
    }
}
