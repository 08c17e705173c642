#include "kernels/pool.h"
#include "base/size.h"

#include <stdlib.h>
#include <string.h>

#if defined(__SANITIZE_ADDRESS__)
#define POOL_REUSES 0
#else
#define POOL_REUSES 1
#endif

enum { ALIGN = 64, STEPS_UNTIL_IDLE = 8 };

typedef struct Block {
    char   *memory;
    int64_t bytes;
    int64_t last_step; // when it was last taken
    bool    is_used;
} Block;

struct Pool {
    const Backend *be;
    Block         *block; // ascending bytes
    int64_t        n, capacity;
    int64_t        step;
    int64_t        held_bytes, used_bytes, peak_bytes;
};

Status pool_new(Pool **pool, const Backend *be)
{
    *pool = calloc(1, sizeof **pool);
    if (!*pool)
        return status_no_memory("tape's pool", sizeof **pool);
    (*pool)->be = be;
    return OK;
}

static void drop(Pool *p, int64_t i)
{
    p->held_bytes -= p->block[i].bytes;
    p->be->free(p->block[i].memory);
    memmove(&p->block[i], &p->block[i + 1], (size_t)(p->n - i - 1) * sizeof *p->block);
    p->n--;
}

void pool_free(Pool *pool)
{
    if (!pool)
        return;
    while (pool->n > 0)
        drop(pool, pool->n - 1);
    free(pool->block);
    free(pool);
}

/* Index of the first block with at least n_bytes. */
static int64_t lower_bound(const Pool *p, int64_t n_bytes)
{
    int64_t lo = 0, hi = p->n;
    while (lo < hi) {
        int64_t mid = lo + (hi - lo) / 2;
        if (p->block[mid].bytes < n_bytes)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

static Status ask_backend(Pool *p, char **memory, int64_t bytes)
{
    void *m = NULL;
    if (p->be->alloc(&m, bytes) == OK) {
        *memory = m;
        return OK;
    }
    for (int64_t i = p->n - 1; i >= 0; i--) // give back what is idle and try once more
        if (!p->block[i].is_used)
            drop(p, i);
    TRY(p->be->alloc(&m, bytes));
    *memory = m;
    return OK;
}

Status pool_take(Pool *p, void **memory, int64_t n_bytes)
{
    int64_t bytes = size_round_up(size_max(n_bytes, 1), ALIGN);
    int64_t most = bytes + bytes / 8;
    int64_t at = lower_bound(p, bytes);
    while (at < p->n && p->block[at].is_used && p->block[at].bytes <= most)
        at++;
    if (at == p->n || p->block[at].is_used || p->block[at].bytes > most) {
        if (p->n == p->capacity) {
            int64_t grown = size_max(64, p->capacity * 2);
            Block  *b = realloc(p->block, (size_t)grown * sizeof *b);
            if (!b)
                return status_no_memory("tape's pool", (long long)grown);
            p->block = b;
            p->capacity = grown;
        }
        char *fresh = NULL;
        TRY(ask_backend(p, &fresh, bytes));
        at = lower_bound(p, bytes + 1); // after its equals: addresses repeat in order of first use
        memmove(&p->block[at + 1], &p->block[at], (size_t)(p->n - at) * sizeof *p->block);
        p->block[at] = (Block){.memory = fresh, .bytes = bytes};
        p->n++;
        p->held_bytes += bytes;
    }
    Block *b = &p->block[at];
    b->is_used = true;
    b->last_step = p->step;
    p->used_bytes += b->bytes;
    p->peak_bytes = size_max(p->peak_bytes, p->used_bytes);
    *memory = b->memory;
    return OK;
}

void pool_give(Pool *p, void *memory)
{
    if (!memory)
        return;
    for (int64_t i = 0; i < p->n; i++)
        if (p->block[i].memory == memory && p->block[i].is_used) {
            p->block[i].is_used = false;
            p->used_bytes -= p->block[i].bytes;
            if (!POOL_REUSES)
                drop(p, i);
            return;
        }
}

void pool_reset(Pool *p)
{
    p->step++;
    p->used_bytes = 0;
    for (int64_t i = p->n - 1; i >= 0; i--) {
        p->block[i].is_used = false;
        if (!POOL_REUSES || p->step - p->block[i].last_step > STEPS_UNTIL_IDLE)
            drop(p, i);
    }
}

int64_t pool_bytes(const Pool *pool)
{
    return pool->held_bytes;
}

int64_t pool_peak(const Pool *pool)
{
    return pool->peak_bytes;
}
