#include "faults/faults.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

ssize_t __read_chk(int fd, void *bytes, size_t n, size_t room);

/* next: the function of this name that stands behind ours, looked up once. Threads that race find the same. */
#define NEXT(name)                                                                                 \
    static __typeof__(&name) next;                                                                 \
    if (!next)                                                                                     \
    *(void **)&next = dlsym(RTLD_NEXT, #name)

static _Thread_local int64_t allocations_left; // 0: disarmed
static atomic_bool           hit;

static struct {
    atomic_llong left;  // matching calls until the first failure; 0: disarmed
    long long    times; // failures still to come
    FaultKind    kind;
    int          reason;
    char         path[256];
} files;

void faults_allocation(int64_t nth)
{
    atomic_store(&hit, false);
    allocations_left = nth;
}

void faults_files(FaultKind kind, int64_t nth, int64_t times, int reason, const char *path)
{
    atomic_store(&hit, false);
    files.kind = kind;
    files.times = times;
    files.reason = reason;
    snprintf(files.path, sizeof files.path, "%s", path);
    atomic_store(&files.left, nth);
}

bool faults_end(void)
{
    allocations_left = 0;
    atomic_store(&files.left, 0);
    return atomic_load(&hit);
}

__attribute__((constructor)) static void arm_from_environment(void)
{
    const char *plan = getenv("GODWIT_FAULTS");
    long long   nth, times;
    int         kind, reason;
    char        path[256];
    if (plan && sscanf(plan, "%d %lld %lld %d %255s", &kind, &nth, &times, &reason, path) == 5)
        faults_files((FaultKind)kind, nth, times, reason, path);
}

/* ---- memory ---- */

static bool allocation_fails(void)
{
    if (allocations_left == 0 || --allocations_left > 0)
        return false;
    atomic_store(&hit, true);
    errno = ENOMEM;
    return true;
}

void *malloc(size_t n)
{
    NEXT(malloc);
    return allocation_fails() ? NULL : next(n);
}

void *calloc(size_t count, size_t size)
{
    NEXT(calloc);
    return allocation_fails() ? NULL : next(count, size);
}

void *realloc(void *old, size_t n)
{
    NEXT(realloc);
    return allocation_fails() ? NULL : next(old, n);
}

int posix_memalign(void **out, size_t align, size_t n)
{
    NEXT(posix_memalign);
    return allocation_fails() ? ENOMEM : next(out, align, n);
}

/* ---- files ---- */

static bool path_fails(FaultKind kind, const char *path)
{
    if (atomic_load(&files.left) == 0 || files.kind != kind || !strstr(path, files.path))
        return false;
    if (atomic_load(&files.left) > 1) {
        atomic_fetch_sub(&files.left, 1);
        return false;
    }
    if (--files.times == 0)
        atomic_store(&files.left, 0);
    atomic_store(&hit, true);
    errno = files.reason;
    return true;
}

static bool fd_fails(FaultKind kind, int fd)
{
    char link[64], path[4096];
    if (atomic_load(&files.left) == 0)
        return false;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t n = readlink(link, path, sizeof path - 1);
    if (n < 0)
        return false;
    path[n] = 0;
    return path_fails(kind, path);
}

int open(const char *path, int flags, ...)
{
    NEXT(open);
    va_list args;
    va_start(args, flags);
    mode_t mode = flags & O_CREAT ? va_arg(args, mode_t) : 0;
    va_end(args);
    return flags & O_CREAT && path_fails(FAULT_WRITES, path) ? -1 : next(path, flags, mode);
}

ssize_t read(int fd, void *bytes, size_t n)
{
    NEXT(read);
    return fd_fails(FAULT_READS, fd) ? -1 : next(fd, bytes, n);
}

/* What `read` is in libraries built with _FORTIFY_SOURCE. */
ssize_t __read_chk(int fd, void *bytes, size_t n, size_t room)
{
    NEXT(__read_chk);
    return fd_fails(FAULT_READS, fd) ? -1 : next(fd, bytes, n, room);
}

ssize_t pread(int fd, void *bytes, size_t n, off_t at)
{
    NEXT(pread);
    return fd_fails(FAULT_READS, fd) ? -1 : next(fd, bytes, n, at);
}

ssize_t write(int fd, const void *bytes, size_t n)
{
    NEXT(write);
    return fd_fails(FAULT_WRITES, fd) ? -1 : next(fd, bytes, n);
}

ssize_t pwrite(int fd, const void *bytes, size_t n, off_t at)
{
    NEXT(pwrite);
    return fd_fails(FAULT_WRITES, fd) ? -1 : next(fd, bytes, n, at);
}

int ftruncate(int fd, off_t n)
{
    NEXT(ftruncate);
    return fd_fails(FAULT_WRITES, fd) ? -1 : next(fd, n);
}

int fsync(int fd)
{
    NEXT(fsync);
    return fd_fails(FAULT_WRITES, fd) ? -1 : next(fd);
}

int rename(const char *from, const char *to)
{
    NEXT(rename);
    return path_fails(FAULT_WRITES, to) ? -1 : next(from, to);
}

int mkdir(const char *path, mode_t mode)
{
    NEXT(mkdir);
    return path_fails(FAULT_WRITES, path) ? -1 : next(path, mode);
}
