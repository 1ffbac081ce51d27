// Every byte of a segment file held against what it must be: checksums where there are some, zeros
// everywhere else, also in blocks that the manifest does not name any more.

internal import Base
internal import Columns

extension Segment {
    /// Checks the whole file. Returns one line for each thing that is wrong, with its place.
    func damages() -> [String] {
        let entries: [SegmentEntry]
        do { entries = try self.entries() } catch { return ["\(error)"] }
        var damages: [String] = []
        var end = SegmentFormat.headerByteCount
        for entry in entries {
            let begin = Int(entry.offset)
            checkZeros(from: end, to: begin, &damages)
            end = begin + entry.byteCount
            do {
                let block = try self.block(at: entry.offset, byteCount: entry.byteCount)
                try block.verifyValues()
                try block.verifyPadding()
            } catch let error as BlockError {
                let events = "block of \(entry.collection) at byte \(entry.offset)"
                damages.append("segment '\(path)', \(events): \(error)")
            } catch { damages.append("\(error)") }
        }
        checkZeros(from: end, to: directory.lowerBound, &damages)
        return damages
    }

    private func checkZeros(from begin: Int, to end: Int, _ damages: inout [String]) {
        guard begin <= end, end - begin < SegmentFormat.alignment,
            let bytes = file.copy(begin..<end)
        else {
            damages.append("segment '\(path)', byte \(begin): the blocks do not lie side by side")
            return
        }
        guard let index = bytes.firstIndex(where: { $0 != 0 }) else { return }
        damages.append("segment '\(path)', byte \(begin + index): a byte between blocks is not 0")
    }
}
