#include "fake_gpu/block.h"
#include "fake_gpu/fibre.h"
#include "fake_gpu/guard.h"

#include <algorithm>
#include <deque>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <vector>

enum { MAX_SHARED = 227 << 10, MAX_THREADS = 1024, SHARED_GUARD = 64 };

FakeThread *fake_self;
FakeDim     fake_block_index, fake_block_dim, fake_grid_dim;

struct SharedArray {
    const void *site;
    size_t      at;
};

/* The block that runs, and the fibres that carry it. */
static struct {
    const char                  *kernel;
    const std::function<void()> *body;
    std::vector<FakeThread>      thread;
    unsigned                     next_fresh, n_done, n_at_block;
    int                          count; // of true predicates at the block's barrier
    std::deque<unsigned>         ready;
    std::vector<int>             idle; // fibres with nothing to carry
    std::vector<SharedArray>     shared;
    size_t                       shared_used, dynamic_bytes;
    char                         fault[512];
} run;

alignas(256) static char shared_memory[MAX_SHARED + 64 * SHARED_GUARD];

static void carry();

/* ---- who goes on ---- */

/* A fibre that can do something: a released thread's, or one to carry the next fresh thread; -1 when there is none. */
static int next_fibre()
{
    if (!run.ready.empty()) {
        FakeThread *t = &run.thread[run.ready.front()];
        run.ready.pop_front();
        return t->fibre;
    }
    if (run.next_fresh == run.thread.size())
        return -1;
    if (run.idle.empty())
        return fibre_make(carry);
    int f = run.idle.back();
    run.idle.pop_back();
    return f;
}

/* The current thread sleeps until it is released. */
static void sleep_on(FakeThread *t)
{
    t->fibre = fibre_current();
    int next = next_fibre();
    fibre_switch(next < 0 ? 0 : next);
    fake_self = t;
    t->state = FAKE_RUNNING;
}

static void release(FakeThread *t)
{
    t->state = FAKE_READY;
    run.ready.push_back(t->flat);
}

/* A fibre's life: fresh threads one after another, then idle. */
static void carry()
{
    for (;;) {
        while (run.next_fresh < run.thread.size()) {
            FakeThread *t = &run.thread[run.next_fresh++];
            t->state = FAKE_RUNNING;
            fake_self = t;
            (*run.body)();
            t->state = FAKE_DONE;
            fake_self = nullptr;
            run.n_done++;
            if (!run.ready.empty())
                break;
        }
        run.idle.push_back(fibre_current());
        int next = next_fibre();
        fibre_switch(next < 0 ? 0 : next);
    }
}

/* ---- faults ---- */

static void write_fault(const char *fmt, va_list args)
{
    int n = snprintf(run.fault, sizeof run.fault, "%s, block (%u,%u,%u)", run.kernel,
                     fake_block_index.x, fake_block_index.y, fake_block_index.z);
    if (fake_self)
        n += snprintf(run.fault + n, sizeof run.fault - (size_t)n, ", thread (%u,%u,%u)",
                      fake_self->index.x, fake_self->index.y, fake_self->index.z);
    n += snprintf(run.fault + n, sizeof run.fault - (size_t)n, ": ");
    vsnprintf(run.fault + n, sizeof run.fault - (size_t)n, fmt, args);
    fprintf(stderr, "fake_gpu: %s\n", run.fault);
}

void fake_fault(const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    write_fault(fmt, args);
    va_end(args);
    fake_self = nullptr;
    fibre_switch(0);
    abort(); // nobody comes back to a stopped kernel
}

const char *fake_gpu_last_fault(void)
{
    return run.fault;
}

static void describe(char *text, size_t n, const FakeThread *t)
{
    const char *file = t->call.file ? strrchr(t->call.file, '/') : nullptr;
    file = file ? file + 1 : t->call.file;
    if (t->state == FAKE_DONE)
        snprintf(text, n, "thread (%u,%u,%u) has left the kernel", t->index.x, t->index.y,
                 t->index.z);
    else
        snprintf(text, n, "thread (%u,%u,%u) waits at the %s barrier of %s:%d", t->index.x,
                 t->index.y, t->index.z, t->state == FAKE_AT_BLOCK ? "block's" : "warp's", file,
                 t->call.line);
}

/* Nobody can go on: the first thread that waits, and one that it waits for in vain. */
static void blame(const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    write_fault(fmt, args);
    va_end(args);
}

static void blame_deadlock()
{
    for (const FakeThread &t : run.thread) {
        if (t.state != FAKE_AT_BLOCK && t.state != FAKE_AT_WARP)
            continue;
        for (const FakeThread &other : run.thread) {
            bool is_named = t.state == FAKE_AT_BLOCK ||
                            (other.flat / 32 == t.flat / 32 && (t.mask >> other.flat % 32 & 1));
            bool has_come = other.state == t.state && other.call.line == t.call.line &&
                            other.call.file == t.call.file && other.mask == t.mask;
            if (!is_named || has_come)
                continue;
            char waits[128], missing[128];
            describe(waits, sizeof waits, &t);
            describe(missing, sizeof missing, &other);
            return blame("divergent barrier: %s, %s", waits, missing);
        }
    }
    blame("divergent barrier: threads wait for one another");
}

/* ---- collectives ---- */

static bool last_at_block(FakeThread *t, const char *file, int line)
{
    t->call = {FAKE_SYNC, 0, 0, 32, file, line};
    t->mask = 0;
    t->state = FAKE_AT_BLOCK;
    if (++run.n_at_block < run.thread.size())
        return false;
    for (const FakeThread &other : run.thread)
        if (other.call.line != line || strcmp(other.call.file, file) != 0)
            fake_fault("divergent barrier: this thread waits at line %d of %s, thread (%u,%u,%u) "
                       "at line %d",
                       line, file, other.index.x, other.index.y, other.index.z, other.call.line);
    return true;
}

int fake_syncthreads_count(int predicate, const char *file, int line)
{
    FakeThread *t = fake_self;
    run.count += predicate;
    if (!last_at_block(t, file, line)) {
        sleep_on(t);
        return (int)t->result;
    }
    int count = run.count;
    run.count = 0;
    run.n_at_block = 0;
    guard_block_barrier();
    for (FakeThread &other : run.thread) {
        other.result = (uint64_t)count;
        if (&other != t)
            release(&other);
    }
    t->state = FAKE_RUNNING;
    return count;
}

void fake_syncthreads(const char *file, int line)
{
    (void)fake_syncthreads_count(0, file, line);
}

/* The lane that a shuffle reads, or its own where the source lies outside its part of the warp. */
static int source_lane(const FakeWarpCall *c, int lane)
{
    int first = lane / c->width * c->width, last = first + c->width - 1, from = lane;
    switch (c->op) {
    case FAKE_SHFL:
        return first + (c->lane & (c->width - 1));
    case FAKE_SHFL_UP:
        from = lane - c->lane;
        return from < first ? lane : from;
    case FAKE_SHFL_DOWN:
        from = lane + c->lane;
        return from > last ? lane : from;
    case FAKE_SHFL_XOR:
        from = lane ^ c->lane;
        return from > last ? lane : from;
    default:
        return lane;
    }
}

static void finish_warp(unsigned first, unsigned mask)
{
    unsigned ballot = 0;
    for (unsigned l = 0; l < 32 && first + l < run.thread.size(); l++)
        if ((mask >> l & 1) && run.thread[first + l].call.value)
            ballot |= 1u << l;
    for (unsigned l = 0; l < 32 && first + l < run.thread.size(); l++) {
        if (!(mask >> l & 1))
            continue;
        FakeThread *t = &run.thread[first + l];
        t->result = ballot;
        if (t->call.op < FAKE_SHFL)
            continue;
        unsigned from = (unsigned)source_lane(&t->call, (int)l);
        if (!(mask >> from & 1) || first + from >= run.thread.size())
            fake_fault("a shuffle reads lane %u, which does not take part (line %d of %s)", from,
                       t->call.line, t->call.file);
        t->result = run.thread[first + from].call.value;
    }
}

uint64_t fake_warp(FakeWarpCall call, unsigned mask)
{
    FakeThread *t = fake_self;
    unsigned    first = t->flat / 32 * 32;
    if (!(mask >> t->flat % 32 & 1))
        fake_fault("the mask %08x does not name the calling lane %u (line %d of %s)", mask,
                   t->flat % 32, call.line, call.file);
    t->call = call;
    t->mask = mask;
    t->state = FAKE_AT_WARP;
    for (unsigned l = 0; l < 32 && first + l < run.thread.size(); l++) {
        const FakeThread *other = &run.thread[first + l];
        if ((mask >> l & 1) && (other->state != FAKE_AT_WARP || other->mask != mask ||
                                other->call.op != call.op || other->call.line != call.line)) {
            sleep_on(t);
            return t->result;
        }
    }
    finish_warp(first, mask);
    if (call.op == FAKE_SYNC) // shuffles and votes order no memory
        guard_warp_barrier(first / 32);
    for (unsigned l = 0; l < 32 && first + l < run.thread.size(); l++)
        if ((mask >> l & 1) && &run.thread[first + l] != t)
            release(&run.thread[first + l]);
    t->state = FAKE_RUNNING;
    return t->result;
}

/* ---- shared memory ---- */

static void *shared_array(const void *site, size_t bytes)
{
    for (const SharedArray &a : run.shared)
        if (a.site == site)
            return shared_memory + a.at;
    size_t at = (run.shared_used + SHARED_GUARD + 127) / 128 * 128;
    if (at + bytes > sizeof shared_memory)
        fake_fault("a block of this device has %d kB of shared memory", MAX_SHARED >> 10);
    run.shared.push_back({site, at});
    run.shared_used = at + bytes;
    guard_open(shared_memory + at, bytes);
    memset(shared_memory + at, 0xff, bytes);
    return shared_memory + at;
}

void *fake_shared(const void *site, size_t bytes)
{
    return shared_array(site, bytes);
}

void *fake_shared_dynamic(void)
{
    static const char site = 0;
    if (run.dynamic_bytes == 0)
        fake_fault("this launch asked for no dynamic shared memory");
    return shared_array(&site, run.dynamic_bytes);
}

/* ---- grids ---- */

static void begin_block(FakeDim at)
{
    fake_block_index = at;
    unsigned n = fake_block_dim.x * fake_block_dim.y * fake_block_dim.z;
    run.thread.assign(n, FakeThread());
    for (unsigned i = 0; i < n; i++) {
        FakeThread *t = &run.thread[i];
        t->flat = i;
        t->index = FakeDim(i % fake_block_dim.x, i / fake_block_dim.x % fake_block_dim.y,
                           i / fake_block_dim.x / fake_block_dim.y);
    }
    run.next_fresh = run.n_done = run.n_at_block = 0;
    run.count = 0;
    run.ready.clear();
    run.shared.clear();
    run.shared_used = 0;
    guard_close(shared_memory, sizeof shared_memory);
    guard_begin_block(shared_memory, sizeof shared_memory);
}

/* Whether the block ran to its end. */
static bool run_block(FakeDim at)
{
    begin_block(at);
    int next;
    while (run.fault[0] == 0 && (next = next_fibre()) >= 0)
        fibre_switch(next);
    fake_self = nullptr;
    if (run.fault[0] == 0 && run.n_done < run.thread.size())
        blame_deadlock();
    return run.fault[0] == 0;
}

const char *fake_run_grid(const char *kernel, FakeDim grid, FakeDim block, size_t shared_bytes,
                          const std::function<void()> &body)
{
    run.kernel = kernel;
    run.body = &body;
    run.fault[0] = 0;
    run.dynamic_bytes = shared_bytes;
    fake_grid_dim = grid;
    fake_block_dim = block;
    guard_begin_grid();
    bool is_whole = true;
    for (unsigned z = 0; z < grid.z && is_whole; z++)
        for (unsigned y = 0; y < grid.y && is_whole; y++)
            for (unsigned x = 0; x < grid.x && is_whole; x++)
                is_whole = run_block(FakeDim(x, y, z));
    if (!is_whole) {
        fibre_abandon();
        run.idle.clear();
    }
    return run.fault;
}
