// What the coordinator of groups counts. Handles are made once.

internal import CoreMetrics
internal import Metrics

struct GroupMetrics: Sendable {
    let groups = Gauge(label: "log_groups")
    let generations = Counter(label: "log_group_generations_total")
    let expiredMembers = Counter(label: "log_group_expired_members_total")
    let failedAppends = Counter(label: "log_group_failed_appends_total")
}
