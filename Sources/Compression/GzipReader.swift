// Inflates gzip a piece at a time: imports read files of any size through a bounded buffer. Members
// that follow one another (`cat a.gz b.gz`) are one stream, as gzip's own tools read them.

internal import CZlib

/// An incremental reader of one gzip stream.
@safe package struct GzipReader: ~Copyable {
    // On the heap, because zlib keeps a pointer to it.
    private let stream: UnsafeMutablePointer<z_stream>
    /// Whether the bytes given so far end with a whole member.
    package private(set) var isAtMemberEnd = true

    package init() throws(CompressionError) {
        unsafe stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
        unsafe stream.initialize(to: z_stream())
        // 16 asks for the gzip wrapper, 15 for the largest window.
        let status = unsafe inflateInit2_(
            stream, 15 + 16, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size))
        guard status == Z_OK else {
            // `deinit` runs here too; inflateEnd refuses a stream that was never begun.
            throw CompressionError(code: .refused, message: "zlib could not start: \(status)")
        }
    }

    deinit {
        unsafe inflateEnd(stream)
        unsafe stream.deallocate()
    }

    /// Inflates from `input`, which it shortens by what it used, and appends at most `limit` bytes
    /// to `output`. Call until `input` is empty and nothing was appended; then give more input.
    package mutating func inflate(
        _ input: inout ArraySlice<UInt8>, into output: inout [UInt8], limit: Int = 64 << 10
    ) throws(CompressionError) {
        var room = [UInt8](repeating: 0, count: limit)
        var filled = 0
        while filled < limit {
            if isAtMemberEnd, input.isEmpty { break }
            let (used, made, status) = step(input, &room, from: filled)
            input = input.dropFirst(used)
            filled += made
            if status == Z_STREAM_END {
                isAtMemberEnd = true
                _ = unsafe inflateReset(stream)
                continue
            }
            if status == Z_BUF_ERROR { break }
            guard status == Z_OK else { throw error(status) }
            if used > 0 { isAtMemberEnd = false }
            if used == 0, made == 0 { break }
        }
        output.append(contentsOf: room[..<filled])
    }

    private func step(
        _ input: ArraySlice<UInt8>, _ room: inout [UInt8], from filled: Int
    ) -> (used: Int, made: Int, status: Int32) {
        // zlib reads and writes only what the two counts allow, during the call.
        unsafe input.withUnsafeBytes { source in
            unsafe room.withUnsafeMutableBytes { target in
                let given = min(source.count, Int(UInt32.max))
                let free = target.count - filled
                unsafe stream.pointee.next_in = unsafe UnsafeMutablePointer(
                    mutating: source.baseAddress?.assumingMemoryBound(to: UInt8.self))
                unsafe stream.pointee.avail_in = UInt32(given)
                unsafe stream.pointee.next_out = unsafe target.baseAddress?.advanced(by: filled)
                    .assumingMemoryBound(to: UInt8.self)
                unsafe stream.pointee.avail_out = UInt32(free)
                let status = unsafe CZlib.inflate(stream, Z_NO_FLUSH)
                return unsafe (
                    given - Int(stream.pointee.avail_in), free - Int(stream.pointee.avail_out),
                    status
                )
            }
        }
    }

    private func error(_ status: Int32) -> CompressionError {
        // zlib's message is a static string.
        let text = unsafe stream.pointee.msg.map { unsafe String(cString: $0) }
        return CompressionError(
            code: .damaged, message: "this is not gzip: \(text ?? "status \(status)")")
    }
}
