// The shim over simdjson's DOM parser. No exception and no C++ type crosses it.

#include "CSimdJSON.h"
#include <cstring>
#include <new>
#include <simdjson.h>

// A parser keeps the memory of its largest document (about 14 bytes a source byte), so one that met
// a document above this size is replaced before it meets a smaller one. A choice.
static constexpr size_t capacityKeptMax = 1 << 20;

struct millrace_json_parser {
    simdjson::dom::parser *parser;
    size_t depthMax;
};

static simdjson::dom::parser *makeParser(size_t depthMax) {
    auto *parser = new (std::nothrow) simdjson::dom::parser();
    if (parser && parser->allocate(4096, depthMax) != simdjson::SUCCESS) {
        delete parser;
        return nullptr;
    }
    return parser;
}

extern "C" millrace_json_parser *millrace_json_parser_create(size_t depthMax) {
    auto *parser = makeParser(depthMax);
    if (!parser) return nullptr;
    auto *handle = new (std::nothrow) millrace_json_parser{parser, depthMax};
    if (!handle) delete parser;
    return handle;
}

extern "C" void millrace_json_parser_free(millrace_json_parser *handle) {
    if (!handle) return;
    delete handle->parser;
    delete handle;
}

static int32_t status(simdjson::error_code code) {
    switch (code) {
    case simdjson::SUCCESS: return MILLRACE_JSON_OK;
    case simdjson::EMPTY: return MILLRACE_JSON_EMPTY;
    case simdjson::CAPACITY: return MILLRACE_JSON_TOO_LARGE;
    case simdjson::MEMALLOC: return MILLRACE_JSON_NO_MEMORY;
    case simdjson::TAPE_ERROR: return MILLRACE_JSON_STRUCTURE;
    case simdjson::DEPTH_ERROR: return MILLRACE_JSON_DEPTH;
    case simdjson::STRING_ERROR: return MILLRACE_JSON_STRING;
    case simdjson::T_ATOM_ERROR:
    case simdjson::F_ATOM_ERROR:
    case simdjson::N_ATOM_ERROR: return MILLRACE_JSON_LITERAL;
    case simdjson::NUMBER_ERROR: return MILLRACE_JSON_NUMBER;
    case simdjson::UTF8_ERROR: return MILLRACE_JSON_UTF8;
    case simdjson::UNESCAPED_CHARS: return MILLRACE_JSON_CONTROL_CHARACTER;
    case simdjson::UNCLOSED_STRING: return MILLRACE_JSON_UNCLOSED_STRING;
    default: return MILLRACE_JSON_OTHER;
    }
}

// The upper byte's six bits of a \uXXXX escape that decide about surrogates: 0 for none, 1 for the
// first half of a pair, 2 for the second.
static int surrogateHalf(const uint8_t *escape) {
    if ((escape[2] | 0x20) != 'd') return 0;
    uint8_t digit = escape[3] | 0x20;
    if (escape[3] == '8' || escape[3] == '9' || digit == 'a' || digit == 'b') return 1;
    if (digit >= 'c' && digit <= 'f') return 2;
    return 0;
}

// simdjson 3.0 lets an unpaired second half through, which would put invalid UTF-8 on the tape. The
// document is valid JSON otherwise, so every backslash is inside a string and starts an escape.
static bool surrogatesArePaired(const uint8_t *bytes, size_t count) {
    const uint8_t *at = bytes;
    const uint8_t *end = bytes + count;
    while ((at = static_cast<const uint8_t *>(memchr(at, '\\', size_t(end - at))))) {
        if (at + 6 > end || at[1] != 'u') {
            at += 2;
            if (at >= end) break;
            continue;
        }
        int half = surrogateHalf(at);
        at += 6;
        if (half == 0) continue;
        if (half == 2 || at + 6 > end || at[0] != '\\' || at[1] != 'u') return false;
        if (surrogateHalf(at) != 2) return false;
        at += 6;
    }
    return true;
}

extern "C" int32_t millrace_json_parse(
    millrace_json_parser *handle, const uint8_t *bytes, size_t count, millrace_json_document *document) {
    if (count == 0 || !bytes) return MILLRACE_JSON_EMPTY;
    if (handle->parser->capacity() > capacityKeptMax && count <= capacityKeptMax) {
        auto *fresh = makeParser(handle->depthMax);
        if (!fresh) return MILLRACE_JSON_NO_MEMORY;
        delete handle->parser;
        handle->parser = fresh;
    }
    auto *parser = handle->parser;
    simdjson::error_code code = parser->parse(bytes, count, true).error();
    if (code != simdjson::SUCCESS) return status(code);
    if (!surrogatesArePaired(bytes, count)) return MILLRACE_JSON_SURROGATE;
    document->tape = parser->doc.tape.get();
    document->strings = parser->doc.string_buf.get();
    document->tokens = parser->implementation->structural_indexes.get();
    document->tokenCount = parser->implementation->n_structural_indexes;
    return MILLRACE_JSON_OK;
}
