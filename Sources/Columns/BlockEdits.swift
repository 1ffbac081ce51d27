// What has been taken out of a block since it was written: rows, and properties of all rows. The
// block's bytes stay as they are until it is written anew; until then every reader looks through
// this.

internal import Base
package import Model

/// Rows and properties of one block that are gone.
package struct BlockEdits: Sendable, Equatable {
    /// One byte a row, 1 for a row that is still there and 0 for one that is gone; nil: all are
    /// there.
    package var live: [UInt8]?
    /// Properties that are gone, each with everything below it.
    package private(set) var hidden: [PropertyPath]

    package init(live: [UInt8]? = nil, hidden: [PropertyPath] = []) {
        self.live = live
        self.hidden = hidden
    }

    package var isEmpty: Bool { live == nil && hidden.isEmpty }

    /// Rows that are gone.
    package var deletedCount: Int {
        live?.reduce(0) { $0 + ($1 == 0 ? 1 : 0) } ?? 0
    }

    /// Takes a property out, with everything below it.
    package mutating func hide(_ path: PropertyPath) {
        if !hidden.contains(path) { hidden.append(path) }
    }

    /// Takes rows out of a block of `rowCount`.
    package mutating func delete(_ rows: some Sequence<UInt32>, of rowCount: Int) {
        var mask = live ?? [UInt8](repeating: 1, count: rowCount)
        for row in rows { mask[Int(row)] = 0 }
        live = mask
    }

    /// Whether the property of this path is gone.
    package func hides(_ path: some Collection<UInt8>) -> Bool {
        hidden.contains { PropertyPath.covers($0, path) }
    }
}
