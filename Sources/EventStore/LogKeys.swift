// The keys under which this library logs.

enum LogKeys {
    static let segmentCount = "segment.count"
}
