// Groups and their states as bytes, column by column: in scan answers. docs/formats/states.md
// describes them.

package import Base
internal import Model

extension GroupKeys {
    /// Varint count of groups and, unless it is 0, the buckets as runs (varint count, then for each
    /// its bucket and how many groups it has, as varints), varint count of columns, and these.
    package func encode(into writer: inout ByteWriter) {
        writer.write(varint: UInt64(count))
        guard count > 0 else { return }
        var starts = [0]
        for group in 1..<count where buckets[group] != buckets[group - 1] { starts.append(group) }
        writer.write(varint: UInt64(starts.count))
        for (run, start) in starts.enumerated() {
            let end = run + 1 < starts.count ? starts[run + 1] : count
            writer.write(varint: UInt64(buckets[start]))
            writer.write(varint: UInt64(end - start))
        }
        writer.write(varint: UInt64(columns.count))
        for column in columns { column.encode(into: &writer) }
    }

    package init(from reader: inout ByteReader) throws(ByteReaderError) {
        let start = reader.offset
        let count = try reader.readVarint()
        guard count <= UInt64(Limits.queryGroupsMax) else {
            throw .invalidValue(offset: start, what: "\(count) groups are too many")
        }
        guard count > 0 else {
            self.init()
            return
        }
        let buckets = try Self.readBuckets(Int(count), &reader)
        let offset = reader.offset
        let columnCount = try reader.readCount(ofAtLeast: 3)
        guard columnCount <= Limits.planGroupByMax else {
            throw .invalidValue(offset: offset, what: "\(columnCount) group values are too many")
        }
        var columns: [KeyColumn] = []
        for _ in 0..<columnCount {
            columns.append(try KeyColumn(from: &reader, count: Int(count)))
        }
        self.init(buckets: buckets, columns: columns)
        guard ascends else { throw .invalidValue(offset: start, what: "groups out of order") }
    }

    private static func readBuckets(
        _ count: Int, _ reader: inout ByteReader
    ) throws(ByteReaderError) -> [Int32] {
        let runs = try reader.readCount(ofAtLeast: 2)
        var buckets: [Int32] = []
        buckets.reserveCapacity(count)
        for _ in 0..<runs {
            let offset = reader.offset
            let bucket = try reader.readVarint()
            guard bucket < UInt64(Limits.queryBucketsMax) else {
                throw .invalidValue(offset: offset, what: "bucket \(bucket) is out of range")
            }
            let groups = try reader.readVarint()
            guard groups > 0, groups <= UInt64(count - buckets.count) else {
                throw .invalidValue(offset: offset, what: "a bucket of \(groups) groups")
            }
            buckets.append(contentsOf: repeatElement(Int32(bucket), count: Int(groups)))
        }
        guard buckets.count == count else {
            throw .invalidValue(offset: reader.offset, what: "groups without a bucket")
        }
        return buckets
    }
}

extension KeyColumn {
    private static let nullFlag: UInt8 = 1
    /// Each group has its own value, in their order.
    private static let ownFlag: UInt8 = 2

    /// u8 flags (1 null is among the values, 2 each group has the next value), distinct values, and
    /// without flag 2 a varint for each group.
    func encode(into writer: inout ByteWriter) {
        let isOwn = codes.count == cardinality && codes.indices.allSatisfy { codes[$0] == $0 }
        writer.write((hasNull ? Self.nullFlag : 0) | (isOwn ? Self.ownFlag : 0))
        values.encode(into: &writer)
        guard !isOwn else { return }
        for code in codes { writer.write(varint: UInt64(code)) }
    }

    init(from reader: inout ByteReader, count: Int) throws(ByteReaderError) {
        let offset = reader.offset
        let flags = try reader.readByte()
        guard flags < 4 else {
            throw .invalidValue(offset: offset, what: "unknown flags \(flags) of group values")
        }
        let hasNull = flags & Self.nullFlag != 0
        let values = try DistinctValues(from: &reader)
        let cardinality = values.count + (hasNull ? 1 : 0)
        guard flags & Self.ownFlag == 0 else {
            guard cardinality == count else {
                throw .invalidValue(offset: offset, what: "not a value for each group")
            }
            self.init(values: values, hasNull: hasNull, codes: (0..<UInt32(count)).map { $0 })
            return
        }
        var codes: [UInt32] = []
        codes.reserveCapacity(min(count, reader.remaining))
        var isUsed = [Bool](repeating: false, count: cardinality)
        for _ in 0..<count {
            let offset = reader.offset
            let code = try reader.readVarint()
            guard code < UInt64(cardinality) else {
                throw .invalidValue(offset: offset, what: "a group value that is not there")
            }
            isUsed[Int(code)] = true
            codes.append(UInt32(code))
        }
        guard isUsed.allSatisfy({ $0 }) else {
            throw .invalidValue(offset: offset, what: "a group value that no group has")
        }
        self.init(values: values, hasNull: hasNull, codes: codes)
    }
}

extension StateColumn {
    /// u8 kind, then for each group what its state is made of; sets and numbers as states with
    /// their own byte.
    package func encode(into writer: inout ByteWriter) {
        writer.write(kind.rawValue)
        switch self {
        case .counts(let counts):
            for count in counts { writer.write(varint: UInt64(bitPattern: count)) }
        case .sums(let sums): for sum in sums { sum.encode(into: &writer) }
        case .averages(let sums, let counts):
            for (sum, count) in zip(sums, counts) {
                sum.encode(into: &writer)
                writer.write(varint: UInt64(bitPattern: count))
            }
        case .minima(let extremes), .maxima(let extremes):
            for extreme in extremes { (extreme.value ?? .null).encode(into: &writer) }
        case .deviations(let deviations):
            for deviation in deviations { deviation.encode(into: &writer) }
        case .states(let states, _): for state in states { state.encode(into: &writer) }
        }
    }

    package init(from reader: inout ByteReader, count: Int) throws(ByteReaderError) {
        let offset = reader.offset
        let byte = try reader.readByte()
        guard let kind = AggregateKind(rawValue: byte) else {
            throw .invalidValue(offset: offset, what: "unknown aggregate kind \(byte)")
        }
        // A byte at least for each.
        guard count <= reader.remaining else {
            throw .invalidValue(offset: offset, what: "states of \(count) groups are cut off")
        }
        switch kind {
        case .count:
            self = .counts(
                try Self.read(count, &reader) { r throws(ByteReaderError) in
                    try r.readEventCount()
                })
        case .sum:
            self = .sums(
                try Self.read(count, &reader) { r throws(ByteReaderError) in
                    try NumberSum(from: &r)
                })
        case .average:
            var counts: [Int64] = []
            let sums = try Self.read(count, &reader) { r throws(ByteReaderError) in
                let sum = try NumberSum(from: &r)
                counts.append(try r.readEventCount())
                return sum
            }
            self = .averages(sums, counts)
        case .minimum, .maximum:
            let extremes = try Self.read(count, &reader) { r throws(ByteReaderError) in
                Extreme(try r.readNumberOrNull())
            }
            self = kind == .minimum ? .minima(extremes) : .maxima(extremes)
        case .standardDeviation:
            self = .deviations(
                try Self.read(count, &reader) { r throws(ByteReaderError) in
                    try Deviation(from: &r)
                })
        case .countUnique, .selectUnique, .numbers:
            self = .states(
                try Self.read(count, &reader) { r throws(ByteReaderError) in
                    let offset = r.offset
                    let state = try AggregateState(from: &r)
                    guard state.kind == kind else {
                        throw .invalidValue(offset: offset, what: "a state of another kind")
                    }
                    return state
                }, kind)
        }
    }

    @inline(__always)
    private static func read<State>(
        _ count: Int, _ reader: inout ByteReader,
        _ read: (inout ByteReader) throws(ByteReaderError) -> State
    ) throws(ByteReaderError) -> [State] {
        var states: [State] = []
        states.reserveCapacity(count)
        for _ in 0..<count { states.append(try read(&reader)) }
        return states
    }
}
