// What a project keeps in the catalog under a name: saved queries, access keys, datasets. They
// differ in what their values say; how they are kept, counted and published is the same.

package import Model

/// Why a catalog record is passed over.
package struct MalformedRecord: Error, Equatable {
    package var reason: String

    package init(reason: String) { self.reason = reason }
}

/// One thing that a project keeps under a name.
package protocol ProjectRecord: Sendable {
    /// The first part of its records' keys.
    static var kind: String { get }
    /// How many of them all projects together may have.
    static var catalogMax: Int { get }
    /// Whether a text may name one.
    static func isName(_ text: String) -> Bool

    var project: ProjectID { get }
    /// The last part of its record's key.
    var recordName: String { get }
    /// Its record's value.
    var encoded: [UInt8] { get }

    /// Reads a record's value. Members that it does not know belong to newer versions.
    init(project: ProjectID, name: String, value: [UInt8]) throws(MalformedRecord)
}

/// A change of the catalog, as it goes into the log.
package struct CatalogRecord: Sendable, Equatable {
    package let key: [UInt8]
    /// nil removes what the key names.
    package let value: [UInt8]?

    /// Adds a record, or replaces the one of that project and name.
    package init(putting record: some ProjectRecord) {
        self.init(record, value: record.encoded)
    }

    /// Takes a record out of the catalog.
    package init(removing record: some ProjectRecord) {
        self.init(record, value: nil)
    }

    private init<Record: ProjectRecord>(_ record: Record, value: [UInt8]?) {
        key =
            CatalogKey.record(kind: Record.kind, record.project, name: record.recordName).bytes
        self.value = value
    }
}

/// All records of one kind.
struct RecordTable<Record: ProjectRecord>: Sendable {
    /// By name, also those of projects that are gone.
    private(set) var records: [ProjectID: [String: Record]] = [:]
    private var count = 0

    /// Takes one record in; nil is a tombstone.
    mutating func apply(
        _ id: ProjectID, _ name: String, _ value: [UInt8]?
    ) throws(MalformedRecord) -> CatalogChange {
        guard Record.isName(name) else {
            throw MalformedRecord(reason: "'\(name)' names no \(Record.kind)")
        }
        let isNew = records[id]?[name] == nil
        guard let value else {
            records[id]?[name] = nil
            if records[id]?.isEmpty == true { records[id] = nil }
            if !isNew { count -= 1 }
            return .removedRecord(kind: Record.kind, id, name: name)
        }
        let record = try Record(project: id, name: name, value: value)
        guard !isNew || count < Record.catalogMax else {
            throw MalformedRecord(reason: "there are too many records of the kind \(Record.kind)")
        }
        records[id, default: [:]][name] = record
        if isNew { count += 1 }
        return .putRecord(kind: Record.kind, id, name: name)
    }
}
