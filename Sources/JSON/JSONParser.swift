// The parser: owns simdjson's buffers and is reused from document to document.

internal import Base
internal import CSimdJSON

/// Parses one document after the other into the same memory. Not Sendable: one per thread or loop.
///
/// The whole document is validated (simdjson's DOM parser; its On-Demand parser does not look at
/// what is skipped). A byte order mark at the start is skipped. Integers outside Int64 become
/// doubles; integers beyond 64 bits and numbers beyond the range of a double are refused.
@safe package final class JSONParser {
    /// Owned: made in `init`, freed in `deinit`, used by the one thread that uses this object.
    private let handle: OpaquePointer
    /// Offset in the caller's bytes of the first byte that simdjson saw.
    private static let byteOrderMark: [UInt8] = [0xEF, 0xBB, 0xBF]

    /// A parser that refuses documents nested deeper than `depthMax`.
    package init(depthMax: Int = Limits.jsonDepthMax) {
        guard let handle = unsafe millrace_json_parser_create(depthMax) else {
            fatal(.system, "no memory for a JSON parser")
        }
        unsafe self.handle = handle
    }

    deinit { unsafe millrace_json_parser_free(handle) }

    /// Parses a document. The result is valid until this parser parses again or goes away.
    package func parse(_ bytes: [UInt8]) throws(JSONError) -> JSONTape {
        let result: Result<JSONTape, JSONError> = unsafe bytes.withUnsafeBytes { unsafe parsed($0) }
        return try result.get()
    }

    /// Parses a document. The result is valid until this parser parses again or goes away.
    package func parse(_ bytes: ArraySlice<UInt8>) throws(JSONError) -> JSONTape {
        let result: Result<JSONTape, JSONError> = unsafe bytes.withUnsafeBytes { unsafe parsed($0) }
        return try result.get()
    }

    /// Parses a document. The bytes are only read during the call.
    package func parse(_ bytes: UnsafeRawBufferPointer) throws(JSONError) -> JSONTape {
        try unsafe parsed(bytes).get()
    }

    // The C call reads exactly the bytes given and keeps no pointer to them; what it hands out
    // points into memory that `handle` owns.
    private func parsed(_ bytes: UnsafeRawBufferPointer) -> Result<JSONTape, JSONError> {
        let skipped = unsafe bytes.starts(with: Self.byteOrderMark) ? 3 : 0
        let rest = unsafe UnsafeRawBufferPointer(rebasing: bytes.dropFirst(skipped))
        var document = unsafe millrace_json_document()
        let status = unsafe millrace_json_parse(
            handle, rest.baseAddress?.assumingMemoryBound(to: UInt8.self), rest.count, &document)
        guard status == 0 else {
            let code = JSONError.Code(status: status)
            let offset = unsafe JSONLocator.firstMistake(in: Array(rest), code: code)
            return .failure(JSONError(code: code, offset: offset.map { $0 + skipped }))
        }
        guard let tape = unsafe document.tape, let strings = unsafe document.strings,
            let tokens = unsafe document.tokens
        else { return .failure(JSONError(code: .other)) }
        return .success(
            unsafe JSONTape(
                words: tape, strings: strings, tokens: tokens, tokenCount: document.tokenCount,
                sourceBase: skipped))
    }
}

extension JSONError.Code {
    fileprivate init(status: Int32) {
        self =
            switch UInt32(bitPattern: status) {
            case MILLRACE_JSON_EMPTY.rawValue: .empty
            case MILLRACE_JSON_TOO_LARGE.rawValue: .tooLarge
            case MILLRACE_JSON_NO_MEMORY.rawValue: .outOfMemory
            case MILLRACE_JSON_STRUCTURE.rawValue: .structure
            case MILLRACE_JSON_DEPTH.rawValue: .tooDeep
            case MILLRACE_JSON_STRING.rawValue: .string
            case MILLRACE_JSON_SURROGATE.rawValue: .unpairedSurrogate
            case MILLRACE_JSON_LITERAL.rawValue: .literal
            case MILLRACE_JSON_NUMBER.rawValue: .number
            case MILLRACE_JSON_UTF8.rawValue: .invalidUTF8
            case MILLRACE_JSON_CONTROL_CHARACTER.rawValue: .controlCharacter
            case MILLRACE_JSON_UNCLOSED_STRING.rawValue: .unclosedString
            default: .other
            }
    }
}
