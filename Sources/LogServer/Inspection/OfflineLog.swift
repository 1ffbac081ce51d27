// A data directory without a server: what `inspect` and `check` look at. Nothing is recovered, and
// nothing changed, by looking.

internal import Base
internal import KafkaWire

/// The data directory of a stopped server.
package struct OfflineLog: Sendable {
    /// A partition's directory and what its topic says of it.
    struct Place: Sendable {
        var name: String
        var directory: String
        /// Offsets may be missing anywhere: the topic is compacted.
        var isCompacted: Bool
    }

    let directory: String
    let disk: any LogDisk
    private let lock: DirectoryLock?

    /// Takes the directory's lock. Throws a `LogStorageError` if a server runs there.
    package init(directory: String, disk: any LogDisk = LocalDisk()) throws(LogStorageError) {
        self.directory = directory
        self.disk = disk
        do throws(DiskError) {
            // Not by taking the lock, which would make a file in a wrong directory.
            guard try disk.read("\(directory)/\(TopicTable.checkpointName)") != nil else {
                throw DiskError(
                    operation: "inspect", path: directory,
                    reason: "it has no \(TopicTable.checkpointName)")
            }
            lock = disk is LocalDisk ? try DirectoryLock(directory: directory) : nil
        } catch {
            throw LogStorageError(
                error.operation == "lock" ? .locked : .disk, error.description)
        }
    }

    /// The topics on the list. Throws if the list is damaged.
    func topics() throws(LogStorageError) -> [TopicRecord] {
        guard
            var reader = try Checkpoint.read(
                .topics, from: TopicTable.checkpointName, in: directory, disk: disk)
        else { return [] }
        do {
            return try TopicRecord.decode(&reader).sorted { $0.name < $1.name }
        } catch {
            throw LogStorageError(.damaged, "the list of topics is damaged: \(error)")
        }
    }

    func places(of topic: TopicRecord) -> [Place] {
        (0..<topic.partitionCount).map { index in
            Place(
                name: "\(topic.name)-\(index)",
                directory: "\(directory)/topics/\(TopicTable.directoryName(topic))/\(index)",
                isCompacted: topic.settings.rules([:]).batches.needsKeys)
        }
    }

    /// Base offsets of the files with an ending, ascending.
    func bases(in place: Place, ending: String = ".log") throws(DiskError) -> [Int64] {
        try disk.names(in: place.directory)
            .compactMap { Segment.baseOffset(fileName: $0, ending: ending) }.sorted()
    }
}
