// simdjson's DOM parser behind a C surface: one call per document, then Swift walks the tape.
#pragma once
#include <stddef.h>
#include <stdint.h>
#ifdef __cplusplus
extern "C" {
#endif

/// How a parse ended. Our own numbers: simdjson's shift between its versions.
enum millrace_json_status {
    MILLRACE_JSON_OK = 0,
    MILLRACE_JSON_EMPTY,
    MILLRACE_JSON_TOO_LARGE,
    MILLRACE_JSON_NO_MEMORY,
    MILLRACE_JSON_STRUCTURE,
    MILLRACE_JSON_DEPTH,
    MILLRACE_JSON_STRING,
    MILLRACE_JSON_SURROGATE,
    MILLRACE_JSON_LITERAL,
    MILLRACE_JSON_NUMBER,
    MILLRACE_JSON_UTF8,
    MILLRACE_JSON_CONTROL_CHARACTER,
    MILLRACE_JSON_UNCLOSED_STRING,
    MILLRACE_JSON_OTHER,
};

/// Where a parsed document lies. Everything belongs to the parser and lasts until it parses again.
typedef struct millrace_json_document {
    /// simdjson's tape: type in the top byte, payload below; element 0 is the root marker.
    const uint64_t *tape;
    /// Unescaped strings: u32 size in the machine's order, bytes, a zero.
    const uint8_t *strings;
    /// Source offsets of the tokens: every one of `{}[]:,` and the first byte of every scalar.
    const uint32_t *tokens;
    size_t tokenCount;
} millrace_json_document;

typedef struct millrace_json_parser millrace_json_parser;

/// A parser that refuses documents nested deeper than `depthMax`; NULL when memory is short.
millrace_json_parser *millrace_json_parser_create(size_t depthMax);
void millrace_json_parser_free(millrace_json_parser *parser);

/// Validates and parses a whole document. The bytes are copied first (simdjson reads 64 bytes past
/// the end), so they need to live for the call only. Not to be called by two threads at once.
int32_t millrace_json_parse(
    millrace_json_parser *parser, const uint8_t *bytes, size_t count, millrace_json_document *document);

#ifdef __cplusplus
}
#endif
