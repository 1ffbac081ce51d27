#pragma once
#ifdef __cplusplus
extern "C" {
#endif
int millrace_simdjson_placeholder(void);
#ifdef __cplusplus
}
#endif
