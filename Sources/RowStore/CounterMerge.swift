// The merge operator of counter tables: a cell is an Int64, little-endian, and an operand is added
// to
// it, wrapping. Anything that is not eight bytes fails the merge, which RocksDB reports as
// corruption.

internal import CRocksDB
internal import Glibc

enum CounterMerge {
    /// A new operator, owned by the options it is given to.
    static func makeOperator() -> OpaquePointer? {
        // The callbacks capture nothing, keep nothing, and may run on any thread.
        unsafe rocksdb_mergeoperator_create(
            nil,
            { _ in },
            { _, _, _, existing, existingCount, operands, counts, count, success, newCount in
                var sum: Int64 = 0
                if let existing = unsafe existing {
                    guard let value = unsafe CounterMerge.value(existing, existingCount) else {
                        return unsafe CounterMerge.fail(success, newCount)
                    }
                    sum = value
                }
                return unsafe CounterMerge.add(operands, counts, count, to: sum, success, newCount)
            },
            { _, _, _, operands, counts, count, success, newCount in
                unsafe CounterMerge.add(operands, counts, count, to: 0, success, newCount)
            },
            { _, value, _ in unsafe free(UnsafeMutableRawPointer(mutating: value)) },
            { _ in unsafe CounterMerge.name })
    }

    // A C string that lives as long as the process, as RocksDB keeps the pointer; nobody writes to
    // it, so every thread may read it.
    nonisolated(unsafe) private static let name: UnsafePointer<CChar>? = unsafe UnsafePointer(
        strdup("millrace.counter"))

    private static func value(_ bytes: UnsafePointer<CChar>, _ count: Int) -> Int64? {
        guard count == 8 else { return nil }
        // Eight bytes, checked; alignment is not promised.
        return unsafe Int64(
            littleEndian: UnsafeRawPointer(bytes).loadUnaligned(as: Int64.self))
    }

    /// The sum in memory from malloc, which `delete_value` frees.
    private static func add(
        _ operands: UnsafePointer<UnsafePointer<CChar>?>?, _ counts: UnsafePointer<Int>?,
        _ count: Int32, to start: Int64, _ success: UnsafeMutablePointer<UInt8>?,
        _ newCount: UnsafeMutablePointer<Int>?
    ) -> UnsafeMutablePointer<CChar>? {
        var sum = start
        for index in 0..<Int(count) {
            guard let operand = unsafe operands?[index], let size = unsafe counts?[index],
                let value = unsafe value(operand, size)
            else { return unsafe fail(success, newCount) }
            sum &+= value
        }
        guard let memory = unsafe malloc(8) else { return unsafe fail(success, newCount) }
        unsafe memory.storeBytes(of: sum.littleEndian, as: Int64.self)
        unsafe success?.pointee = 1
        unsafe newCount?.pointee = 8
        return unsafe memory.assumingMemoryBound(to: CChar.self)
    }

    private static func fail(
        _ success: UnsafeMutablePointer<UInt8>?, _ newCount: UnsafeMutablePointer<Int>?
    ) -> UnsafeMutablePointer<CChar>? {
        unsafe success?.pointee = 0
        unsafe newCount?.pointee = 0
        return nil
    }
}
