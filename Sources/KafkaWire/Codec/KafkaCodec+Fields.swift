// What messages write their descriptions with: `field`, for every kind of field, with the range of
// versions that have it. Outside that range a field is neither read nor written and keeps the
// value that its structure starts with.

extension KafkaCodec {
    private func has(_ first: Int16, _ last: Int16) -> Bool { first <= version && version <= last }

    package mutating func field(
        _ value: inout Int8, from first: Int16 = 0, through last: Int16 = .max
    ) throws(KafkaWireError) {
        if has(first, last) { try int8(&value) }
    }

    package mutating func field(
        _ value: inout Int16, from first: Int16 = 0, through last: Int16 = .max
    ) throws(KafkaWireError) {
        if has(first, last) { try int16(&value) }
    }

    package mutating func field(
        _ value: inout Int32, from first: Int16 = 0, through last: Int16 = .max
    ) throws(KafkaWireError) {
        if has(first, last) { try int32(&value) }
    }

    package mutating func field(
        _ value: inout Int64, from first: Int16 = 0, through last: Int16 = .max
    ) throws(KafkaWireError) {
        if has(first, last) { try int64(&value) }
    }

    package mutating func field(
        _ value: inout Bool, from first: Int16 = 0, through last: Int16 = .max
    ) throws(KafkaWireError) {
        if has(first, last) { try bool(&value) }
    }

    package mutating func field(
        _ value: inout KafkaUUID, from first: Int16 = 0, through last: Int16 = .max
    ) throws(KafkaWireError) {
        if has(first, last) { try uuid(&value) }
    }

    package mutating func field(
        _ value: inout KafkaErrorCode, from first: Int16 = 0, through last: Int16 = .max
    ) throws(KafkaWireError) {
        if has(first, last) { try int16(&value.rawValue) }
    }

    /// A string that is never null.
    package mutating func field(
        _ value: inout String, from first: Int16 = 0, through last: Int16 = .max
    ) throws(KafkaWireError) {
        guard has(first, last) else { return }
        var optional: String? = value
        try string(&optional, nullable: false)
        value = optional ?? ""
    }

    /// A string that may be null from version `nullableFirst` on.
    package mutating func field(
        _ value: inout String?, from first: Int16 = 0, through last: Int16 = .max,
        nullableFrom nullableFirst: Int16 = 0
    ) throws(KafkaWireError) {
        if has(first, last) { try string(&value, nullable: version >= nullableFirst) }
    }

    package mutating func field(
        _ value: inout [UInt8], from first: Int16 = 0, through last: Int16 = .max
    ) throws(KafkaWireError) {
        guard has(first, last) else { return }
        var optional: [UInt8]? = value
        try bytes(&optional, nullable: false)
        value = optional ?? []
    }

    package mutating func field(
        _ value: inout KafkaRecords?, from first: Int16 = 0, through last: Int16 = .max
    ) throws(KafkaWireError) {
        if has(first, last) { try records(&value) }
    }

    package mutating func field(
        _ value: inout [Int32], from first: Int16 = 0, through last: Int16 = .max
    ) throws(KafkaWireError) {
        guard has(first, last) else { return }
        var optional: [Int32]? = value
        try array(&optional, nullable: false, empty: 0, visit: visitInt32)
        value = optional ?? []
    }

    package mutating func field(
        _ value: inout [Int64], from first: Int16 = 0, through last: Int16 = .max
    ) throws(KafkaWireError) {
        guard has(first, last) else { return }
        var optional: [Int64]? = value
        try array(&optional, nullable: false, empty: 0, visit: visitInt64)
        value = optional ?? []
    }

    package mutating func field(
        _ value: inout [String], from first: Int16 = 0, through last: Int16 = .max
    ) throws(KafkaWireError) {
        guard has(first, last) else { return }
        var optional: [String]? = value
        try array(&optional, nullable: false, empty: "", visit: visitString)
        value = optional ?? []
    }

    package mutating func field(
        _ value: inout [String]?, from first: Int16 = 0, through last: Int16 = .max,
        nullableFrom nullableFirst: Int16 = 0
    ) throws(KafkaWireError) {
        guard has(first, last) else { return }
        try array(&value, nullable: version >= nullableFirst, empty: "", visit: visitString)
    }

    /// A structure that may be null: -1 for null, else 1 and the structure.
    package mutating func field<Structure: KafkaStruct>(
        _ value: inout Structure?
    ) throws(KafkaWireError) {
        var marker: Int8 = value == nil ? -1 : 1
        try int8(&marker)
        guard marker >= 0 else { return value = nil }
        var present = value ?? Structure()
        try structure(&present)
        value = present
    }

    package mutating func field<Element: KafkaStruct>(
        _ value: inout [Element], from first: Int16 = 0, through last: Int16 = .max
    ) throws(KafkaWireError) {
        guard has(first, last) else { return }
        var optional: [Element]? = value
        try array(&optional, nullable: false, empty: Element(), visit: visitStructure)
        value = optional ?? []
    }

    package mutating func field<Element: KafkaStruct>(
        _ value: inout [Element]?, from first: Int16 = 0, through last: Int16 = .max,
        nullableFrom nullableFirst: Int16 = 0
    ) throws(KafkaWireError) {
        guard has(first, last) else { return }
        try array(
            &value, nullable: version >= nullableFirst, empty: Element(), visit: visitStructure)
    }
}

private func visitInt32(
    _ value: inout Int32, _ codec: inout some KafkaCodec
) throws(KafkaWireError) {
    try codec.int32(&value)
}

private func visitInt64(
    _ value: inout Int64, _ codec: inout some KafkaCodec
) throws(KafkaWireError) {
    try codec.int64(&value)
}

private func visitString(
    _ value: inout String, _ codec: inout some KafkaCodec
) throws(KafkaWireError) {
    try codec.field(&value)
}

private func visitStructure(
    _ value: inout some KafkaStruct, _ codec: inout some KafkaCodec
) throws(KafkaWireError) {
    try codec.structure(&value)
}
