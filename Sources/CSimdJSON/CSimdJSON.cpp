#include "CSimdJSON.h"
extern "C" int millrace_simdjson_placeholder(void) { return 0; }
