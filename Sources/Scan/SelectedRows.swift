// The rows of a block that a plan is about, and picking them out of columns: every loop behind this
// runs over neighbouring elements, one for each selected row.

internal import Columns
internal import Kernels

/// Selected rows of one block, ascending. *Position* means index among them.
struct SelectedRows {
    let rowCount: Int
    /// With `selected` nil: the rows from `first` on.
    let first: Int
    let count: Int
    let selected: [UInt32]?

    init(_ range: RowRange, of rowCount: Int) {
        self.rowCount = rowCount
        first = range.first
        count = range.count
        selected = nil
    }

    /// The rows of a mask over `range`.
    init(_ range: RowRange, mask: [UInt8], of rowCount: Int) {
        self.rowCount = rowCount
        first = range.first
        let count = MaskLoops.population(mask, count: range.count)
        self.count = count
        selected =
            count == range.count
            ? nil
            : [UInt32](unsafeUninitializedCapacity: count + 8) { target, filled in
                guard let base = target.baseAddress else { return }
                filled = count
                _ = MaskLoops.select(mask, first: range.first, count: range.count, into: base)
            }
    }

    /// How many selected rows come before a row.
    func position(ofRow row: Int) -> Int {
        guard let selected else { return min(max(row - first, 0), count) }
        var (low, high) = (0, count)
        while low < high {
            let middle = (low + high) / 2
            if Int(selected[middle]) < row { low = middle + 1 } else { high = middle }
        }
        return low
    }

    private var isWhole: Bool { selected == nil && count == rowCount }

    func pick(_ values: [Int64]) -> [Int64] {
        guard let selected else { return isWhole ? values : Array(values[first..<first + count]) }
        return filled(count) { GatherLoops.gather(values, rows: selected, count: count, into: $0) }
    }

    func pick(_ values: [Double]) -> [Double] {
        guard let selected else { return isWhole ? values : Array(values[first..<first + count]) }
        return filled(count) { GatherLoops.gather(values, rows: selected, count: count, into: $0) }
    }

    func pick(_ values: [UInt32]) -> [UInt32] {
        guard let selected else { return isWhole ? values : Array(values[first..<first + count]) }
        return filled(count) { GatherLoops.gather(values, rows: selected, count: count, into: $0) }
    }

    func pick(_ values: [UInt8]) -> [UInt8] {
        guard let selected else { return isWhole ? values : Array(values[first..<first + count]) }
        return filled(count) { GatherLoops.gather(values, rows: selected, count: count, into: $0) }
    }
}

/// An array of `count` elements that `fill` writes in full.
func filled<Element: BitwiseCopyable>(
    _ count: Int, _ fill: (UnsafeMutablePointer<Element>) -> Void
) -> [Element] {
    [Element](unsafeUninitializedCapacity: count) { target, filled in
        guard count > 0, let base = target.baseAddress else { return }
        fill(base)
        filled = count
    }
}

/// The positions of one tag among selected rows.
func positions(of tag: Tag, in tags: [UInt8]) -> [UInt32] {
    [UInt32](unsafeUninitializedCapacity: tags.count + 1) { target, filled in
        guard let base = target.baseAddress else { return }
        filled = MaskLoops.positions(
            ofTag: tag.rawValue, in: tags, count: tags.count, into: base)
    }
}
