// The options of an access key, read. What an option says narrows a permission, so one that is not
// understood must not be passed over: the whole key is refused then.
//
//   {"writes": {"autofill": {…}},
//    "queries": {"filters": […]},
//    "saved_queries": {"allowed": […], "blocked": […], "filters": […]},
//    "cached_queries": {"allowed": […], "blocked": […]},
//    "datasets": {"operations": […], "allowed": {"NAME": {"index_by": {…}}}, "blocked": […]}}

package import JSON

/// What an access key's options say.
package struct AccessRules: Sendable {
    /// Merged into every event that is written with the key.
    package private(set) var autofill = JSONObject()
    /// Filters that every query gets besides its own.
    package private(set) var queryFilters: [JSONValue] = []
    package private(set) var savedQueries = NameRule()
    /// Filters that every saved query gets besides its own.
    package private(set) var savedFilters: [JSONValue] = []
    package private(set) var cachedQueries = NameRule()
    package private(set) var datasets = DatasetRule()

    package init(_ options: JSONObject) throws(MalformedRecord) {
        for (family, value) in options where !value.isNull {
            guard let members = value.object else {
                throw MalformedRecord(reason: "the options of \(family) are no object")
            }
            for (name, value) in members where !value.isNull {
                try take(family, name, value)
            }
        }
    }

    /// Of a key that says no more than what holds besides whatever is read, and what is merged into
    /// whatever is written.
    package init(filters: [JSONValue], autofill: JSONObject) {
        self.autofill = autofill
        queryFilters = filters
        savedFilters = filters
        datasets.filters = filters
    }

    private mutating func take(
        _ family: String, _ name: String, _ value: JSONValue
    ) throws(MalformedRecord) {
        let place = "\(family).\(name)"
        switch place {
        case "writes.autofill":
            guard let object = value.object else {
                throw MalformedRecord(reason: "\(place) is no object")
            }
            autofill = object
        case "queries.filters": queryFilters = try value.list(place)
        case "saved_queries.filters": savedFilters = try value.list(place)
        case "saved_queries.allowed": savedQueries.allowed = try value.names(place)
        case "saved_queries.blocked": savedQueries.blocked = try value.names(place)
        case "cached_queries.allowed": cachedQueries.allowed = try value.names(place)
        case "cached_queries.blocked": cachedQueries.blocked = try value.names(place)
        case "datasets.blocked": datasets.blocked = try value.names(place)
        case "datasets.operations": datasets.operations = try DatasetRule.operations(value, place)
        case "datasets.allowed": datasets.allowed = try DatasetRule.allowed(value, place)
        default: throw MalformedRecord(reason: "there is no option \(place)")
        }
    }
}

/// Which names a key opens.
package struct NameRule: Sendable {
    /// nil: all.
    var allowed: Set<String>?
    var blocked: Set<String> = []

    package func allows(_ name: String) -> Bool {
        !blocked.contains(name) && (allowed?.contains(name) ?? true)
    }
}

/// What may be done to datasets.
package enum DatasetOperation: String, Sendable, Hashable, CaseIterable {
    /// Results.
    case read
    /// Definitions.
    case list, retrieve
    case create, delete
}

/// Which datasets a key opens, and for which values of their indexes.
package struct DatasetRule: Sendable {
    /// Without a list, all that changes nothing.
    var operations: Set<DatasetOperation> = [.read, .list, .retrieve]
    /// For each dataset the values that an index may have; an index that is not named may have any.
    /// nil: all datasets.
    var allowed: [String: [String: [JSONValue]]]?
    var blocked: Set<String> = []
    /// Filters that results get besides those of the dataset.
    package internal(set) var filters: [JSONValue] = []

    package func allows(_ operation: DatasetOperation) -> Bool { operations.contains(operation) }

    package func allows(_ name: String) -> Bool {
        !blocked.contains(name) && (allowed.map { $0[name] != nil } ?? true)
    }

    /// Whether results may be asked for these values of the dataset's indexes.
    package func allows(_ name: String, _ index: [(property: String, value: JSONValue)]) -> Bool {
        guard allows(name) else { return false }
        guard let values = allowed?[name] else { return true }
        return index.allSatisfy { values[$0.property]?.contains($0.value) ?? true }
    }

    static func operations(
        _ value: JSONValue, _ place: String
    ) throws(MalformedRecord) -> Set<DatasetOperation> {
        var operations: Set<DatasetOperation> = []
        for name in try value.names(place) {
            guard let operation = DatasetOperation(rawValue: name) else {
                throw MalformedRecord(reason: "\(place) knows no '\(name)'")
            }
            operations.insert(operation)
        }
        return operations
    }

    /// `{"NAME": {"index_by": {"PROPERTY": [VALUES]}}}`
    static func allowed(
        _ value: JSONValue, _ place: String
    ) throws(MalformedRecord) -> [String: [String: [JSONValue]]] {
        guard let sets = value.object else {
            throw MalformedRecord(reason: "\(place) is no object")
        }
        var allowed: [String: [String: [JSONValue]]] = [:]
        for (name, rule) in sets {
            guard let rule = rule.object, rule.names.allSatisfy({ $0 == "index_by" }),
                let index = (rule["index_by"] ?? .object(JSONObject())).object
            else { throw MalformedRecord(reason: "\(place), '\(name)': expected index_by") }
            allowed[name] = [:]
            for (property, values) in index {
                allowed[name]?[property] = values.array ?? [values]
            }
        }
        return allowed
    }
}

extension JSONValue {
    fileprivate func list(_ place: String) throws(MalformedRecord) -> [JSONValue] {
        guard let array else { throw MalformedRecord(reason: "\(place) is no list") }
        return array
    }

    fileprivate func names(_ place: String) throws(MalformedRecord) -> Set<String> {
        var names: Set<String> = []
        for element in try list(place) {
            guard let name = element.string else {
                throw MalformedRecord(reason: "\(place) is no list of names")
            }
            names.insert(name)
        }
        return names
    }
}
