// The scoped keys of Keen's clients: options that whoever has the master key encrypts by himself,
// without asking anybody, and gives away in place of a key.
//
//   hex(vector) hex(AES-CBC(options))       {"allowed_operations": ["read"], "filters": […]}
//
// Nothing but the options' own form says that they were made with the master key: there is no
// signature. So everything that is not as it should be after decryption is one and the same error.
// More words would help only those who alter keys to see what becomes of them.

internal import Base
internal import Catalog
internal import Crypto
internal import JSON

/// What a scoped key says.
struct ScopedKey {
    enum Operation: String { case read, write }

    let operations: Set<Operation>
    let filters: [JSONValue]

    init(operations: Set<Operation>, filters: [JSONValue]) {
        self.operations = operations
        self.filters = filters
    }

    /// Decrypts a key with the project's master key. nil: the text is too short to be one. Throws
    /// if it is damaged, or says what no scoped key says.
    init?(_ text: String, masterKey: String) throws(AccessError) {
        let digits = text.utf8
        // Shorter than the vector and the two blocks that the shortest options take.
        guard digits.count > 64 else { return nil }
        guard digits.count <= Limits.scopedKeyBytesMax else {
            throw .damaged("it is longer than \(Limits.scopedKeyBytesMax) characters")
        }
        if let place = digits.enumerated().first(where: { hexadecimalDigit($0.element) == nil }) {
            throw .damaged("its character \(place.offset + 1) is no hexadecimal digit")
        }
        let blockDigits = 2 * aesBlockBytes
        guard digits.count.isMultiple(of: blockDigits), let all = bytes(hexadecimal: digits) else {
            throw .damaged(
                "it has \(digits.count) hexadecimal digits, which is no multiple of \(blockDigits)")
        }
        let vector = Array(all[..<aesBlockBytes])
        let ciphertext = Array(all[aesBlockBytes...])
        for key in Self.cipherKeys(masterKey) {
            let plain = decryptAES(ciphertext, key: key, vector: vector)
            if let options = Self.options(Self.unpadded(plain)) {
                (operations, filters) = options
                return
            }
        }
        throw .undecipherable
    }

    /// The keys of the cipher that clients make of a master key: of 64 digits, its bytes; of any
    /// other text, the text, filled up to 32 bytes with their number. One Java client takes the
    /// bytes of 32 digits.
    private static func cipherKeys(_ masterKey: String) -> [[UInt8]] {
        let text = Array(masterKey.utf8)
        if text.count == 64 { return bytes(hexadecimal: text).map { [$0] } ?? [] }
        guard text.count <= 32 else { return [] }
        let missing = 32 - text.count
        let filled = text + [UInt8](repeating: UInt8(missing), count: missing)
        let half = missing == 0 ? bytes(hexadecimal: text) : nil
        return [filled] + (half.map { [$0] } ?? [])
    }

    /// Clients fill up to 16 bytes or to 32, with the number of bytes, and some only if something
    /// is missing. JSON ends with a brace, which is no such number.
    private static func unpadded(_ plain: [UInt8]) -> [UInt8] {
        guard let last = plain.last, (1...32).contains(last), plain.count >= Int(last),
            plain.suffix(Int(last)).allSatisfy({ $0 == last })
        else { return plain }
        return plain.dropLast(Int(last))
    }

    /// nil: they are no options. Every member narrows, so one that is not known refuses the key.
    private static func options(
        _ text: [UInt8]
    ) -> (operations: Set<Operation>, filters: [JSONValue])? {
        guard let object = (try? JSONValue(parsing: text))?.object,
            object.names.allSatisfy({ $0 == "allowed_operations" || $0 == "filters" }),
            let names = object["allowed_operations"]?.array
        else { return nil }
        let operations = names.compactMap { $0.string.flatMap { Operation(rawValue: $0) } }
        guard operations.count == names.count else { return nil }
        let written = object["filters"] ?? .null
        guard let filters = written.isNull ? [] : written.array else { return nil }
        return (Set(operations), filters)
    }

    /// What narrows a request that carries it.
    var rules: AccessRules { AccessRules(filters: filters, autofill: autofill ?? JSONObject()) }

    /// What the filters say about an event that is written: each names the value that a property
    /// has. nil: one of them says something else, which writing cannot make true.
    var autofill: JSONObject? {
        var filled = JSONObject()
        for filter in filters {
            guard filter["operator"]?.string == "eq", let value = filter["property_value"],
                value.array == nil, value.object == nil,
                let path = filter["property_name"]?.string,
                let changed = Self.put(
                    value, path.split(separator: ".", omittingEmptySubsequences: false)[...],
                    in: filled)
            else { return nil }
            filled = changed
        }
        return filled.names.contains("keen") ? nil : filled
    }

    /// nil: something else is there.
    private static func put(
        _ value: JSONValue, _ path: ArraySlice<Substring>, in object: JSONObject
    ) -> JSONObject? {
        guard let name = path.first.map(String.init) else { return nil }
        var changed = object
        if path.count == 1 {
            guard object[name] == nil || object[name] == value else { return nil }
            changed[name] = value
            return changed
        }
        guard let inner = (object[name] ?? .object(JSONObject())).object,
            let filled = put(value, path.dropFirst(), in: inner)
        else { return nil }
        changed[name] = .object(filled)
        return changed
    }
}

extension AccessError {
    fileprivate static func damaged(_ how: String) -> AccessError {
        AccessError(
            code: "InvalidApiKeyError",
            message: "the API key is none of the project's, and as a scoped key it is damaged: "
                + how,
            status: 401)
    }

    /// Also for filters that are none, which are read later.
    package static let undecipherable = AccessError(
        code: "InvalidApiKeyError",
        message: "the API key is none of the project's, and with the master key it does not "
            + "decrypt to a scoped key's allowed_operations and filters",
        status: 401)
}
