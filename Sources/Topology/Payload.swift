// What tuples carry, as far as the topology has to know: whether it has rows, and how to divide
// them.

internal import Base
package import Model

/// What a tuple carries. A payload that is never taken apart needs none of the requirements; one
/// with rows can be grouped by its fields.
package protocol TuplePayload: Sendable {
    var rowCount: Int { get }
    /// A hash of these fields of one row, the same in every process and for ever.
    func hash(of fields: [String], row: Int) -> UInt64
    /// These rows, in this order.
    func rows(_ indexes: [Int]) -> Self
}

extension TuplePayload {
    package var rowCount: Int { 1 }
    // Only streams that declare fields are grouped by them, and a payload with fields has its own.
    package func hash(of fields: [String], row: Int) -> UInt64 {
        preconditionFailure("\(Self.self) has no fields")
    }
    package func rows(_ indexes: [Int]) -> Self { self }
}

/// A batch of rows with named fields, kept by columns: the payload of most topologies.
package struct RowBatch: TuplePayload, Equatable {
    package let fields: [String]
    /// One array a field, all of one length.
    package private(set) var columns: [[Value]]

    package init(fields: [String]) {
        self.fields = fields
        columns = fields.map { _ in [] }
    }

    package init(fields: [String], columns: [[Value]]) {
        precondition(columns.count == fields.count, "one column a field")
        precondition(Set(columns.map(\.count)).count <= 1, "columns of one length")
        self.fields = fields
        self.columns = columns
    }

    package var rowCount: Int { columns.first?.count ?? 0 }

    package mutating func append(_ row: [Value]) {
        precondition(row.count == fields.count, "a row of \(row.count), not \(fields.count) values")
        for (index, value) in row.enumerated() { columns[index].append(value) }
    }

    /// The column of a field, if there is one.
    package subscript(field: String) -> [Value]? {
        fields.firstIndex(of: field).map { columns[$0] }
    }

    package subscript(row index: Int) -> Row { Row(batch: self, index: index) }

    package func rows(_ indexes: [Int]) -> RowBatch {
        RowBatch(
            fields: fields, columns: columns.map { column in indexes.map { column[$0] } })
    }

    package func hash(of fields: [String], row: Int) -> UInt64 {
        var writer = ByteWriter()
        for field in fields {
            guard let column = self[field] else {
                preconditionFailure("rows without the declared field \(field)")
            }
            column[row].canonical.encode(into: &writer)
        }
        return stableHash(writer.bytes)
    }
}

/// One row of a batch.
package struct Row: Sendable {
    fileprivate let batch: RowBatch
    fileprivate let index: Int

    /// The value of a field; null if there is no such field.
    package subscript(field: String) -> Value { batch[field]?[index] ?? .null }

    package var values: [Value] { batch.columns.map { $0[index] } }
}

/// FNV-1a with its bits mixed once more, so that the low ones may be used alone.
func stableHash(_ bytes: some Sequence<UInt8>) -> UInt64 {
    var hash: UInt64 = 0xCBF2_9CE4_8422_2325
    for byte in bytes { hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01B3 }
    hash = (hash ^ (hash >> 32)) &* 0x9E37_79B9_7F4A_7C15
    return hash ^ (hash >> 29)
}
