// What the benchmarks ask of the machine: lines of a file, what the process used, what a directory
// takes.

import Base
import Foundation
import Glibc

/// Reads a file line by line without holding it.
final class LineReader {
    private let descriptor: Int32
    /// Small enough for what is read to be near when it is decoded.
    private var buffer = [UInt8](repeating: 0, count: 256 << 10)
    /// What of the buffer has been read and not been given yet.
    private var position = 0
    private var end = 0

    init(_ path: String) throws {
        descriptor = open(path, O_RDONLY)
        guard descriptor >= 0 else { throw RunError("cannot open \(path): error \(errno)") }
    }

    deinit { close(descriptor) }

    /// The next line without its line feed.
    func next() throws -> [UInt8]? {
        while true {
            if let lineEnd = lineEnd() {
                defer { position = lineEnd + 1 }
                return Array(buffer[position..<lineEnd])
            }
            guard try readMore() else {
                defer { position = end }
                return position < end ? Array(buffer[position..<end]) : nil
            }
        }
    }
}

extension LineReader {
    private func readMore() throws -> Bool {
        buffer.replaceSubrange(0..<end - position, with: Array(buffer[position..<end]))
        (position, end) = (0, end - position)
        if end == buffer.count { buffer.append(contentsOf: repeatElement(0, count: end)) }
        let count = buffer.withUnsafeMutableBytes { bytes in
            bytes.baseAddress.map { read(descriptor, $0 + end, bytes.count - end) } ?? 0
        }
        guard count >= 0 else { throw RunError("cannot read: error \(errno)") }
        end += count
        return count > 0
    }

    /// Where the next line feed is.
    private func lineEnd() -> Int? {
        buffer.withUnsafeBytes { bytes in
            guard position < end, let base = bytes.baseAddress else { return nil }
            let found = memchr(base + position, 0x0A, end - position)
            return found.map { base.distance(to: UnsafeRawPointer($0)) }
        }
    }
}

/// Writes everything, or throws.
func writeAll(_ bytes: [UInt8], to descriptor: Int32) throws {
    var done = 0
    while done < bytes.count {
        let count = bytes[done...].withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
        guard count > 0 else { throw RunError("cannot write: error \(errno)") }
        done += count
    }
}

/// RUSAGE_SELF, which is imported with a type that `getrusage` does not take.
private let thisProcess: Int32 = 0

/// CPU that the process has used, user and system.
func processSeconds() -> Double {
    var usage = rusage()
    getrusage(thisProcess, &usage)
    func seconds(_ time: timeval) -> Double { Double(time.tv_sec) + Double(time.tv_usec) / 1e6 }
    return seconds(usage.ru_utime) + seconds(usage.ru_stime)
}

/// Most memory that the process ever had, mapped pages included.
func peakMemory() -> Int {
    var usage = rusage()
    getrusage(thisProcess, &usage)
    return usage.ru_maxrss << 10
}

/// Bytes that the process has had written to the disk.
func bytesWritten() -> Int {
    let text = (try? String(contentsOfFile: "/proc/self/io", encoding: .utf8)) ?? ""
    let line = text.split(separator: "\n").first { $0.hasPrefix("write_bytes: ") }
    return line.flatMap { Int($0.dropFirst("write_bytes: ".count)) } ?? 0
}

/// All files below a directory.
func files(_ directory: String) throws -> [String] {
    try FileManager.default.subpathsOfDirectory(atPath: directory).map { "\(directory)/\($0)" }
}

/// Bytes that a directory's files take on the disk.
func directoryBytes(_ directory: String) throws -> Int {
    try files(directory).reduce(0) { sum, path in
        var information = stat()
        guard lstat(path, &information) == 0, information.st_mode & S_IFMT == S_IFREG else {
            return sum
        }
        return sum + Int(information.st_blocks) * 512
    }
}
