// Random events and the plain form they are held against.

import Base
import Columns
import Model

/// An event as a test writes it down.
struct PlainRow: Sendable, Equatable {
    var timestamp: Int64
    var values: [String: Value] = [:]
}

/// What a column's values are drawn from.
enum ColumnShape: CaseIterable, Sendable {
    case smallInts, wideInts, decimals, rawDoubles, negativeZero, fewStrings, ids, bools, nulls
    case arrays, mixed, rare, constant, mixedText

    func value(_ random: inout PRNG, row: Int) -> Value? {
        switch self {
        case .smallInts: .int(Int64.random(in: -5...1000, using: &random))
        case .wideInts: .int(Int64(bitPattern: random.next()))
        case .decimals: .double(Double(Int.random(in: -99999...99999, using: &random)) / 100)
        case .rawDoubles: .double(Double.random(in: -1...1, using: &random) / 3)
        case .negativeZero: .double(random.next() % 2 == 0 ? -0.0 : 1.5)
        case .fewStrings: .string("s\(random.next() % 7)")
        case .ids: .string(String(random.next(), radix: 16))
        case .bools: .bool(random.next() % 2 == 0)
        case .nulls: random.next() % 2 == 0 ? .null : nil
        case .arrays: .json("[\(random.next() % 5)]")
        case .mixed: Self.anything(&random)
        case .rare: random.next() % 64 == 0 ? .int(Int64(row)) : nil
        case .constant: .string("same")
        case .mixedText: random.next() % 2 == 0 ? .json("[]") : .string("[]")
        }
    }

    static func anything(_ random: inout PRNG) -> Value? {
        switch random.next() % 9 {
        case 0: nil
        case 1: .null
        case 2: .bool(true)
        case 3: .bool(false)
        case 4: .int(Int64.random(in: -10...10, using: &random))
        case 5: .double(Double.random(in: 0...1, using: &random))
        case 6: .string("a\(random.next() % 3)")
        case 7: .json("[\(random.next() % 3)]")
        default: .string("")
        }
    }
}

/// Rows with one column a shape.
func randomRows(_ count: Int, shapes: [ColumnShape], random: inout PRNG) -> [PlainRow] {
    (0..<count).map { row in
        var plain = PlainRow(timestamp: Int64.random(in: 0...10_000_000, using: &random))
        for shape in shapes {
            plain.values["p.\(shape)"] = shape.value(&random, row: row)
        }
        return plain
    }
}

extension BlockBuilder {
    mutating func append(_ row: PlainRow) {
        beginRow(timestamp: row.timestamp)
        for (path, value) in row.values { append(value, to: column(path)) }
        endRow()
    }

    mutating func append(_ value: Value, to column: ColumnIndex) {
        switch value {
        case .null: appendNull(to: column)
        case .bool(let value): appendBool(value, to: column)
        case .int(let value): appendInt(value, to: column)
        case .double(let value): appendDouble(value, to: column)
        case .string(let text): appendString(text, to: column)
        case .json(let text): appendJSON(text, to: column)
        }
    }
}

func builder(of rows: [PlainRow]) -> BlockBuilder {
    var builder = BlockBuilder()
    for row in rows { builder.append(row) }
    return builder
}

/// Every row of a block.
func plainRows(of block: Block) throws -> [PlainRow] {
    var rows = [PlainRow](repeating: PlainRow(timestamp: 0), count: block.rowCount)
    for position in 0..<block.columnCount {
        let chunk = block.column(at: position)
        let column = try chunk.decode()
        let path = chunk.path
        for row in 0..<block.rowCount {
            guard let value = column.value(at: row) else { continue }
            if path == PropertyPath.timestamp.text, case .int(let time) = value {
                rows[row].timestamp = time
            } else {
                rows[row].values[path] = value
            }
        }
    }
    return rows
}

/// A comparison that tells -0.0 from 0.0.
func sameBits(_ left: [PlainRow], _ right: [PlainRow]) -> Bool {
    guard left == right else { return false }
    for (left, right) in zip(left, right) {
        for (path, value) in left.values {
            if case .double(let number) = value, case .double(let other) = right.values[path],
                number.bitPattern != other.bitPattern
            {
                return false
            }
        }
    }
    return true
}
