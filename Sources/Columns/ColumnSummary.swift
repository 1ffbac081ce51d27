// What a block's directory says about a column without touching its chunk: the zone map.

/// The least and greatest number of a column.
package enum NumberRange: Sendable, Equatable {
    /// The column has no numbers.
    case none
    /// All its numbers are integers.
    case ints(ClosedRange<Int64>)
    /// Some are doubles; integers count with their nearest double.
    case doubles(ClosedRange<Double>)

    var form: UInt8 {
        switch self {
        case .none: BlockLayout.rangeNone
        case .ints: BlockLayout.rangeInts
        case .doubles: BlockLayout.rangeDoubles
        }
    }

    var bits: (UInt64, UInt64) {
        switch self {
        case .none: (0, 0)
        case .ints(let range):
            (UInt64(bitPattern: range.lowerBound), UInt64(bitPattern: range.upperBound))
        case .doubles(let range): (range.lowerBound.bitPattern, range.upperBound.bitPattern)
        }
    }

    /// Nil for bits that no writer writes.
    init?(form: UInt8, bits: (UInt64, UInt64)) {
        switch form {
        case BlockLayout.rangeNone: self = .none
        case BlockLayout.rangeInts:
            let (least, greatest) = (Int64(bitPattern: bits.0), Int64(bitPattern: bits.1))
            guard least <= greatest else { return nil }
            self = .ints(least...greatest)
        case BlockLayout.rangeDoubles:
            let (least, greatest) = (Double(bitPattern: bits.0), Double(bitPattern: bits.1))
            guard least <= greatest else { return nil }
            self = .doubles(least...greatest)
        default: return nil
        }
    }
}

/// A column's zone map.
package struct ColumnSummary: Sendable, Equatable {
    /// Every tag that some row has, `missing` included.
    package let kinds: TagSet
    package let range: NumberRange
    package let missingCount: Int
    package let nullCount: Int
}
