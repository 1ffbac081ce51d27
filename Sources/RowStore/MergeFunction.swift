// How cells of a table take what is merged into them, without being read first.

/// A way to merge two values of a cell, older and newer. It must be associative, as RocksDB merges
/// neighbours in any grouping, and total on what `isValid` takes and on its own results: a merge
/// that fails within a compaction stops all writing.
package struct MergeFunction: Sendable {
    enum Combination: Sendable {
        /// Eight bytes, little-endian.
        case numbers(@Sendable (Int64, Int64) -> Int64)
        case bytes(@Sendable (_ older: [UInt8], _ newer: [UInt8]) -> [UInt8])
    }
    /// Kept with the table: it must always be opened with the same.
    package let name: String
    let combination: Combination
    private let accepts: @Sendable ([UInt8]) -> Bool

    /// A function of values that `isValid` accepts.
    package init(
        name: String, isValid: @escaping @Sendable ([UInt8]) -> Bool,
        combine: @escaping @Sendable (_ older: [UInt8], _ newer: [UInt8]) -> [UInt8]
    ) {
        self.name = name
        combination = .bytes(combine)
        accepts = isValid
    }

    private init(name: String, numbers: @escaping @Sendable (Int64, Int64) -> Int64) {
        self.name = name
        combination = .numbers(numbers)
        accepts = { $0.count == 8 }
    }

    /// Adds, wrapping around.
    package static let counter = MergeFunction(name: "millrace.counter") { $0 &+ $1 }
    /// Keeps the smaller number.
    package static let minimum = MergeFunction(name: "millrace.minimum") { min($0, $1) }
    /// Keeps the larger number.
    package static let maximum = MergeFunction(name: "millrace.maximum") { max($0, $1) }

    /// Whether a cell may have this value.
    package func isValid(_ value: [UInt8]) -> Bool { accepts(value) }
}

/// What the cells of a table are.
package enum CellKind: Sendable {
    /// The last write of a cell counts.
    case plain
    /// As plain; a cell may have a time from which on it is gone. On the disk eight bytes come
    /// first: that time in milliseconds, little-endian, the greatest number for never.
    case expiring
    /// A write may be merged with what is there.
    case merged(MergeFunction)
}
