// The chunked transfer coding (RFC 9112 section 7.1). Extensions and trailers are read and dropped,
// within a bound.

internal import Base

/// Assembles a body from chunks that arrive in any pieces.
struct ChunkedBody {
    private enum State {
        case size
        case data(left: Int)
        case dataEnd
        case trailer
        case complete
    }

    private(set) var body: [UInt8] = []
    private var state = State.size
    /// Bytes of the line that is being read, without its CRLF.
    private var line: [UInt8] = []
    private var overheadBytes = 0
    private let bytesMax: Int

    /// Size lines, extensions and trailers together; a choice: ordinary clients send none.
    private static let overheadBytesMax = 64 << 10
    private static let lineBytesMax = 4096

    init(bytesMax: Int) { self.bytesMax = bytesMax }

    var isComplete: Bool { if case .complete = state { true } else { false } }

    /// Takes what it can of `bytes` and says how many bytes it took.
    mutating func read(_ bytes: ArraySlice<UInt8>) throws(HTTPProtocolError) -> Int {
        var rest = bytes
        while !isComplete, !rest.isEmpty {
            if case .data(let left) = state {
                let part = rest.prefix(left)
                body.append(contentsOf: part)
                rest = rest.dropFirst(part.count)
                state = part.count == left ? .dataEnd : .data(left: left - part.count)
            } else if try readLine(&rest) {
                try endLine()
                line.removeAll(keepingCapacity: true)
            }
        }
        return rest.startIndex - bytes.startIndex
    }

    /// Whether `line` is complete now; false when bytes ran out first.
    private mutating func readLine(
        _ rest: inout ArraySlice<UInt8>
    ) throws(HTTPProtocolError) -> Bool {
        while let byte = rest.popFirst() {
            if byte == 0x0A {
                guard line.popLast() == 0x0D else {
                    throw .bad("a chunk line does not end with CRLF")
                }
                return true
            }
            guard line.last != 0x0D else { throw .bad("a carriage return inside a chunk line") }
            line.append(byte)
            guard line.count <= Self.lineBytesMax else { throw .bad("a chunk line is too long") }
        }
        return false
    }

    private mutating func endLine() throws(HTTPProtocolError) {
        overheadBytes += line.count + 2
        // Many tiny chunks are legal; the overhead may grow with the body but not without bound.
        guard overheadBytes <= Self.overheadBytesMax + 16 * body.count else {
            throw .bad("chunk extensions or trailers are too long")
        }
        switch state {
        case .size:
            let size = try chunkSize()
            guard body.count + size <= bytesMax else { throw bodyTooLarge(bytesMax) }
            state = size == 0 ? .trailer : .data(left: size)
        case .dataEnd:
            guard line.isEmpty else { throw .bad("a chunk is longer than its size") }
            state = .size
        case .trailer:
            if line.isEmpty { state = .complete }
        case .data, .complete: break
        }
    }

    private func chunkSize() throws(HTTPProtocolError) -> Int {
        let digits = line.prefix { hexadecimalDigit($0) != nil }
        // Eight digits are 4 GiB, beyond every limit; more could overflow.
        guard !digits.isEmpty, digits.count <= 8 else { throw .bad("a chunk size is not a number") }
        let tail = line[digits.endIndex...].drop { $0 == 0x20 || $0 == 0x09 }
        guard tail.isEmpty || tail.first == UInt8(ascii: ";"), tail.allSatisfy(\.isFieldValue)
        else {
            throw .bad("a chunk size is not a number")
        }
        return digits.reduce(0) { $0 << 4 | Int(hexadecimalDigit($1) ?? 0) }
    }
}
