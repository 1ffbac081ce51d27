// Cells that are gone from some moment on. Readers pass over them by the time of their snapshot;
// compactions throw them away by the store's time. Both come in as values: no clock is read here.

internal import CRocksDB
internal import Glibc
internal import Synchronization

/// The time of a store in milliseconds since 1970, which only goes forward.
final class ExpiryClock: Sendable {
    private let time = Atomic<Int64>(.min)

    var now: Int64 { time.load(ordering: .relaxed) }

    func advance(to now: Int64) { _ = time.max(now, ordering: .relaxed) }
}

/// The stored form of a cell that may expire: the time first.
enum ExpiringCell {
    static let prefixByteCount = 8
    static let never = Int64.max

    static func encode(_ value: [UInt8], expiresAt: Int64?) -> [UInt8] {
        encodeCounter(expiresAt ?? never) + value
    }

    /// The value, or nil if it is gone at `now`. Bytes too short to be such a cell are gone too.
    static func value(_ stored: [UInt8], at now: Int64) -> [UInt8]? {
        guard let time = expiry(stored), time > now || time == never else { return nil }
        return Array(stored.dropFirst(prefixByteCount))
    }

    /// The time from which on a stored cell is gone, nil for bytes that are no such cell.
    static func expiry(_ stored: [UInt8]) -> Int64? {
        stored.count >= prefixByteCount
            ? decodeCounter(Array(stored.prefix(prefixByteCount))) : nil
    }
}

/// The compaction filter of expiring tables. The options of a database own it, and its clock.
@safe final class ExpiryFilter {
    let filter: OpaquePointer
    private let clock: ExpiryClock

    init?(_ clock: ExpiryClock) {
        self.clock = clock
        // RocksDB calls from any thread and keeps nothing; `clock` outlives the filter.
        guard
            let filter = unsafe rocksdb_compactionfilter_create(
                Unmanaged.passUnretained(clock).toOpaque(), { _ in },
                { state, _, _, _, value, count, _, _, _ in
                    guard let state = unsafe state, let value = unsafe value,
                        count >= ExpiringCell.prefixByteCount
                    else { return 0 }
                    let now = unsafe Unmanaged<ExpiryClock>.fromOpaque(state)
                        .takeUnretainedValue().now
                    let time = unsafe Int64(
                        littleEndian: UnsafeRawPointer(value).loadUnaligned(as: Int64.self))
                    return time <= now && time != ExpiringCell.never ? 1 : 0
                },
                { _ in unsafe ExpiryFilter.name })
        else { return nil }
        unsafe self.filter = filter
    }

    deinit { unsafe rocksdb_compactionfilter_destroy(filter) }

    // A C string that lives as long as the process, as RocksDB keeps the pointer; nobody writes to
    // it, so every thread may read it.
    nonisolated(unsafe) private static let name: UnsafePointer<CChar>? = unsafe UnsafePointer(
        strdup("millrace.expiry"))
}
