// What the coordinator of transactions counts, and the keys under which it logs.

internal import CoreMetrics
internal import Metrics

struct TransactionMetrics: Sendable {
    let ids = Gauge(label: "log_transactional_ids")
    let committed = Counter(label: "log_transactions_committed_total")
    let aborted = Counter(label: "log_transactions_aborted_total")
    let timedOut = Counter(label: "log_transactions_timed_out_total")
    let fenced = Counter(label: "log_transactions_fenced_total")
}

enum TransactionLogKeys {
    static let id = "transaction.id"
    static let producer = "producer.id"
    static let epoch = "producer.epoch"
    static let isCommit = "transaction.is_commit"
    static let partitionCount = "transaction.partition_count"
    static let badRecordCount = "record.bad_count"
}
