#define _GNU_SOURCE
#include "CBase.h"
#include <pthread.h>
#include <semaphore.h>
#include <stdbool.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif

// CRC-32C, reflected polynomial 0x82F63B78 (RFC 3720, appendix B.4).
static uint32_t table[8][256];

__attribute__((constructor)) static void build_table(void) {
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t crc = i;
        for (int bit = 0; bit < 8; bit++) crc = (crc >> 1) ^ (0x82F63B78u & (0u - (crc & 1)));
        table[0][i] = crc;
    }
    for (uint32_t i = 0; i < 256; i++)
        for (int slice = 1; slice < 8; slice++)
            table[slice][i] = (table[slice - 1][i] >> 8) ^ table[0][table[slice - 1][i] & 0xFF];
}

static uint32_t crc32c_table(uint32_t crc, const uint8_t *bytes, size_t count) {
    while (count >= 8) {
        uint32_t low, high;
        memcpy(&low, bytes, 4);
        memcpy(&high, bytes + 4, 4);
        low ^= crc;
        crc = table[7][low & 0xFF] ^ table[6][(low >> 8) & 0xFF] ^ table[5][(low >> 16) & 0xFF]
            ^ table[4][low >> 24] ^ table[3][high & 0xFF] ^ table[2][(high >> 8) & 0xFF]
            ^ table[1][(high >> 16) & 0xFF] ^ table[0][high >> 24];
        bytes += 8;
        count -= 8;
    }
    while (count--) crc = (crc >> 8) ^ table[0][(crc ^ *bytes++) & 0xFF];
    return crc;
}

// What a checksum becomes by so many zero bytes, by each of its own bytes: checksums of neighbouring
// stretches are worked out side by side and put together with it.
#define STRETCH 1024
static uint32_t behind_zeros[4][256];

__attribute__((constructor)) static void build_behind_zeros(void) {
    uint32_t bits[32];
    for (int bit = 0; bit < 32; bit++) {
        // The other table may not have been built yet.
        uint32_t crc = 1u << bit;
        for (int i = 0; i < 8 * STRETCH; i++) crc = (crc >> 1) ^ (0x82F63B78u & (0u - (crc & 1)));
        bits[bit] = crc;
    }
    for (int byte = 0; byte < 4; byte++)
        for (int value = 0; value < 256; value++) {
            uint32_t crc = 0;
            for (int bit = 0; bit < 8; bit++)
                if (value >> bit & 1) crc ^= bits[8 * byte + bit];
            behind_zeros[byte][value] = crc;
        }
}

#if defined(__x86_64__)
static uint32_t behind_stretch(uint32_t crc) {
    return behind_zeros[0][crc & 0xFF] ^ behind_zeros[1][(crc >> 8) & 0xFF]
        ^ behind_zeros[2][(crc >> 16) & 0xFF] ^ behind_zeros[3][crc >> 24];
}

__attribute__((target("sse4.2"))) static uint32_t crc32c_sse42(
    uint32_t crc, const uint8_t *bytes, size_t count) {
    uint64_t wide = crc;
    // One instruction takes three cycles, and three can be under way.
    while (count >= 3 * STRETCH) {
        uint64_t second = 0, third = 0;
        for (size_t i = 0; i < STRETCH; i += 8) {
            uint64_t words[3];
            memcpy(&words[0], bytes + i, 8);
            memcpy(&words[1], bytes + STRETCH + i, 8);
            memcpy(&words[2], bytes + 2 * STRETCH + i, 8);
            wide = __builtin_ia32_crc32di(wide, words[0]);
            second = __builtin_ia32_crc32di(second, words[1]);
            third = __builtin_ia32_crc32di(third, words[2]);
        }
        wide = behind_stretch((uint32_t)wide) ^ second;
        wide = behind_stretch((uint32_t)wide) ^ third;
        bytes += 3 * STRETCH;
        count -= 3 * STRETCH;
    }
    while (count >= 8) {
        uint64_t word;
        memcpy(&word, bytes, 8);
        wide = __builtin_ia32_crc32di(wide, word);
        bytes += 8;
        count -= 8;
    }
    crc = (uint32_t)wide;
    while (count--) crc = __builtin_ia32_crc32qi(crc, *bytes++);
    return crc;
}
#endif

uint32_t millrace_crc32c(uint32_t crc, const void *bytes, size_t count) {
    crc = ~crc;
#if defined(__x86_64__)
    if (__builtin_cpu_supports("sse4.2")) return ~crc32c_sse42(crc, bytes, count);
#endif
    return ~crc32c_table(crc, bytes, count);
}

const void *millrace_memmem(const void *haystack, size_t haystackCount, const void *needle, size_t needleCount) {
    return memmem(haystack, haystackCount, needle, needleCount);
}

int32_t millrace_thread_id(void) {
    // Asked on every loop-confined call, so the kernel is asked once a thread.
    static __thread int32_t kept;
    if (kept == 0) kept = (int32_t)syscall(SYS_gettid);
    return kept;
}

void millrace_thread_name(const char *name) {
    char kept[16];
    strncpy(kept, name, 15);
    kept[15] = 0;
    pthread_setname_np(pthread_self(), kept);
}

// The kernel keeps this wish with the thread that made it, and forgets it when that thread ends.
static void *wish_to_end_with_parent(void *made) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    // The parent may have died before the line above; then init has adopted us.
    if (getppid() == 1) _exit(0);
    sem_post(made);
    for (;;) pause();
}

void millrace_exit_with_parent(void) {
    // Not on the stack: the thread may still be inside sem_post when the wait is over.
    static sem_t made;
    sem_init(&made, 0, 0);
    sigset_t all, old;
    pthread_t thread;
    sigfillset(&all);
    // No signal of the process is handled on this thread.
    pthread_sigmask(SIG_SETMASK, &all, &old);
    int error = pthread_create(&thread, NULL, wish_to_end_with_parent, &made);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    if (error != 0) abort();
    pthread_detach(thread);
    while (sem_wait(&made) != 0) {}
}

void millrace_keep_freed_memory(int32_t block, int32_t step, int32_t kept) {
#ifdef __GLIBC__
    mallopt(M_MMAP_THRESHOLD, block);
    mallopt(M_TOP_PAD, step);
    mallopt(M_TRIM_THRESHOLD, kept);
#else
    (void)block, (void)step, (void)kept;
#endif
}
