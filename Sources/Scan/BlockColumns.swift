// The columns that a plan names, found in one block and decoded when first asked for.

internal import Columns
internal import JSON
internal import Model

/// The paths of a plan, each with a number.
struct ColumnList {
    private(set) var paths: [PropertyPath] = []

    mutating func index(of path: PropertyPath) -> Int {
        if let known = paths.firstIndex(of: path) { return known }
        paths.append(path)
        return paths.count - 1
    }
}

/// One block's columns for one plan. Lives as long as the block is looked at.
struct BlockColumns {
    let block: Block
    /// Nil: missing in every row.
    let chunks: [ColumnChunk?]
    private var decoded: [DecodedColumn?]
    /// Of the columns decoded so far, as they are stored.
    private(set) var bytesRead = 0

    init(_ block: Block, _ list: ColumnList) {
        self.block = block
        chunks = list.paths.map { block.column($0) }
        decoded = [DecodedColumn?](repeating: nil, count: list.paths.count)
    }

    /// Has the disk fetch all columns but the times, which most blocks need not be asked for.
    func announce() {
        for chunk in chunks where chunk?.isTimestamp == false { chunk?.willDecode() }
    }

    /// Kinds of values in a column, from the directory.
    func kinds(_ column: Int) -> TagSet { chunks[column]?.kinds ?? .missing }

    /// Its doubles as integers over a power of ten; nil if they are no such, or if it has been
    /// decoded already.
    mutating func decimals(_ column: Int) throws(BlockError) -> Decimals? {
        guard decoded[column] == nil, let chunk = chunks[column],
            let decimals = try chunk.decodeDecimals()
        else { return nil }
        bytesRead += chunk.byteCount
        return decimals
    }

    /// Its values by row; nil: missing in every row.
    mutating func values(_ column: Int) throws(BlockError) -> DecodedColumn? {
        if let known = decoded[column] { return known }
        guard let chunk = chunks[column] else { return nil }
        let values = try chunk.decode(keepsDictionary: true)
        decoded[column] = values
        bytesRead += chunk.byteCount
        return values
    }
}
