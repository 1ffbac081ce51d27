// Which tasks of its lane a tuple goes to, by the groupings of those who read it.

/// One lane's choices. What it remembers depends only on what was emitted before.
struct TupleRouter<Payload: TuplePayload>: Sendable {
    /// Whose turn it is, by subscription.
    private var turns: [Int: Int] = [:]
    /// Rows that each task has had, by subscription.
    private var loads: [Int: [Int]] = [:]

    /// What each of `tasks` tasks of a reader gets of an emission.
    mutating func route(
        _ emission: Emission<Payload>, to reader: Topology<Payload>.Reader, tasks: Int
    ) -> [(task: Int, payload: Payload)] {
        let payload = emission.payload
        switch reader.grouping {
        case .partition, .global: return [(0, payload)]
        case .all: return (0..<tasks).map { ($0, payload) }
        case .direct:
            guard let task = emission.task, (0..<tasks).contains(task) else {
                preconditionFailure("a direct stream needs the number of a task below \(tasks)")
            }
            return [(task, payload)]
        case .shuffle, .localOrShuffle:
            let turn = turns[reader.id, default: 0]
            turns[reader.id] = (turn + 1) % tasks
            return [(turn, payload)]
        case .fields(let fields):
            return divide(payload, tasks) { row in
                Int(payload.hash(of: fields, row: row) % UInt64(tasks))
            }
        case .partialKey(let fields):
            var loads = self.loads[reader.id] ?? Array(repeating: 0, count: tasks)
            defer { self.loads[reader.id] = loads }
            return divide(payload, tasks) { row in
                let (first, second) = Self.choices(payload.hash(of: fields, row: row), tasks)
                let task = loads[second] < loads[first] ? second : first
                loads[task] += 1
                return task
            }
        }
    }

    /// Two tasks for a hash, different ones if there are two.
    private static func choices(_ hash: UInt64, _ tasks: Int) -> (Int, Int) {
        let first = Int(hash % UInt64(tasks))
        guard tasks > 1 else { return (first, first) }
        let step = 1 + Int((hash >> 32) % UInt64(tasks - 1))
        return (first, (first + step) % tasks)
    }

    /// The rows by their tasks, in the order of the tasks; tasks without rows get nothing.
    private func divide(
        _ payload: Payload, _ tasks: Int, task: (Int) -> Int
    ) -> [(task: Int, payload: Payload)] {
        var rows: [[Int]] = Array(repeating: [], count: tasks)
        for row in 0..<payload.rowCount { rows[task(row)].append(row) }
        let chosen = rows.indices.filter { !rows[$0].isEmpty }
        if chosen.count == 1 { return [(chosen[0], payload)] }
        return chosen.map { ($0, payload.rows(rows[$0])) }
    }
}
