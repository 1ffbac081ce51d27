import Base
import Foundation
import Testing

/// A page that cannot be read is zeros and a mark, for the mapping it belongs to.
@Suite struct MappedFileFaultTests {
    @Test func aCutFileReadsAsZerosAndSaysSo() throws {
        let url = FileManager.default.temporaryDirectory
            .appendingPathComponent("millrace-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: url) }
        try Data([UInt8](repeating: 7, count: 10_000)).write(to: url)
        let file = try MappedFile(url.path)
        let other = try MappedFile(url.path)
        #expect(file.copy(9_000..<9_002) == [7, 7])
        #expect(!file.hasFaulted)
        let handle = try FileHandle(forUpdating: url)
        try handle.truncate(atOffset: 4096)
        #expect(file.copy(4_095..<4_097) == [7, 0])
        #expect(file.hasFaulted && !other.hasFaulted)
        #expect(file.copy(9_999..<10_000) == [0])
        // The system would end the process on the other one too.
        #expect(other.copy(0..<10_000)?.last == 0)
        #expect(other.hasFaulted)
        // A new mapping knows nothing of it.
        try handle.truncate(atOffset: 10_000)
        try #expect(!MappedFile(url.path).hasFaulted)
    }
}
