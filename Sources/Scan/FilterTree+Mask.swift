// Evaluates filters over a stretch of a block's rows, a column at a time.

internal import Columns
internal import JSON
internal import Kernels

/// The rows that satisfy a filter, of `count` rows looked at.
enum FilterMask {
    case none
    case all
    /// One byte a row, 0 or 1.
    case some([UInt8])
}

/// A stretch of a block's rows.
struct RowRange {
    var first: Int
    var count: Int
}

extension FilterTree {
    func mask(
        _ columns: inout BlockColumns, _ rows: RowRange, _ parser: JSONParser
    ) throws(BlockError) -> FilterMask {
        switch self {
        case .leaf(let leaf, let column):
            guard let values = try columns.values(column) else {
                return leaf.kinds.contains(.missing) ? .all : .none
            }
            return leaf.mask(values, rows, parser)
        case .not(let inner):
            switch try inner.mask(&columns, rows, parser) {
            case .none: return .all
            case .all: return .none
            case .some(var mask):
                MaskLoops.invert(&mask, count: rows.count)
                return .some(mask)
            }
        case .all(let parts): return try Self.every(parts, &columns, rows, parser)
        case .any(let parts): return try Self.some(parts, &columns, rows, parser)
        }
    }

    /// Stops as soon as no row is left, so that the other columns are not even decoded.
    private static func every(
        _ parts: [FilterTree], _ columns: inout BlockColumns, _ rows: RowRange,
        _ parser: JSONParser
    ) throws(BlockError) -> FilterMask {
        var result = FilterMask.all
        for part in parts where part.verdict(columns).canFail {
            switch (try part.mask(&columns, rows, parser), result) {
            case (.none, _): return .none
            case (.all, _): continue
            case (.some(let mask), .some(var before)):
                result = .none
                MaskLoops.intersect(mask, count: rows.count, into: &before)
                result = .some(before)
            case (let mask, _): result = mask
            }
            if case .some(let mask) = result,
                MaskLoops.population(mask, count: rows.count) == 0
            {
                return .none
            }
        }
        return result
    }

    private static func some(
        _ parts: [FilterTree], _ columns: inout BlockColumns, _ rows: RowRange,
        _ parser: JSONParser
    ) throws(BlockError) -> FilterMask {
        var result = FilterMask.none
        for part in parts where part.verdict(columns).canHold {
            switch (try part.mask(&columns, rows, parser), result) {
            case (.all, _): return .all
            case (.none, _): continue
            case (.some(let mask), .some(var before)):
                result = .none
                MaskLoops.unite(mask, count: rows.count, into: &before)
                result = .some(before)
            case (let mask, _): result = mask
            }
        }
        return result
    }
}

extension LeafPredicate {
    /// Few members are compared one after the other, more are searched.
    private static let comparedMembersMax = 4

    fileprivate func mask(
        _ column: DecodedColumn, _ rows: RowRange, _ parser: JSONParser
    ) -> FilterMask {
        var table: [UInt8] = []
        let (textMatches, arrayMatches) = evaluateTexts(column.dictionary, parser, &table)
        var mask = [UInt8](repeating: 0, count: rows.count)
        switch column.tags {
        case .uniform(let tag):
            if kinds.contains(tag) { return .all }
            switch tag {
            case .int: addInts(column, rows, to: &mask)
            case .double: addDoubles(column, rows, to: &mask)
            case .string, .json:
                let matches = tag == .string ? textMatches : arrayMatches
                if matches == 0 { return .none }
                if matches == column.dictionary.count { return .all }
                addTexts(column, rows, table, matches, to: &mask)
            default: return .none
            }
        case .mixed(let tags):
            let whole = kinds.rawValue
            MaskLoops.addTagged(
                tags, first: rows.first, count: rows.count, tagBits: whole, to: &mask)
            func add(_ tag: Tag, _ fill: (inout [UInt8]) -> Void) {
                guard !kinds.contains(tag) else { return }
                var part = [UInt8](repeating: 0, count: rows.count)
                fill(&part)
                MaskLoops.add(
                    part, whereTag: tag.rawValue, in: tags, first: rows.first, count: rows.count,
                    to: &mask)
            }
            if !column.ints.isEmpty { add(.int) { addInts(column, rows, to: &$0) } }
            if !column.doubles.isEmpty { add(.double) { addDoubles(column, rows, to: &$0) } }
            if textMatches > 0 { add(.string) { addTexts(column, rows, table, 2, to: &$0) } }
            if arrayMatches > 0 { add(.json) { addTexts(column, rows, table, 2, to: &$0) } }
        }
        return .some(mask)
    }

    /// Which codes match: how many strings and how many arrays, and `table` with a 1 for each.
    private func evaluateTexts(
        _ dictionary: StringDictionary, _ parser: JSONParser, _ table: inout [UInt8]
    ) -> (Int, Int) {
        guard dictionary.count > 0, texts != nil || arrays != nil else { return (0, 0) }
        table = [UInt8](repeating: 0, count: dictionary.count)
        return (
            texts?.evaluate(dictionary, into: &table) ?? 0,
            arrays?.evaluate(dictionary, with: parser, into: &table) ?? 0
        )
    }

    private func addInts(_ column: DecodedColumn, _ rows: RowRange, to mask: inout [UInt8]) {
        let single = intMembers.count > Self.comparedMembersMax ? [] : intMembers.map { $0...$0 }
        for range in single + [range?.ints].compactMap({ $0 }) {
            MaskLoops.addWithin(
                column.ints, first: rows.first, count: rows.count, low: range.lowerBound,
                high: range.upperBound, to: &mask)
        }
        guard intMembers.count > Self.comparedMembersMax else { return }
        MaskLoops.addAmong(
            column.ints, first: rows.first, count: rows.count, members: intMembers, to: &mask)
    }

    private func addDoubles(_ column: DecodedColumn, _ rows: RowRange, to mask: inout [UInt8]) {
        let isMany = doubleMembers.count > Self.comparedMembersMax
        let single = isMany ? [] : doubleMembers.map { $0...$0 }
        for range in single + [range?.doubles].compactMap({ $0 }) {
            MaskLoops.addWithin(
                column.doubles, first: rows.first, count: rows.count, low: range.lowerBound,
                high: range.upperBound, to: &mask)
        }
        guard isMany else { return }
        MaskLoops.addAmong(
            column.doubles, first: rows.first, count: rows.count, members: doubleMembers, to: &mask)
    }

    private func addTexts(
        _ column: DecodedColumn, _ rows: RowRange, _ table: [UInt8], _ matches: Int,
        to mask: inout [UInt8]
    ) {
        if matches == 1, let code = table.firstIndex(of: 1) {
            MaskLoops.addEqual(
                column.codes, first: rows.first, count: rows.count, code: UInt32(code), to: &mask)
        } else {
            MaskLoops.addLookedUp(
                column.codes, first: rows.first, count: rows.count, table: table, to: &mask)
        }
    }
}
