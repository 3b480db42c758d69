/* A wall clock of one process's own, loaded before its libraries: the machine's clock plus so many seconds as the file
 * CLOCK_OFFSET_FILE says at each moment, a signed 64-bit integer. Clocks that only count up stay as they are, as when
 * somebody sets the clock of a machine.
 *
 * Debian's faketime does not know cnd_timedwait, by which librdkafka waits for a time of the wall clock. Here such a wait
 * ends when this clock says so: one that has begun takes longer when the clock is set back, as the kernel does it. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <threads.h>
#include <time.h>
#include <unistd.h>

static const volatile int64_t *offset_seconds;

__attribute__((constructor)) static void open_offset(void) {
    const char *path = getenv("CLOCK_OFFSET_FILE");
    int file = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    if (file < 0)
        abort();
    void *page = mmap(NULL, sizeof(int64_t), PROT_READ, MAP_SHARED, file, 0);
    if (page == MAP_FAILED)
        abort();
    close(file);
    offset_seconds = page;
}

static int machine(clockid_t clock, struct timespec *now) { return (int)syscall(SYS_clock_gettime, clock, now); }

int clock_gettime(clockid_t clock, struct timespec *now) {
    int failed = machine(clock, now);
    if (!failed && offset_seconds && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE))
        now->tv_sec += *offset_seconds;
    return failed;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone) {
    struct timespec precise;
    (void)zone;
    clock_gettime(CLOCK_REALTIME, &precise);
    now->tv_sec = precise.tv_sec;
    now->tv_usec = precise.tv_nsec / 1000;
    return 0;
}

time_t time(time_t *also) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (also)
        *also = now.tv_sec;
    return now.tv_sec;
}

int timespec_get(struct timespec *now, int base) { return clock_gettime(CLOCK_REALTIME, now) ? 0 : base; }

/* Looks at the clock so often: it may be set meanwhile. */
static const int64_t SLICE_NS = 50 * 1000 * 1000;
static const int64_t SECOND_NS = 1000 * 1000 * 1000;

int cnd_timedwait(cnd_t *condition, mtx_t *mutex, const struct timespec *until) {
    int (*wait)(cnd_t *, mtx_t *, const struct timespec *) = dlsym(RTLD_NEXT, "cnd_timedwait");
    for (;;) {
        struct timespec now, slice;
        clock_gettime(CLOCK_REALTIME, &now);
        int64_t left = (until->tv_sec - now.tv_sec) * SECOND_NS + until->tv_nsec - now.tv_nsec;
        int64_t step = left < 0 ? 0 : left < SLICE_NS ? left : SLICE_NS;
        machine(CLOCK_REALTIME, &slice);
        slice.tv_nsec += step;
        slice.tv_sec += slice.tv_nsec / SECOND_NS;
        slice.tv_nsec %= SECOND_NS;
        int ended = wait(condition, mutex, &slice);
        if (ended != thrd_timedout || left <= SLICE_NS)
            return ended;
    }
}
