// What zone maps say about a filter before any column is decoded.

internal import Columns

/// Whether some row may satisfy a filter, and whether some row may fail it.
struct Verdict: Equatable {
    var canHold: Bool
    var canFail: Bool

    static let unknown = Verdict(canHold: true, canFail: true)
    static let always = Verdict(canHold: true, canFail: false)
    static let never = Verdict(canHold: false, canFail: true)
}

extension FilterTree {
    /// The verdict over all rows of a block.
    func verdict(_ columns: BlockColumns) -> Verdict {
        switch self {
        case .leaf(let leaf, let column):
            return leaf.verdict(
                kinds: columns.kinds(column), range: columns.chunks[column]?.numberRange ?? .none)
        case .not(let inner):
            let verdict = inner.verdict(columns)
            return Verdict(canHold: verdict.canFail, canFail: verdict.canHold)
        case .all(let parts):
            let verdicts = parts.map { $0.verdict(columns) }
            return Verdict(
                canHold: verdicts.allSatisfy(\.canHold),
                canFail: verdicts.contains(where: \.canFail))
        case .any(let parts):
            let verdicts = parts.map { $0.verdict(columns) }
            return Verdict(
                canHold: verdicts.contains(where: \.canHold),
                canFail: verdicts.allSatisfy(\.canFail))
        }
    }
}

extension LeafPredicate {
    func verdict(kinds present: TagSet, range zone: NumberRange) -> Verdict {
        var verdict = Verdict(canHold: false, canFail: false)
        for tag in present.tags {
            let part = self.verdict(tag, zone)
            verdict.canHold = verdict.canHold || part.canHold
            verdict.canFail = verdict.canFail || part.canFail
        }
        return verdict
    }

    private func verdict(_ tag: Tag, _ zone: NumberRange) -> Verdict {
        if kinds.contains(tag) { return .always }
        switch tag {
        case .missing, .null, .false, .true: return .never
        case .string: return texts == nil ? .never : .unknown
        case .json: return arrays == nil ? .never : .unknown
        case .int:
            // With doubles in the column the bounds of integers are rounded.
            guard case .ints(let zone) = zone else {
                return range?.ints == nil && intMembers.isEmpty ? .never : .unknown
            }
            return Self.verdict(zone, range?.ints, intMembers)
        case .double:
            guard case .doubles(let zone) = zone else {
                return range?.doubles == nil && doubleMembers.isEmpty ? .never : .unknown
            }
            return Self.verdict(zone, range?.doubles, doubleMembers)
        }
    }

    private static func verdict<Number>(
        _ zone: ClosedRange<Number>, _ wanted: ClosedRange<Number>?, _ members: [Number]
    ) -> Verdict {
        if let wanted {
            guard wanted.overlaps(zone) else { return .never }
            let isInside =
                wanted.lowerBound <= zone.lowerBound && zone.upperBound <= wanted.upperBound
            return isInside ? .always : .unknown
        }
        return members.contains(where: zone.contains) ? .unknown : .never
    }
}
