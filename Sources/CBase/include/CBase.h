// Small C helpers that Swift cannot reach by itself: instructions, GNU extensions, variadics.
#pragma once
#include <stddef.h>
#include <stdint.h>

/// CRC-32C (Castagnoli) of `count` bytes, continuing from `crc` (0 to begin). Uses the SSE4.2
/// instruction where the processor has it, a table elsewhere; both give the same value.
uint32_t millrace_crc32c(uint32_t crc, const void *bytes, size_t count);

/// First occurrence of needle in haystack, or NULL (GNU memmem, hidden from Swift's Glibc module).
const void *millrace_memmem(const void *haystack, size_t haystackCount, const void *needle, size_t needleCount);

/// Has the allocator keep freed memory, up to 64 MiB of it for each of its arenas, instead of
/// giving it back to the kernel piece by piece: a page that comes back costs more than a scan does
/// with what it holds.
void millrace_keep_freed_memory(void);

/// The kernel's id of the calling thread. `pthread_self` will not do: it is marked const, so the
/// optimiser keeps its value across a suspension point.
int32_t millrace_thread_id(void);

/// Names the calling thread for debuggers; at most 15 bytes are kept.
void millrace_thread_name(const char *name);

/// Kills this process when its parent's thread that started it dies (Linux's PR_SET_PDEATHSIG).
void millrace_exit_with_parent(void);

/// Guards a mapping of a file: a page of it that the disk cannot deliver (SIGBUS) reads as zeros from
/// then on, and the mapping is marked. Returns a slot, or -1 if too many mappings are guarded; such
/// a one ends the process as it would without this. The first call takes over SIGBUS; faults outside
/// guarded mappings go to whoever handled them before.
int32_t millrace_guard_mapping(const void *base, size_t byteCount);

/// Ends the guard, before the mapping goes.
void millrace_unguard_mapping(int32_t slot);

/// Whether a page of the mapping could not be read.
int32_t millrace_mapping_faulted(int32_t slot);
