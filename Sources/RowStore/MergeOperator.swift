// A merge function as RocksDB calls it: from any thread, in memory of C.

internal import CRocksDB
internal import Glibc

/// What RocksDB keeps of a merge function. `@unchecked Sendable` holds because nothing changes
/// after `init`, and only `deinit` frees the name.
@safe private final class MergeState: @unchecked Sendable {
    let combination: MergeFunction.Combination
    let name: UnsafeMutablePointer<CChar>?

    init(_ function: MergeFunction) {
        combination = function.combination
        unsafe name = unsafe strdup(function.name)
    }

    deinit { unsafe free(name) }

    /// The state behind RocksDB's pointer, which holds a reference until its destructor is called.
    static func of(_ pointer: UnsafeMutableRawPointer?) -> MergeState? {
        unsafe pointer.map { unsafe Unmanaged<MergeState>.fromOpaque($0).takeUnretainedValue() }
    }
}

enum MergeOperator {
    /// A new operator, owned by the options it is given to.
    static func make(_ function: MergeFunction) -> OpaquePointer? {
        // The callbacks keep nothing, and may run on any thread.
        unsafe rocksdb_mergeoperator_create(
            Unmanaged.passRetained(MergeState(function)).toOpaque(),
            { state in
                if let state = unsafe state {
                    unsafe Unmanaged<MergeState>.fromOpaque(state).release()
                }
            },
            { state, _, _, existing, existingCount, operands, counts, count, success, newCount in
                var values = unsafe MergeOperator.copy(operands, counts, count)
                if let existing = unsafe existing {
                    let value = unsafe UnsafeRawBufferPointer(
                        start: existing, count: existingCount)
                    unsafe values?.insert(Array(value), at: 0)
                }
                return unsafe MergeOperator.merge(values, MergeState.of(state), success, newCount)
            },
            { state, _, _, operands, counts, count, success, newCount in
                let values = unsafe MergeOperator.copy(operands, counts, count)
                return unsafe MergeOperator.merge(values, MergeState.of(state), success, newCount)
            },
            { _, value, _ in unsafe free(UnsafeMutableRawPointer(mutating: value)) },
            { state in unsafe UnsafePointer(MergeState.of(state)?.name) })
    }

    /// The operands, oldest first; nil if RocksDB breaks its promises.
    private static func copy(
        _ operands: UnsafePointer<UnsafePointer<CChar>?>?, _ counts: UnsafePointer<Int>?,
        _ count: Int32
    ) -> [[UInt8]]? {
        var values: [[UInt8]] = []
        for index in 0..<Int(count) {
            guard let operand = unsafe operands?[index], let size = unsafe counts?[index]
            else { return nil }
            unsafe values.append(Array(UnsafeRawBufferPointer(start: operand, count: size)))
        }
        return values
    }

    /// The values merged, in memory from malloc, which `delete_value` frees.
    private static func merge(
        _ values: [[UInt8]]?, _ state: MergeState?, _ success: UnsafeMutablePointer<UInt8>?,
        _ newCount: UnsafeMutablePointer<Int>?
    ) -> UnsafeMutablePointer<CChar>? {
        guard let values, let state, let merged = combine(values, state.combination),
            let memory = unsafe malloc(max(merged.count, 1))
        else {
            unsafe success?.pointee = 0
            unsafe newCount?.pointee = 0
            return nil
        }
        unsafe merged.withUnsafeBytes { bytes in
            unsafe UnsafeMutableRawBufferPointer(start: memory, count: bytes.count)
                .copyMemory(from: bytes)
        }
        unsafe success?.pointee = 1
        unsafe newCount?.pointee = merged.count
        return unsafe memory.assumingMemoryBound(to: CChar.self)
    }

    /// Nil for a number that has not eight bytes, which RocksDB reports as corruption.
    private static func combine(
        _ values: [[UInt8]], _ combination: MergeFunction.Combination
    ) -> [UInt8]? {
        guard let first = values.first else { return nil }
        switch combination {
        case .bytes(let combine): return values.dropFirst().reduce(first, combine)
        case .numbers(let combine):
            guard values.allSatisfy({ $0.count == 8 }) else { return nil }
            return encodeCounter(
                values.dropFirst().reduce(decodeCounter(first)) { combine($0, decodeCounter($1)) })
        }
    }
}
