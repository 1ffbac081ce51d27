// Read errors of memory-mapped files. The kernel reports them as SIGBUS at the instruction that reads;
// the handler puts a page of zeros there and remembers that it did, so that the reader goes on and
// finds out from its checksums and from the mark.
#define _GNU_SOURCE
#include "CBase.h"
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <unistd.h>

enum { slotsMax = 65536 };

static struct {
    _Atomic(uintptr_t) base;
    _Atomic(size_t) byteCount;
    _Atomic(int32_t) faulted;
} slots[slotsMax];
/// Slots below this have been used.
static _Atomic(int32_t) slotsUsed;
static uintptr_t pageSize;
static struct sigaction previous;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

/// Only loads, stores and one system call: nothing here takes a lock or memory.
static void handle(int signal, siginfo_t *information, void *context) {
    (void)signal;
    (void)context;
    int savedErrno = errno;
    uintptr_t address = (uintptr_t)information->si_addr;
    int32_t used = atomic_load(&slotsUsed);
    for (int32_t slot = 0; slot < used; slot++) {
        uintptr_t base = atomic_load(&slots[slot].base);
        if (base == 0 || address < base) continue;
        if (address - base >= atomic_load(&slots[slot].byteCount)) continue;
        void *page = (void *)(address & ~(pageSize - 1));
        void *zeros = mmap(
            page, pageSize, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
        if (zeros == MAP_FAILED) break;
        atomic_store(&slots[slot].faulted, 1);
        errno = savedErrno;
        return;
    }
    // Not ours: the instruction runs again and meets the handler that was there before.
    sigaction(SIGBUS, &previous, NULL);
    errno = savedErrno;
}

static void install(void) {
    pageSize = (uintptr_t)sysconf(_SC_PAGESIZE);
    struct sigaction action = {.sa_sigaction = handle, .sa_flags = SA_SIGINFO | SA_ONSTACK};
    sigemptyset(&action.sa_mask);
    sigaction(SIGBUS, &action, &previous);
}

int32_t millrace_guard_mapping(const void *base, size_t byteCount) {
    pthread_once(&once, install);
    pthread_mutex_lock(&lock);
    int32_t used = atomic_load(&slotsUsed);
    int32_t slot = 0;
    while (slot < used && atomic_load(&slots[slot].base) != 0) slot++;
    if (slot == slotsMax) slot = -1;
    if (slot >= 0) {
        atomic_store(&slots[slot].faulted, 0);
        // Rounded up: the rest of the last page belongs to the mapping too.
        atomic_store(&slots[slot].byteCount, (byteCount + pageSize - 1) & ~(pageSize - 1));
        atomic_store(&slots[slot].base, (uintptr_t)base);
        if (slot == used) atomic_store(&slotsUsed, used + 1);
    }
    pthread_mutex_unlock(&lock);
    return slot;
}

void millrace_unguard_mapping(int32_t slot) {
    if (slot >= 0) atomic_store(&slots[slot].base, 0);
}

int32_t millrace_mapping_faulted(int32_t slot) {
    return slot >= 0 ? atomic_load(&slots[slot].faulted) : 0;
}
