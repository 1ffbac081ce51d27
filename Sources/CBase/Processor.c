// Ends a program at once on a processor that its hot loops are not built for: without this it would
// end with SIGILL somewhere in the middle of its work.
#include <unistd.h>

#if defined(MILLRACE_CPU) && defined(__x86_64__)
__attribute__((constructor)) static void check_processor(void) {
    __builtin_cpu_init();
    if (__builtin_cpu_supports(MILLRACE_CPU)) return;
    static const char text[] =
        "this build of Millrace is for processors of level " MILLRACE_CPU
        ", and this is an older one; `make build MILLRACE_CPU=` builds for any\n";
    ssize_t written = write(STDERR_FILENO, text, sizeof text - 1);
    (void)written;
    _exit(69);
}
#endif
