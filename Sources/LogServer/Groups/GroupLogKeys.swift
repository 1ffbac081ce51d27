// The keys under which the coordinator of groups logs.

enum GroupLogKeys {
    static let group = "group.id"
    static let generation = "group.generation"
    static let memberCount = "group.member_count"
    static let member = "group.member_id"
    static let recordBytes = "group.record_bytes"
    static let recordCount = "record.count"
    static let badRecordCount = "record.bad_count"
    static let groupCount = "group.count"
    static let reason = "error.reason"
}
