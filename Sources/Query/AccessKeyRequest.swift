// What a client sends to make an access key or to change one:
//
//   {"name": "team A", "is_active": true, "permitted": ["queries"], "options": {…}}

internal import Base
package import JSON
internal import Model

/// The body of an access key, its members typed; nil is what it does not say.
package struct AccessKeyRequest: Sendable {
    package let name: String?
    package let isActive: Bool?
    package let permitted: [String]?
    /// Without those that are null, which say nothing.
    package let options: JSONObject?

    package init(body: [UInt8]) throws(QueryError) {
        guard body.count <= Limits.accessKeyBytesMax else {
            throw QueryError(
                .tooLarge, "an access key has at most \(Limits.accessKeyBytesMax) bytes")
        }
        let parameters = try Parameters(pairs: [], body: body)
        name = try parameters.string("name")
        isActive = try parameters.bool("is_active")
        permitted = try parameters.permitted()
        options = try parameters.options()
    }

    /// Filters are read anew with each query; a mistake in them is better told at once.
    package static func check(filters: [JSONValue]) throws(QueryError) {
        _ = try FilterParser(zone: .utc).filters(.array(filters))
    }

    /// With a name that no property may have, every event would be refused.
    package static func check(autofill: JSONObject) throws(QueryError) {
        guard autofill["keen"] == nil else {
            throw QueryError(.invalidParameter, "writes.autofill cannot fill in keen")
        }
        try checkNames(.object(autofill), depth: 1)
    }

    private static func checkNames(_ value: JSONValue, depth: Int) throws(QueryError) {
        guard depth < Limits.propertyDepthMax else {
            throw QueryError(.tooLarge, "writes.autofill nests too deep")
        }
        for element in value.array ?? [] { try checkNames(element, depth: depth + 1) }
        guard let object = value.object else { return }
        for (name, member) in object {
            guard !name.contains(".") else {
                throw QueryError(
                    .propertyName, "writes.autofill: the name '\(name.shortened)' has a dot")
            }
            _ = try PropertyPath(parameter: name)
            try checkNames(member, depth: depth + 1)
        }
    }
}

extension Parameters {
    fileprivate func permitted() throws(QueryError) -> [String]? {
        guard let value = value("permitted") else { return nil }
        var permitted: [String] = []
        for element in value.array ?? [value] {
            guard let permission = element.string else {
                throw QueryError(.invalidParameter, "permitted is a list of names")
            }
            permitted.append(permission)
        }
        return permitted
    }

    fileprivate func options() throws(QueryError) -> JSONObject? {
        guard let value = value("options") else { return nil }
        guard let object = value.object else {
            throw QueryError(.invalidParameter, "options must be an object, not \(value.kindName)")
        }
        return JSONObject(object.filter { !$0.value.isNull })
    }
}
