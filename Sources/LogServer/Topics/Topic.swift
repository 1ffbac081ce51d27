// A topic and its partitions as the server holds them while it runs.

internal import KafkaWire
internal import Synchronization

/// One partition: its log and the writer that it belongs to.
final class Partition: Sendable {
    let topic: String
    let index: Int32
    let writer: LogWriter
    private let state: Result<PartitionLog, LogStorageError>

    init(
        topic: String, index: Int32, writer: LogWriter,
        state: Result<PartitionLog, LogStorageError>
    ) {
        self.topic = topic
        self.index = index
        self.writer = writer
        self.state = state
    }

    /// Nil when the data are damaged: the partition is listed, and refuses to be read or written.
    var log: PartitionLog? { try? state.get() }

    var damage: LogStorageError? {
        if case .failure(let error) = state { error } else { nil }
    }
}

/// One topic.
final class Topic: Sendable {
    let name: String
    let id: KafkaUUID
    let isInternal: Bool
    private let state: Mutex<State>

    private struct State {
        var settings: TopicSettings
        var partitions: [Partition]
    }

    init(
        name: String, id: KafkaUUID, isInternal: Bool, settings: TopicSettings,
        partitions: [Partition]
    ) {
        self.name = name
        self.id = id
        self.isInternal = isInternal
        state = Mutex(State(settings: settings, partitions: partitions))
    }

    /// Changed by `TopicTable.configure` only.
    var settings: TopicSettings {
        get { state.withLock { $0.settings } }
        set { state.withLock { $0.settings = newValue } }
    }
    var partitions: [Partition] { state.withLock { $0.partitions } }

    func partition(_ index: Int32) -> Partition? {
        state.withLock { state in
            index >= 0 && Int(index) < state.partitions.count ? state.partitions[Int(index)] : nil
        }
    }

    func add(_ partitions: [Partition]) { state.withLock { $0.partitions += partitions } }

    /// 1 to 249 letters, digits, dots, underscores and hyphens, and not a directory's name.
    static func isValid(name: String) -> Bool {
        let allowed = name.utf8.allSatisfy { byte in
            switch byte {
            case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2D, 0x2E, 0x5F: true
            default: false
            }
        }
        return allowed && (1...249).contains(name.utf8.count) && name != "." && name != ".."
    }

    /// Names that differ only in dots and underscores would share their metrics in Kafka, which
    /// refuses the second one; so do we.
    static func collisionName(_ name: String) -> String {
        String(name.map { $0 == "." ? "_" : $0 })
    }
}
