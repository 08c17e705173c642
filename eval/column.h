/* column.h -- an array that grows while a file is read
 *
 *      COLUMN(double) score = {0};
 *      TRY(COLUMN_PUSH(&score, .5));        score.data[0 .. score.n-1]
 *      COLUMN_RELEASE(&score);
 *
 * Growth is by half, so that a column never holds more than 1.5 times its rows.
 */
#pragma once
#include "base/size.h"
#include "base/status.h"
#include <stdint.h>
#include <stdlib.h>

#define COLUMN(T)                                                                                  \
    struct {                                                                                       \
        T      *data;                                                                              \
        int64_t n, cap;                                                                            \
    }

/* Room for `more` elements of `size` bytes behind the n there are. */
static inline Status column_grow(void **data, int64_t n, int64_t *cap, int64_t more, int64_t size)
{
    int64_t want, bytes, grown = *cap + *cap / 2 + 16;
    if (!size_add(&want, n, more))
        return status_no_memory("column", n);
    want = want > grown ? want : grown;
    if (!size_mul(&bytes, want, size))
        return status_no_memory("column", want);
    void *moved = realloc(*data, (size_t)bytes);
    if (!moved)
        return status_no_memory("column", bytes);
    *data = moved;
    *cap = want;
    return OK;
}

#define COLUMN_RESERVE(c, more)                                                                    \
    ((c)->cap - (c)->n >= (more) ? OK                                                              \
                                 : column_grow((void **)&(c)->data, (c)->n, &(c)->cap, (more),     \
                                               (int64_t)sizeof *(c)->data))
#define COLUMN_PUSH(c, value)                                                                      \
    (COLUMN_RESERVE((c), 1) == OK ? ((c)->data[(c)->n++] = (value), OK) : ERR_MEMORY)
#define COLUMN_RELEASE(c) (free((c)->data), (c)->data = NULL, (c)->n = (c)->cap = 0)
