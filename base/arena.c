#include "base/arena.h"
#include "base/size.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#if defined(__SANITIZE_ADDRESS__)
#define ONE_BLOCK_PER_CHUNK 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define ONE_BLOCK_PER_CHUNK 1
#endif
#endif
#ifndef ONE_BLOCK_PER_CHUNK
#define ONE_BLOCK_PER_CHUNK 0
#endif

enum { ALIGN = 64, CHUNK_BYTES = 1 << 20 };

struct ArenaChunk {
    ArenaChunk *older;
    char       *memory; // ALIGN-aligned
    int64_t     size;
    int64_t     used;
};

static ArenaChunk *chunk_new(int64_t size)
{
    ArenaChunk *c = malloc(sizeof *c);
    void       *m = NULL;
    if (!c || posix_memalign(&m, ALIGN, (size_t)size) != 0) {
        free(c);
        return NULL;
    }
    *c = (ArenaChunk){.memory = m, .size = size};
    return c;
}

static void chunk_free(ArenaChunk *c)
{
    free(c->memory);
    free(c);
}

void *arena_alloc(Arena *a, int64_t n_bytes)
{
    int64_t padded;
    if (n_bytes < 0 || !size_add(&padded, n_bytes, ALIGN)) {
        (void)status_no_memory("arena", n_bytes);
        return NULL;
    }
    int64_t need =
        ONE_BLOCK_PER_CHUNK ? size_max(n_bytes, 1) : size_round_up(size_max(n_bytes, 1), ALIGN);
    if (ONE_BLOCK_PER_CHUNK || !a->top || a->top->size - a->top->used < need) {
        /* Chunks double, so that a long-lived arena settles on few of them. */
        int64_t     grown = a->top ? size_min(a->top->size * 2, (int64_t)256 << 20) : CHUNK_BYTES;
        int64_t     size = ONE_BLOCK_PER_CHUNK ? need : size_max(need, grown);
        ArenaChunk *c = chunk_new(size);
        if (!c) {
            (void)status_no_memory("arena", n_bytes);
            return NULL;
        }
        c->older = a->top;
        a->top = c;
    }
    char *block = a->top->memory + a->top->used;
    a->top->used += need;
    a->used_bytes += need;
    a->peak_bytes = size_max(a->peak_bytes, a->used_bytes);
    memset(block, 0, (size_t)n_bytes);
    return block;
}

void *arena_array(Arena *a, int64_t count, int64_t size)
{
    int64_t bytes;
    if (!size_mul(&bytes, count, size)) {
        (void)status_fail(ERR_MEMORY, "arena: %lld objects of %lld bytes overflow",
                          (long long)count, (long long)size);
        return NULL;
    }
    return arena_alloc(a, bytes);
}

char *arena_strdup(Arena *a, const char *text)
{
    size_t n = strlen(text) + 1;
    char  *copy = arena_alloc(a, (int64_t)n);
    if (copy)
        memcpy(copy, text, n);
    return copy;
}

char *arena_printf(Arena *a, const char *fmt, ...)
{
    va_list args, again;
    va_start(args, fmt);
    va_copy(again, args);
    int   n = vsnprintf(NULL, 0, fmt, args);
    char *text = n < 0 ? NULL : arena_alloc(a, (int64_t)n + 1);
    if (text)
        vsnprintf(text, (size_t)n + 1, fmt, again);
    va_end(again);
    va_end(args);
    return text;
}

ArenaMark arena_mark(const Arena *a)
{
    return (ArenaMark){a->top, a->top ? a->top->used : 0, a->used_bytes};
}

void arena_rewind(Arena *a, ArenaMark mark)
{
    while (a->top != mark.chunk) {
        assert(a->top && "mark is not of this arena, or was already rewound");
        ArenaChunk *older = a->top->older;
        chunk_free(a->top);
        a->top = older;
    }
    if (a->top)
        a->top->used = mark.offset;
    a->used_bytes = mark.used_bytes;
}

void arena_release(Arena *a)
{
    arena_rewind(a, (ArenaMark){0});
}
