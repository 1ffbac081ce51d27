// What the kernel knows of this process, under the names that dashboards for Prometheus expect.

internal import Base
internal import Foundation
internal import Glibc

enum ProcessStatistics {
    /// Adds what can be read from /proc; what cannot be is left out.
    static func add(to text: inout PrometheusText) {
        text.begin("millrace_build_info", kind: "gauge")
        text.add("millrace_build_info", "version=\"\(Build.version)\"", 1)
        if let seconds = cpuSeconds {
            text.begin("process_cpu_seconds_total", kind: "counter")
            text.add("process_cpu_seconds_total", "", seconds)
        }
        if let count = try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").count {
            text.begin("process_open_fds", kind: "gauge")
            text.add("process_open_fds", "", Double(count))
        }
        if let bytes = residentBytes {
            text.begin("process_resident_memory_bytes", kind: "gauge")
            text.add("process_resident_memory_bytes", "", bytes)
        }
    }

    /// Time in user and kernel mode.
    private static var cpuSeconds: Double? {
        guard let fields = statFields, fields.count > 12, let user = Double(fields[11]),
            let system = Double(fields[12])
        else { return nil }
        return (user + system) / Double(sysconf(Int32(_SC_CLK_TCK)))
    }

    private static var residentBytes: Double? {
        guard let fields = statFields, fields.count > 21, let pages = Double(fields[21]) else {
            return nil
        }
        return pages * Double(sysconf(Int32(_SC_PAGESIZE)))
    }

    /// The fields of /proc/self/stat from the third on: the second, the name, may hold anything.
    private static var statFields: [Substring]? {
        guard let data = FileManager.default.contents(atPath: "/proc/self/stat") else { return nil }
        let line = String(decoding: data, as: UTF8.self)
        guard let end = line.lastIndex(of: ")") else { return nil }
        return line[line.index(after: end)...].split(separator: " ")
    }
}
