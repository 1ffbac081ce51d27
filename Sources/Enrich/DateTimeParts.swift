// The date_time_parser add-on: a time's parts as they are written, in the time's own zone.

internal import JSON
internal import Model

enum DateTimeParts {
    private static let days = [
        "Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday",
    ]

    /// The parts of an ISO 8601 time; nil for anything else. Weeks begin on Monday, which is 1.
    static func json(of text: String) -> JSONObject? {
        guard let time = CivilTime(iso8601: text.utf8) else { return nil }
        let day = time.date.dayOfWeek
        let numbers: [(String, Int)] = [
            ("hour", Int(time.millisecondOfDay / 3_600_000)),
            ("day", time.date.day), ("day_of_week", day == 0 ? 7 : day),
            ("month", time.date.month), ("quarter", (time.date.month + 2) / 3),
            ("year", time.date.year),
        ]
        var object = JSONObject(
            numbers.map { (key: $0.0, value: JSONValue.int(Int64($0.1))) })
        object["day_of_week_string"] = .string(days[day])
        return object
    }
}
