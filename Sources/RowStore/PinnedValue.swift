// A value where RocksDB has it, for readers of large values that would only copy them.

internal import CRocksDB

/// A value of a table, valid as long as this object. `@unchecked Sendable` holds because nobody
/// writes to the bytes, and only `deinit` lets go of them.
@safe package final class PinnedValue: @unchecked Sendable {
    package let bytes: UnsafeRawBufferPointer
    private let slice: OpaquePointer
    /// What RocksDB has the bytes in.
    private let handle: DatabaseHandle

    init(taking slice: OpaquePointer, of handle: DatabaseHandle) {
        var count = 0
        let value = unsafe rocksdb_pinnableslice_value(slice, &count)
        unsafe bytes = UnsafeRawBufferPointer(start: value, count: count)
        unsafe self.slice = slice
        self.handle = handle
    }

    /// The bytes for those who let go of this object.
    package var copy: [UInt8] { withExtendedLifetime(self) { unsafe Array(bytes) } }

    deinit { unsafe rocksdb_pinnableslice_destroy(slice) }
}
