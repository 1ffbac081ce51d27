// What the benchmarks ask of the machine: lines of a file, what the process used, what a directory
// takes.

import Base
import Foundation
import Glibc

/// Reads a file line by line without holding it.
final class LineReader {
    private let file: FileHandle
    private var buffer: [UInt8] = []
    private var position = 0
    private var isAtEnd = false

    init(_ path: String) throws { file = try FileHandle(forReadingFrom: URL(filePath: path)) }

    /// The next line without its line feed.
    func next() throws -> [UInt8]? {
        while true {
            if let end = lineEnd() {
                defer { position = end + 1 }
                return Array(buffer[position..<end])
            }
            if isAtEnd {
                defer { position = buffer.count }
                return position < buffer.count ? Array(buffer[position...]) : nil
            }
            buffer.removeFirst(position)
            position = 0
            let more = try file.read(upToCount: 4 << 20) ?? Data()
            isAtEnd = more.isEmpty
            buffer.append(contentsOf: more)
        }
    }
}

extension LineReader {
    /// Where the next line feed is.
    private func lineEnd() -> Int? {
        buffer.withUnsafeBytes { bytes in
            guard position < bytes.count, let base = bytes.baseAddress else { return nil }
            let found = memchr(base + position, 0x0A, bytes.count - position)
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
