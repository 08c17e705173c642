#include "fake_gpu/guard.h"
#include "fake_gpu/block.h"
#include "fake_gpu/memory.h"

#include <memory>
#include <stdint.h>
#include <stdlib.h>
#include <unordered_map>

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#endif

void guard_open(void *p, size_t bytes)
{
#if defined(__SANITIZE_ADDRESS__)
    __asan_unpoison_memory_region(p, bytes);
#else
    (void)p;
    (void)bytes;
#endif
}

void guard_close(void *p, size_t bytes)
{
#if defined(__SANITIZE_ADDRESS__)
    __asan_poison_memory_region(p, bytes);
#else
    (void)p;
    (void)bytes;
#endif
}

/* ---- races ----
 *
 * Each cell of memory remembers who read and who wrote it last, and when: barriers move the clock of their block or
 * warp; shuffles and votes do not, for they order no memory. Cells are 2 bytes wide, and single bytes have a plane of
 * their own, so that neighbours of every element type stay apart; a race between a byte and a wider access goes unseen,
 * as does one with a reader before the last.
 */
struct Touch {
    uint32_t grid; // number of the launch; 0: never
    uint32_t block;
    uint32_t block_clock;
    uint16_t warp_clock, thread;
    bool     is_atomic;
};
struct Cell {
    Touch written, read;
};

enum { PAGE_CELLS = 2048, MOST_PAGES = 8192 };
typedef std::unordered_map<uintptr_t, std::unique_ptr<Cell[]>> Plane;

static struct {
    uint32_t    grid, block, block_clock;
    uint16_t    warp_clock[32];
    const char *shared;
    size_t      shared_bytes;
    Plane       wide, bytes;
} guard;

static bool looks_for_races()
{
    static const char *text = getenv("FAKE_GPU_RACES");
    return !text || text[0] != '0';
}

void guard_begin_grid(void)
{
    guard.grid++;
    guard.block = 0;
    if (guard.wide.size() + guard.bytes.size() > MOST_PAGES) {
        guard.wide.clear();
        guard.bytes.clear();
    }
}

void guard_begin_block(const void *shared, size_t bytes)
{
    guard.block++;
    guard.block_clock = 0;
    guard.shared = (const char *)shared;
    guard.shared_bytes = bytes;
    for (uint16_t &c : guard.warp_clock)
        c = 0;
}

void guard_block_barrier(void)
{
    guard.block_clock++;
}

void guard_warp_barrier(unsigned warp)
{
    guard.warp_clock[warp]++;
}

static bool is_shared(const void *p)
{
    return (const char *)p >= guard.shared && (const char *)p < guard.shared + guard.shared_bytes;
}

/* Whether nothing orders an earlier touch and one of `self` now. */
static bool is_concurrent(const Touch &t, const FakeThread *self, bool in_shared)
{
    if (t.grid != guard.grid)
        return false;
    if (t.block != guard.block)
        return !in_shared;
    if (t.thread == self->flat || t.block_clock != guard.block_clock)
        return false;
    unsigned warp = self->flat / 32;
    return t.thread / 32u != warp || t.warp_clock == guard.warp_clock[warp];
}

static void check(Plane &plane, uintptr_t cell, bool in_shared, bool is_write, bool is_atomic)
{
    const FakeThread        *self = fake_self;
    std::unique_ptr<Cell[]> &page = plane[cell / PAGE_CELLS];
    if (!page)
        page.reset(new Cell[PAGE_CELLS]());
    Cell        &c = page[cell % PAGE_CELLS];
    const Touch *other = nullptr;
    if (is_concurrent(c.written, self, in_shared) && !(is_atomic && c.written.is_atomic))
        other = &c.written;
    else if (is_write && is_concurrent(c.read, self, in_shared) && !(is_atomic && c.read.is_atomic))
        other = &c.read;
    if (other)
        fake_fault("race in %s memory: this thread %s what thread %u of block %u %s, and no "
                   "barrier between them",
                   in_shared ? "shared" : "device", is_write ? "writes" : "reads", other->thread,
                   other->block - 1, other == &c.written ? "wrote" : "read");
    (is_write ? c.written : c.read) = {guard.grid,           guard.block,
                                       guard.block_clock,    guard.warp_clock[self->flat / 32],
                                       (uint16_t)self->flat, is_atomic};
}

void guard_access(const void *p, size_t bytes, bool is_write, bool is_atomic)
{
    if (!fake_self)
        return;
    bool in_shared = is_shared(p);
    if (memory_is_arena(p)) {
        if (!memory_is_device(p, bytes))
            fake_fault("%s %zu bytes outside every allocation", is_write ? "writes" : "reads",
                       bytes);
    } else if (!in_shared) {
        return; // its own stack, constants
    }
    if (!looks_for_races())
        return;
    if (bytes == 1)
        return check(guard.bytes, (uintptr_t)p, in_shared, is_write, is_atomic);
    for (size_t at = 0; at < bytes; at += 2)
        check(guard.wide, ((uintptr_t)p + at) / 2, in_shared, is_write, is_atomic);
}

void fake_atomic(void *p, size_t bytes)
{
    guard_access(p, bytes, true, true);
}
