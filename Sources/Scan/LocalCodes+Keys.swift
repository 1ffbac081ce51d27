// From the codes of a block to the numbers that its group values have in the whole scan: kind by
// kind, all values of a kind together.

internal import Aggregate
internal import Columns
internal import Kernels
internal import Model
internal import Plan

extension LocalCodes {
    /// The numbers of the group values that `wanted` codes stand for.
    func keyNumbers(
        of wanted: [UInt32], in interner: inout KeyInterner, grouping: Grouping
    ) -> [UInt32] {
        guard !isConstant else {
            // Missing in every row: null, whatever the grouping.
            return [UInt32](repeating: interner.number(nil), count: wanted.count)
        }
        if CodeLoops.ascends(wanted, count: wanted.count) {
            return keyNumbers(ascending: wanted, in: &interner, grouping)
        }
        var marks = [UInt8](repeating: 0, count: cardinality)
        CodeLoops.mark(wanted, count: wanted.count, in: &marks)
        let different = markedIndexes(marks, count: cardinality)
        let numbers = keyNumbers(ascending: different, in: &interner, grouping)
        var known = [UInt32](repeating: 0, count: cardinality)
        for (code, number) in zip(different, numbers) { known[Int(code)] = number }
        return wanted.map { known[Int($0)] }
    }

    private func keyNumbers(
        ascending codes: [UInt32], in interner: inout KeyInterner, _ grouping: Grouping
    ) -> [UInt32] {
        // Codes ascend by kind.
        func first(from bound: Int) -> Int {
            var (low, high) = (0, codes.count)
            while low < high {
                let middle = (low + high) / 2
                if Int(codes[middle]) < bound { low = middle + 1 } else { high = middle }
            }
            return low
        }
        let (documents, special) = (first(from: dictionary.stringCount), first(from: textCount))
        let (ints, fractions) = (first(from: intBase), first(from: doubleBase))
        guard grouping == .value else {
            // What is no number has no range.
            let others =
                ints > 0 ? [UInt32](repeating: interner.number(nil), count: ints) : []
            return others
                + codes[ints..<fractions].map {
                    interner.number(grouping.group(of: int(Int64($0) - Int64(intBase))))
                }
                + codes[fractions...].map {
                    interner.number(grouping.group(of: fraction($0)))
                }
        }
        var parts: [[UInt32]] = []
        if documents > 0 {
            parts.append(
                interner.numbers(ofTexts: codes[..<documents], areJSON: false, of: dictionary))
        }
        if special > documents {
            parts.append(
                interner.numbers(
                    ofTexts: codes[documents..<special], areJSON: true, of: dictionary))
        }
        if ints > special {
            parts.append(
                codes[special..<ints].map {
                    let code = Int($0) - textCount
                    return interner.number(code == 0 ? nil : code == 2)
                })
        }
        if fractions > ints {
            parts.append(interner.numbers(ofInts: intWords(codes[ints..<fractions])))
        }
        if codes.count > fractions {
            parts.append(
                interner.numbers(
                    ofFractions: codes[fractions...].map {
                        self.fractions[Int($0) - doubleBase]
                    }))
        }
        return parts.count == 1 ? parts[0] : Array(parts.joined())
    }

    private func fraction(_ code: UInt32) -> Double {
        Double(bitPattern: fractions[Int(code) - doubleBase])
    }

    private func intWords(_ codes: ArraySlice<UInt32>) -> [UInt64] {
        switch ints {
        case .dense(let least):
            return codes.map { UInt64(bitPattern: least &+ (Int64($0) - Int64(intBase))) }
        case .words(let words):
            // Every value that there is, mostly.
            if codes.count == words.count { return words }
            return codes.map { words[Int($0) - intBase] }
        }
    }
}
