/* picture_cache.h -- decoded pictures kept in memory up to a budget, by index; for any number of threads (internal)
 *
 * What is in stays in and never changes, so a found picture may be read without a lock.
 */
#pragma once
#include "datasets/image.h"

typedef struct PictureCache PictureCache;

/* Room for pictures 0 .. n-1 of together `budget` bytes; with a budget of 0 there is no cache and *out is NULL, which
 * every function takes. */
Status picture_cache_new(PictureCache **out, int64_t n, int64_t budget);
void   picture_cache_free(PictureCache *c);

const Image *picture_cache_find(PictureCache *c, int64_t index); // NULL: not there

/* Takes *decoded over (it is empty afterwards) and returns where it is kept. When it does not fit, or another thread was
 * first, *decoded stays the caller's, and the result is NULL or that thread's picture. */
const Image *picture_cache_keep(PictureCache *c, int64_t index, Image *decoded);

int64_t picture_cache_bytes(PictureCache *c);
