// Lines that were not taken, one JSON object a line: {"line": 3, "reason": "…", "text": "…"}.

internal import Foundation
internal import JSON

/// The file of rejected lines; made with the first of them.
struct RejectedFile {
    private let path: String
    private var file: FileHandle?

    /// A new import begins a new file; one that goes on appends to what there is.
    init(path: String, appends: Bool) {
        self.path = path
        // Nothing to say if there is none.
        if !appends { try? FileManager.default.removeItem(atPath: path) }
    }

    mutating func append(_ lines: [RejectedLine]) throws {
        guard !lines.isEmpty else { return }
        var bytes: [UInt8] = []
        for line in lines {
            let value: JSONValue = [
                "line": .int(Int64(line.line)), "reason": .string(line.reason),
                "text": .string(String(decoding: line.text, as: UTF8.self)),
            ]
            bytes += value.encoded + [UInt8(ascii: "\n")]
        }
        do { try open().write(contentsOf: Data(bytes)) } catch {
            throw ImportError(.state, "\(path) cannot be written: \(error.localizedDescription)")
        }
    }

    private mutating func open() throws -> FileHandle {
        if let file { return file }
        if !FileManager.default.fileExists(atPath: path) {
            try Data().write(to: URL(filePath: path))
        }
        let opened = try FileHandle(forWritingTo: URL(filePath: path))
        try opened.seekToEnd()
        file = opened
        return opened
    }
}
