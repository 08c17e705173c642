/* arena.h -- memory with one lifetime
 *
 *      chunk            chunk
 *      +------------+   +----------------------+
 *      |aaaa|bb|cccc|-->|dddd|ee|    free       |      arena_alloc only moves a mark forward;
 *      +------------+   +----------------------+      arena_rewind moves it back, arena_release
 * frees all
 *
 * Blocks are 64-byte aligned and zeroed. An arena is used by one thread at a time. `Arena a = {0};`
 * is a valid empty arena. Under AddressSanitizer every block is its own malloc, so overruns and use
 * after rewind are seen.
 */
#pragma once
#include "base/status.h"
#include <stddef.h>
#include <stdint.h>

typedef struct ArenaChunk ArenaChunk;

typedef struct Arena {
    ArenaChunk *top;        // newest chunk; older ones linked behind it
    int64_t     used_bytes; // live now, over all chunks
    int64_t     peak_bytes; // the most that was ever live
} Arena;

typedef struct ArenaMark {
    ArenaChunk *chunk;
    int64_t     offset;
    int64_t     used_bytes;
} ArenaMark;

/* A zeroed block of n >= 0 bytes, or NULL with the sentence set when memory is short or n < 0. n =
 * 0 gives a valid pointer. */
void *arena_alloc(Arena *a, int64_t n_bytes);

/* As arena_alloc for count objects of `size` bytes each; a product that overflows is NULL too. */
void *arena_array(Arena *a, int64_t count, int64_t size);

/* A copy of `text` with its terminating zero, or NULL as arena_alloc. */
char *arena_strdup(Arena *a, const char *text);
char *arena_printf(Arena *a, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Everything allocated after arena_mark is given back by arena_rewind; marks nest like a stack. */
ArenaMark arena_mark(const Arena *a);
void      arena_rewind(Arena *a, ArenaMark mark);

/* Frees all and leaves an empty arena; the peak is kept. */
void arena_release(Arena *a);

/* Typed helpers: ARENA_NEW(a, Node) and ARENA_ARRAY(a, float, n). */
#define ARENA_NEW(a, T) ((T *)arena_alloc((a), (int64_t)sizeof(T)))
#define ARENA_ARRAY(a, T, n) ((T *)arena_array((a), (n), (int64_t)sizeof(T)))
