#include "fake_gpu/memory.h"
#include "fake_gpu/guard.h"

#include <map>
#include <mutex>
#include <set>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* MARGIN: on both sides of the arena. Blocks of the host that malloc maps by themselves (128 kB and more) come to lie right
 * below it: a host loop that runs past such a block must not pass for one that follows a device pointer. */
enum : size_t { ARENA_BYTES = (size_t)64 << 30, MARGIN = 1 << 20, ALIGN = 256, ZONE = 256 };

/* LARGE: blocks, as libraries get for scratch, of which only END bytes at both ends become garbage. Pages that nobody
 * touched cost nothing; 256 MB of others cost 60 ms at every change of the arena's rights. */
enum : size_t { LARGE = 64 << 20, END = 1 << 20 };

static char                    *arena;
static std::map<char *, size_t> taken, pinned; // start -> bytes
static std::map<char *, size_t> holes;         // start -> bytes, never adjacent
static std::set<char *>         of_graphs;     // starts of those taken that captured graphs own
static size_t                   used[MEMORY_OWNERS], peak[MEMORY_OWNERS];
static int                      n_unlocked;
static struct sigaction         before;

static void say(const char *sentence)
{
    if (write(2, sentence, strlen(sentence)) < 0)
        _exit(1);
}

/* Host code that follows a device pointer lands here, and host code that leaves its own memory towards the device's. */
static void on_fault(int signal, siginfo_t *info, void *context)
{
    char *p = (char *)info->si_addr;
    if (p >= arena && p < arena + ARENA_BYTES)
        say("fake_gpu: host code touched device memory\n");
    else if (p >= arena - MARGIN && p < arena + ARENA_BYTES + MARGIN)
        say("fake_gpu: host code left its own memory, which lies beside the device's\n");
    sigaction(SIGSEGV, &before, nullptr);
    if (before.sa_flags & SA_SIGINFO)
        before.sa_sigaction(signal, info, context);
    // otherwise the access runs again and meets the default
}

static void open_arena()
{
    if (arena)
        return;
    void *m = mmap(nullptr, MARGIN + ARENA_BYTES + MARGIN, PROT_NONE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (m == MAP_FAILED) {
        fprintf(stderr, "fake_gpu: no addresses for the device's memory\n");
        abort();
    }
    arena = (char *)m + MARGIN;
    holes[arena] = ARENA_BYTES;
    struct sigaction action = {};
    action.sa_sigaction = on_fault;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK;
    sigaction(SIGSEGV, &action, &before);
}

static size_t whole(size_t bytes)
{
    return (bytes + ALIGN - 1) / ALIGN * ALIGN + ZONE;
}

size_t memory_total(void)
{
    const char *text = getenv("FAKE_GPU_MEMORY");
    return text ? strtoull(text, nullptr, 10) : (size_t)4 << 30;
}

void *memory_take(size_t bytes, MemoryOwner owner)
{
    open_arena();
    size_t want = whole(bytes);
    if (bytes > memory_total() || memory_used() + bytes > memory_total())
        return nullptr;
    for (auto h = holes.begin(); h != holes.end(); ++h) {
        if (h->second < want)
            continue;
        char  *p = h->first;
        size_t rest = h->second - want;
        holes.erase(h);
        if (rest > 0)
            holes[p + want] = rest;
        taken[p] = bytes;
        if (owner == MEMORY_GRAPHS)
            of_graphs.insert(p);
        used[owner] += bytes;
        peak[owner] = used[owner] > peak[owner] ? used[owner] : peak[owner];
        guard_close(p + bytes, want - bytes);
        guard_open(p, bytes);
        return p;
    }
    return nullptr;
}

void memory_fill_garbage(void *p)
{
    auto a = taken.find((char *)p);
    if (a == taken.end())
        return;
    size_t bytes = a->second, end = bytes < LARGE ? bytes : END;
    memset(a->first, 0xff, end);
    memset(a->first + bytes - end, 0xff, end);
}

bool memory_give(void *p)
{
    auto a = taken.find((char *)p);
    if (a == taken.end())
        return false;
    char  *start = a->first;
    size_t bytes = whole(a->second);
    used[of_graphs.erase(start) ? MEMORY_GRAPHS : MEMORY_POOL] -= a->second;
    guard_close(start, a->second);
    taken.erase(a);
    auto next = holes.upper_bound(start);
    if (next != holes.end() && start + bytes == next->first) {
        bytes += next->second;
        next = holes.erase(next);
    }
    if (next != holes.begin()) {
        auto prior = std::prev(next);
        if (prior->first + prior->second == start) {
            prior->second += bytes;
            return true;
        }
    }
    holes[start] = bytes;
    return true;
}

static bool is_inside(const std::map<char *, size_t> &of, const void *p, size_t bytes)
{
    auto a = of.upper_bound((char *)p);
    if (a == of.begin())
        return false;
    --a;
    return (const char *)p + bytes <= a->first + a->second;
}

bool memory_is_device(const void *p, size_t bytes)
{
    return is_inside(taken, p, bytes);
}

bool memory_is_pinned(const void *p, size_t bytes)
{
    return is_inside(pinned, p, bytes);
}

bool memory_is_arena(const void *p)
{
    return arena && (const char *)p >= arena && (const char *)p < arena + ARENA_BYTES;
}

/* Only the part below the last allocation was ever used: the kernel walks page tables no further. */
static void protect(int rights)
{
    if (arena && mprotect(arena, ARENA_BYTES, rights) != 0) {
        fprintf(stderr, "fake_gpu: mprotect failed\n");
        abort();
    }
}

void memory_unlock(void)
{
    if (n_unlocked++ == 0)
        protect(PROT_READ | PROT_WRITE);
}

void memory_lock(void)
{
    if (--n_unlocked == 0)
        protect(PROT_NONE);
}

void *memory_pin(size_t bytes)
{
    char *p = (char *)malloc(bytes ? bytes : 1);
    if (p)
        pinned[p] = bytes;
    return p;
}

bool memory_unpin(void *p)
{
    if (pinned.erase((char *)p) == 0)
        return false;
    free(p);
    return true;
}

/* For tests. */
extern "C" __attribute__((visibility("default"))) void fake_gpu_arena(char **begin, char **end)
{
    *begin = arena;
    *end = arena + ARENA_BYTES;
}

size_t memory_used(void)
{
    return used[MEMORY_POOL] + used[MEMORY_GRAPHS];
}

size_t memory_used_by(MemoryOwner owner)
{
    return used[owner];
}

size_t memory_peak(MemoryOwner owner)
{
    return peak[owner];
}

void memory_reset_peak(MemoryOwner owner)
{
    peak[owner] = used[owner];
}
