// The files of a store beside the row store and the segments: the format's version.
//
//     FORMAT      "millrace-store 1\n"
//     LOCK        held by the process that has the store open
//     rows/       the row store
//     segments/   segment files

internal import Base

enum StoreDirectory {
    private static let word = "millrace-store"
    private static let version = 1

    /// Refuses a directory whose row store has lost the file that says what belongs to it: RocksDB
    /// would begin an empty one in its place, and its segments would be swept.
    static func checkRows(_ directory: String, disk: any Disk) throws {
        let path = directory + "/rows"
        try disk.makeDirectory(path)
        try disk.makeDirectory(directory + "/segments")
        let names = try disk.names(in: path)
        guard !names.contains("CURRENT") else { return }
        let segments = try disk.names(in: directory + "/segments")
        let isUsed =
            names.contains { $0.hasSuffix(".log") || $0.hasSuffix(".sst") }
            || segments.contains { SegmentFormat.number(ofFile: $0) != nil }
        guard !isUsed else {
            throw EventStoreError(
                .damaged,
                "'\(path)' has no file CURRENT, but the store has been written to: its row store "
                    + "is gone")
        }
    }

    /// Refuses a directory of a newer version; marks a new one with ours.
    static func checkFormat(_ directory: String, disk: any Disk) throws {
        let path = directory + "/FORMAT"
        guard let bytes = try disk.read(path) else {
            try disk.remove(path + ".tmp")
            try disk.create(path + ".tmp", pieces: [Array("\(word) \(version)\n".utf8)])
            try disk.rename(path + ".tmp", to: path)
            try disk.syncDirectory(directory)
            return
        }
        let text = String(decoding: bytes, as: UTF8.self)
        let words = text.split(whereSeparator: \.isWhitespace)
        guard words.count == 2, words[0] == word, let found = Int(words[1]) else {
            throw EventStoreError(.damaged, "'\(path)' does not name a store's format")
        }
        guard found <= version else {
            throw EventStoreError(
                .newerFormat,
                "'\(directory)' has format \(found); this program knows formats up to \(version)")
        }
    }
}
