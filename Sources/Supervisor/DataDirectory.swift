// The files that `up` keeps in its data directory: the cluster's shape, its secret, the
// configuration of each process, and while it runs the endpoints.

internal import Base
internal import FoundationEssentials
internal import Glibc
internal import JSON
internal import Model

/// A data directory of `millrace up`.
package struct DataDirectory: Sendable {
    package let path: String

    /// Creates the directory and its folders as needed.
    package init(path: String) throws {
        self.path = path
        for folder in ["", "/config", "/logs"] { try Self.make(path + folder) }
    }

    /// Makes a directory, and what it lies in, unless it is there.
    private static func make(_ path: String) throws(SupervisorError) {
        if mkdir(path, 0o700) == 0 { return }
        let parent = String(path[..<(path.lastIndex(of: "/") ?? path.startIndex)])
        if errno == ENOENT, !parent.isEmpty {
            try make(parent)
            if mkdir(path, 0o700) == 0 { return }
        }
        var (code, information) = (errno, stat())
        if code == EEXIST, stat(path, &information) == 0 {
            if information.st_mode & S_IFMT == S_IFDIR { return }
            code = ENOTDIR
        }
        let reason = strerror(code).map { String(cString: $0) } ?? "error \(code)"
        throw SupervisorError("cannot make directory '\(path)': \(reason)", reason: .disk)
    }

    package var secretFile: String { path + "/secret" }
    package var endpointsFile: String { path + "/endpoints.json" }
    private var recordFile: String { path + "/cluster.json" }

    /// The shape the data were made with, or nil on the first start.
    package func readRecord() throws -> ClusterRecord? {
        guard let bytes = try read(recordFile) else { return nil }
        do { return try ClusterRecord(json: bytes) } catch {
            throw SupervisorError("\(recordFile): \(error)", reason: .damagedData)
        }
    }

    package func write(_ record: ClusterRecord) throws {
        try write(record.json + [UInt8(ascii: "\n")], to: recordFile)
    }

    /// Writes the secret unless there is one already.
    package func ensureSecret(_ secret: @autoclosure () -> String) throws {
        guard try read(secretFile) == nil else { return }
        try write(Array((secret() + "\n").utf8), to: secretFile)
    }

    package func writeConfiguration(_ process: ProcessPlan) throws {
        try write(
            Array(configurationYAML(process.settings).utf8),
            to: "\(path)/config/\(process.name).yaml")
    }

    package func write(_ endpoints: Endpoints) throws {
        try write(endpoints.json, to: endpointsFile)
    }

    /// The last lines of what a process logged; empty if it never did.
    package func logTail(of process: String, lines: Int) -> [String] {
        let descriptor = open(logFile(process), O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return [] }
        defer { close(descriptor) }
        // A choice: more than any twenty ordinary lines.
        var bytes = [UInt8](repeating: 0, count: 16 << 10)
        let size = bytes.count
        let start = max(lseek(descriptor, 0, SEEK_END) - size, 0)
        let count = max(pread(descriptor, &bytes, size, start), 0)
        return String(decoding: bytes[..<count], as: UTF8.self).split(separator: "\n")
            .suffix(lines).map(String.init)
    }

    package func logFile(_ process: String) -> String { "\(path)/logs/\(process).log" }

    package func removeEndpoints() {
        // Nothing to say if the file is gone already.
        try? FileManager.default.removeItem(atPath: endpointsFile)
    }

    private func read(_ file: String) throws -> [UInt8]? {
        guard FileManager.default.fileExists(atPath: file) else { return nil }
        return [UInt8](try Data(contentsOf: URL(filePath: file)))
    }

    /// Readers see the old file or the new one, never a part.
    private func write(_ bytes: [UInt8], to file: String) throws {
        try Data(bytes).write(to: URL(filePath: file), options: .atomic)
        try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: file)
    }
}
