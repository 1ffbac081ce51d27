// One condition on one property, taken apart by the kinds of values that a column can hold. Missing
// is a kind like any other, so mixed, null and missing values need no special case later.

internal import Columns
internal import Model
internal import Plan

/// Which values of one property satisfy a condition. The meaning is the table in docs/api.md.
struct LeafPredicate {
    let path: PropertyPath
    /// Kinds all of whose values satisfy it.
    var kinds: TagSet = []
    /// A range of numbers that satisfies it.
    var range: NumberRanges?
    /// Single numbers that satisfy it, ascending.
    var intMembers: [Int64] = []
    var doubleMembers: [Double] = []
    var texts: TextPredicate?
    var arrays: ElementPredicate?

    /// `exists`: a stored null counts as missing.
    init(_ path: PropertyPath, exists: Bool) {
        self.path = path
        kinds = exists ? [.bools, .numbers, .texts] : [.missing, .null]
    }

    /// `eq` (one value) and `in`. Null also stands for missing; an array matches by any element, or
    /// as a whole.
    init(_ path: PropertyPath, among values: [Value]) {
        self.path = path
        var strings: [String] = []
        var wholes: Set<Value> = []
        for value in values {
            switch value {
            case .null: kinds.formUnion([.missing, .null])
            case .bool(let wanted): kinds.formUnion(TagSet(wanted ? .true : .false))
            case .int(let number): add(NumberRanges(.equal, number))
            case .double(let number): add(NumberRanges(.equal, number))
            case .string(let text): strings.append(text)
            case .json: wholes.insert(value)
            }
        }
        intMembers.sort()
        doubleMembers.sort()
        if !strings.isEmpty { texts = TextPredicate(among: strings) }
        if !values.isEmpty {
            arrays = ElementPredicate(elements: Set(values.map(\.canonical)), wholes: wholes)
        }
    }

    private mutating func add(_ number: NumberRanges) {
        if let ints = number.ints { intMembers.append(ints.lowerBound) }
        if let doubles = number.doubles { doubleMembers.append(doubles.lowerBound) }
    }

    /// `lt`, `lte`, `gt`, `gte`: numbers with numbers, strings with strings, nothing else.
    init(_ path: PropertyPath, _ comparison: ComparisonKind, _ literal: Value) {
        self.path = path
        switch literal {
        case .int(let number): range = NumberRanges(comparison, number)
        case .double(let number): range = NumberRanges(comparison, number)
        case .string(let text): texts = .compare(comparison, Array(text.utf8))
        case .null, .bool, .json: break
        }
    }

    /// `within`: an array that is a place in the circle.
    init(_ path: PropertyPath, within circle: GeoCircle) {
        self.path = path
        arrays = ElementPredicate(elements: [], circle: circle)
    }

    /// `regex`: a string in which the pattern is found.
    init(_ path: PropertyPath, matches pattern: TextPattern) {
        self.path = path
        texts = .matches(pattern)
    }

    /// `contains`: a substring of a string, an element of an array.
    init(_ path: PropertyPath, contains value: Value) {
        self.path = path
        if case .string(let text) = value { texts = .contains(Array(text.utf8)) }
        arrays = ElementPredicate(elements: [value.canonical])
    }
}

/// A filter, ready to run.
indirect enum FilterTree {
    /// The condition, and where its column is in `BlockColumns`.
    case leaf(LeafPredicate, column: Int)
    case not(FilterTree)
    case all([FilterTree])
    case any([FilterTree])

    init(_ filter: Filter, columns: inout ColumnList) {
        switch filter {
        case .compare(let path, let comparison, let value):
            self.init(path, comparison, value, &columns)
        case .among(let path, let values):
            self = .leaf(LeafPredicate(path, among: values), column: columns.index(of: path))
        case .exists(let path, let wanted):
            self = .leaf(LeafPredicate(path, exists: wanted), column: columns.index(of: path))
        case .contains(let path, let value):
            self = .leaf(LeafPredicate(path, contains: value), column: columns.index(of: path))
        case .within(let path, let circle):
            self = .leaf(LeafPredicate(path, within: circle), column: columns.index(of: path))
        case .matches(let path, let pattern):
            self = .leaf(LeafPredicate(path, matches: pattern), column: columns.index(of: path))
        case .not(let inner): self = .not(FilterTree(inner, columns: &columns))
        case .all(let inner): self = .all(inner.map { FilterTree($0, columns: &columns) })
        case .any(let inner): self = .any(inner.map { FilterTree($0, columns: &columns) })
        }
    }

    private init(
        _ path: PropertyPath, _ comparison: ComparisonOperator, _ value: Value,
        _ columns: inout ColumnList
    ) {
        let column = columns.index(of: path)
        let kind: ComparisonKind
        switch comparison {
        case .equal: self = .leaf(LeafPredicate(path, among: [value]), column: column); return
        case .notEqual:
            self = .not(.leaf(LeafPredicate(path, among: [value]), column: column)); return
        case .less: kind = .less
        case .lessOrEqual: kind = .lessOrEqual
        case .greater: kind = .greater
        case .greaterOrEqual: kind = .greaterOrEqual
        }
        self = .leaf(LeafPredicate(path, kind, value), column: column)
    }
}
