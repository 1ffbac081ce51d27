// A directory of its own, files for it, and gzip without a compressor.

import Foundation
import Testing

/// Makes a directory, hands it out, and removes it.
func withDirectory<Result>(_ body: (String) async throws -> Result) async throws -> Result {
    let url = FileManager.default.temporaryDirectory
        .appending(path: "millrace-import-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: url) }
    return try await body(url.path)
}

func write(_ bytes: [UInt8], to path: String) throws {
    try Data(bytes).write(to: URL(filePath: path))
}

func contents(of path: String) -> String {
    (try? String(contentsOfFile: path, encoding: .utf8)) ?? ""
}

/// A gzip member whose blocks are stored, not compressed.
func storedGzip(_ bytes: [UInt8]) -> [UInt8] {
    var output: [UInt8] = [0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 255]
    var rest = bytes[...]
    repeat {
        let part = rest.prefix(65_535)
        rest = rest.dropFirst(part.count)
        let size = UInt16(part.count)
        output += [rest.isEmpty ? 1 : 0]
        output += [UInt8(size & 255), UInt8(size >> 8), UInt8(~size & 255), UInt8(~size >> 8)]
        output += part
    } while !rest.isEmpty
    for word in [crc32(bytes), UInt32(bytes.count)] {
        output += (0..<4).map { UInt8(word >> (8 * UInt32($0)) & 255) }
    }
    return output
}

/// The checksum of gzip (polynomial 0xEDB88320), bit by bit.
private func crc32(_ bytes: [UInt8]) -> UInt32 {
    var crc = UInt32.max
    for byte in bytes {
        crc ^= UInt32(byte)
        for _ in 0..<8 { crc = crc & 1 == 1 ? crc >> 1 ^ 0xEDB8_8320 : crc >> 1 }
    }
    return ~crc
}
