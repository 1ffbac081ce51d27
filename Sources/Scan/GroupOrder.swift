// Puts the groups of a scan in the order of results without making their values: every value gets
// its place among the values of its column, and groups are ordered by those.

internal import Aggregate
internal import Base
internal import Kernels
internal import Model

extension GroupTable {
    /// A place takes this many bits: there are at most `Limits.queryGroupsMax` of them, and those
    /// that one more block could add.
    private static let placeBits: Int64 = 21

    /// The groups, ascending by bucket, then by their values.
    var ascending: [Int] {
        let buckets = bucketWords
        var order = buckets.indices.sorted { buckets[$0] < buckets[$1] }
        for column in values.indices {
            let places = Self.places(order)
            let valuePlaces = values[column].places
            let parents = parents(column, places)
            let bits = valueBits(column)
            var words = bits.indices.map { group in
                Int64(parents[group]) << (2 * Self.placeBits)
                    | Int64(valuePlaces.place(of: bits[group])) << Self.placeBits | Int64(group)
            }
            RadixSort.sort(&words)
            order = words.map { Int($0 & (1 << Self.placeBits - 1)) }
        }
        return order
    }

    /// Where each group is in an order.
    private static func places(_ order: [Int]) -> [UInt32] {
        var places = [UInt32](repeating: 0, count: order.count)
        for (place, group) in order.enumerated() { places[group] = UInt32(place) }
        return places
    }
}

/// The place of every value of an interner in the order of results.
struct ValuePlaces {
    fileprivate var ints: [UInt32] = []
    fileprivate var doubles: [UInt32] = []
    fileprivate var strings: [UInt32] = []
    fileprivate var documents: [UInt32] = []

    func place(of bits: UInt32) -> UInt32 {
        let code = ValueCode(bits: bits)
        return switch code.kind {
        case .bool: UInt32(code.number)
        case .int: ints[code.number]
        case .double: doubles[code.number]
        case .string: strings[code.number]
        case .json: documents[code.number]
        case .null: UInt32(2 + ints.count + doubles.count + strings.count + documents.count)
        }
    }
}

extension ValueInterner {
    fileprivate var places: ValuePlaces {
        var places = ValuePlaces()
        places.ints = [UInt32](repeating: 0, count: ints.count)
        places.doubles = [UInt32](repeating: 0, count: doubles.count)
        places.strings = [UInt32](repeating: 0, count: strings.count)
        places.documents = [UInt32](repeating: 0, count: documents.count)
        // After false and true.
        var next: UInt32 = 2
        func take() -> UInt32 {
            defer { next += 1 }
            return next
        }
        for (number, index) in numbers {
            switch number {
            case .int: places.ints[index] = take()
            case .double: places.doubles[index] = take()
            }
        }
        for number in strings.ascending { places.strings[Int(number)] = take() }
        for number in documents.ascending { places.documents[Int(number)] = take() }
        return places
    }

    /// Ascending, each with its number among those of its kind.
    private var numbers: [(PlainNumber, Int)] {
        let ints = ints.words.enumerated().map {
            (PlainNumber.int(Int64(bitPattern: $0.element)), $0.offset)
        }
        let doubles = doubles.words.enumerated().map {
            (PlainNumber.double(Double(bitPattern: $0.element)), $0.offset)
        }
        return (ints + doubles).sorted { $0.0 < $1.0 }
    }
}
