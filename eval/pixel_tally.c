/* pixel_tally.c -- see pixel_tally.h */
#include "eval/pixel_tally.h"

static bool occurs(const PixelCount *c)
{
    return c->truth > 0 || c->found > 0;
}

Status pixel_tally_keep(Arena *a, PixelImage *out, const PixelCount *tally, int64_t n_labels)
{
    int64_t n = 0;
    for (int64_t c = 0; c < n_labels; c++)
        n += occurs(&tally[c]);
    PixelCount *kept = ARENA_ARRAY(a, PixelCount, n);
    if (!kept)
        return status_no_memory("pixel counts", n * (int64_t)sizeof *kept);
    *out = (PixelImage){n, kept};
    for (int64_t c = 0; c < n_labels; c++)
        if (occurs(&tally[c])) {
            *kept = tally[c];
            kept++->label = (int32_t)c;
        }
    return OK;
}
