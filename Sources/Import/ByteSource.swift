// The bytes of a file or of standard input, a piece at a time, inflated if they are gzip.
//
// Calls block. A pipe may stay silent for long, so it is asked in short steps: between them the
// caller may stop, and what has been read so far need not wait for the next byte.

internal import Base
internal import Compression
internal import Glibc

/// What one attempt to read gave.
enum Piece {
    case bytes([UInt8])
    /// Nothing has come within a moment, or the import is to stop; more may come later.
    case nothingYet
    case end
}

/// Reads one input from its beginning to its end.
struct ByteSource: ~Copyable {
    private let path: String
    private let descriptor: Int32
    /// Bytes of the file as it lies on the disk; nil for a pipe.
    let size: Int64?
    /// How many of those have been read.
    private(set) var position: Int64 = 0
    private var buffer: [UInt8]
    private var gzip: GzipReader?
    /// Read and not yet handed out or inflated.
    private var pending: ArraySlice<UInt8> = []
    private var hasBegun = false

    /// A terminal's or pipe's silence is noticed within this many milliseconds: a choice.
    private static let silenceMilliseconds: Int32 = 200

    /// Opens a file; `-` is standard input.
    init(path: String) throws(ImportError) {
        self.path = path == "-" ? "standard input" : path
        descriptor = path == "-" ? dup(0) : open(path, O_RDONLY | O_CLOEXEC)
        buffer = [UInt8](repeating: 0, count: Limits.readBufferBytes)
        var information = stat()
        guard descriptor >= 0, fstat(descriptor, &information) == 0 else {
            size = nil
            throw ImportError(.input, "\(self.path) cannot be read: \(systemMessage())")
        }
        size = information.st_mode & S_IFMT == S_IFREG ? Int64(information.st_size) : nil
    }

    deinit { if descriptor >= 0 { close(descriptor) } }

    /// The next bytes.
    mutating func next() throws(ImportError) -> Piece {
        if !hasBegun {
            if try !begin() { return .nothingYet }
            let first = try gzip == nil ? plain() : inflate()
            // A byte order mark is no part of the first line.
            if case .bytes(let bytes) = first, bytes.starts(with: [0xEF, 0xBB, 0xBF]) {
                return .bytes(Array(bytes.dropFirst(3)))
            }
            return first
        }
        return try gzip == nil ? plain() : inflate()
    }

    /// Reads until it is known whether the input is gzip; false if that needs more time. The first
    /// bytes of a pipe may come one by one.
    private mutating func begin() throws(ImportError) -> Bool {
        while pending.count < 3 {
            switch try read() {
            case .bytes(let bytes): pending += bytes
            case .nothingYet: return false
            case .end:
                hasBegun = true
                return true
            }
        }
        hasBegun = true
        if pending.starts(with: [0x1F, 0x8B]) {
            do throws(CompressionError) { gzip = try GzipReader() } catch { throw damaged(error) }
        }
        return true
    }

    private mutating func plain() throws(ImportError) -> Piece {
        guard !pending.isEmpty else { return try read() }
        defer { pending = [] }
        return .bytes(Array(pending))
    }

    private mutating func inflate() throws(ImportError) -> Piece {
        var output: [UInt8] = []
        while true {
            do throws(CompressionError) {
                try gzip?.inflate(&pending, into: &output)
            } catch { throw damaged(error) }
            if !output.isEmpty { return .bytes(output) }
            switch try read() {
            case .bytes(let bytes): pending += bytes
            case .nothingYet: return .nothingYet
            case .end:
                guard gzip?.isAtMemberEnd ?? true, pending.isEmpty else {
                    throw ImportError(.input, "\(path) is cut short")
                }
                return .end
            }
        }
    }

    private func damaged(_ error: CompressionError) -> ImportError {
        ImportError(.input, "\(path): \(error.message)")
    }

    private mutating func read() throws(ImportError) -> Piece {
        if size == nil {
            var wanted = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
            if poll(&wanted, 1, Self.silenceMilliseconds) == 0 { return .nothingYet }
        }
        let room = buffer.count
        let count = Glibc.read(descriptor, &buffer, room)
        if count < 0, errno == EINTR { return .nothingYet }
        guard count >= 0 else {
            throw ImportError(.input, "\(path) cannot be read: \(systemMessage())")
        }
        position += Int64(count)
        return count == 0 ? .end : .bytes(Array(buffer[..<count]))
    }
}

/// Whether a path is something that can be read only once: standard input, a pipe, a terminal.
func isPipe(_ path: String) -> Bool {
    var information = stat()
    guard path != "-", stat(path, &information) == 0 else { return path == "-" }
    return [S_IFIFO, S_IFCHR, S_IFSOCK].contains(information.st_mode & S_IFMT)
}

/// Throws `ImportError` that says what keeps a path from being read as a file.
package func checkReadable(_ path: String) throws(ImportError) {
    var information = stat()
    guard stat(path, &information) == 0, access(path, R_OK) == 0 else {
        throw ImportError(.input, "\(path) cannot be read: \(systemMessage())")
    }
    guard information.st_mode & S_IFMT != S_IFDIR else {
        throw ImportError(.input, "\(path) is a directory")
    }
}

/// What the operating system says about the last failed call of this thread.
func systemMessage() -> String {
    let code = errno
    return strerror(code).map { String(cString: $0) } ?? "error \(code)"
}
