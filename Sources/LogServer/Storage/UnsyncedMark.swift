// `BASE.unsynced`, an empty file: the segment BASE is full, the log has gone on in another one, and
// it is not known to be on the disk. It is made before the next segment and removed after the sync.
// File systems bring changes of a directory to the disk in the order in which they were made, so
// after a power cut whoever finds a later segment and no mark can rely on the earlier one.

internal import Base

/// The mark of a closed segment that may be torn.
enum UnsyncedMark {
    static let ending = ".unsynced"

    static func make(
        _ baseOffset: Int64, in directory: String, disk: any LogDisk
    ) throws(DiskError) {
        let path = Segment.path(in: directory, baseOffset, ending: ending)
        // One may be left of a segment that could not begin.
        try disk.remove(path)
        _ = try disk.openFile(path, isNew: true)
    }

    static func remove(
        _ baseOffset: Int64, in directory: String, disk: any LogDisk
    ) throws(DiskError) {
        try disk.remove(Segment.path(in: directory, baseOffset, ending: ending))
    }

    /// The marked segments among the names in a partition's directory, ascending.
    static func bases(among names: some Sequence<String>) -> [Int64] {
        names.compactMap { Segment.baseOffset(fileName: $0, ending: ending) }.sorted()
    }
}
