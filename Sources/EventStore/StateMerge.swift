// Aggregate states as mergeable cells: the states of docs/formats/states.md, merged where they lie.

internal import Aggregate
internal import Base
internal import RowStore

enum StateMerge {
    /// What becomes of states that cannot be merged, of two kinds or of too many distinct values. A
    /// merge must not fail (RowStore's MergeFunction), so the cell says that it did, for good.
    static let spoilt: [UInt8] = []

    static let function = MergeFunction(
        name: "millrace.state", isValid: { decode($0) != nil },
        combine: { older, newer in
            guard var merged = decode(older), let added = decode(newer) else { return spoilt }
            do throws(AggregateError) { try merged.merge(added) } catch { return spoilt }
            var writer = ByteWriter()
            merged.encode(into: &writer)
            return writer.bytes
        })

    /// The state of a cell; nil if it is spoilt, or no state.
    static func decode(_ bytes: [UInt8]) -> AggregateState? {
        var reader = ByteReader(bytes)
        guard let state = try? AggregateState(from: &reader), reader.isAtEnd else { return nil }
        return state
    }
}
