// Cuts bytes that come in pieces into lines. Pure.

internal import Base

/// One line without its end.
struct Line: Equatable {
    /// Counted from 1.
    var number: Int
    var bytes: [UInt8]
    /// The line was longer than the limit; `bytes` is its beginning.
    var isTooLong = false
}

/// Lines end with LF or CRLF; the last one may have no end. Memory is bounded: of a line beyond the
/// limit only the beginning is kept.
struct LineSplitter {
    private let lineBytesMax: Int
    private var piece: ArraySlice<UInt8> = []
    private var open: [UInt8] = []
    private var isTooLong = false
    private var number = 1

    /// What a line that is too long keeps for the file of rejected lines.
    private static let keptBytes = 1024

    init(lineBytesMax: Int = Limits.importLineBytesMax) { self.lineBytesMax = lineBytesMax }

    /// Gives the next piece, after `next` has returned nil.
    mutating func append(_ bytes: [UInt8]) { piece = bytes[...] }

    /// The next whole line, or nil when more bytes are needed.
    mutating func next() -> Line? {
        guard let end = piece.firstIndex(of: UInt8(ascii: "\n")) else {
            keep(piece)
            piece = []
            return nil
        }
        keep(piece[..<end])
        piece = piece[(end + 1)...]
        return take()
    }

    /// What follows the last line end, if anything does.
    mutating func finish() -> Line? { open.isEmpty && !isTooLong ? nil : take() }

    private mutating func keep(_ part: ArraySlice<UInt8>) {
        guard !isTooLong else { return }
        // One more for the CR that is taken away again.
        if open.count + part.count > lineBytesMax + 1 {
            isTooLong = true
            open += part.prefix(Self.keptBytes)
            open.removeLast(max(open.count - Self.keptBytes, 0))
        } else {
            open += part
        }
    }

    private mutating func take() -> Line {
        if open.last == UInt8(ascii: "\r"), !isTooLong { open.removeLast() }
        if open.count > lineBytesMax {
            isTooLong = true
            open.removeLast(open.count - min(Self.keptBytes, open.count))
        }
        defer {
            open = []
            isTooLong = false
            number += 1
        }
        return Line(number: number, bytes: open, isTooLong: isTooLong)
    }
}
