/* plan_cache.h -- which of a library's plans was fastest for a shape, kept from run to run
 *
 * A text file in the user's cache folder ($XDG_CACHE_HOME or ~/.cache, godwit/), one for each device and library version:
 * a line "hexadecimal key, plan". A run that finds its shapes there starts without measuring and computes with the same
 * plans as the run before, bit for bit. A file that cannot be read or written is not an error: plans are then measured.
 */
#pragma once
#include <stdint.h>

typedef struct PlanCache PlanCache;

/* `name` is part of a file name. Never NULL but out of memory. */
PlanCache *plan_cache_open(const char *name);
void       plan_cache_close(PlanCache *c);

/* The plan noted for `bytes` of key, -1 when there is none. */
int  plan_cache_find(const PlanCache *c, const void *key, int64_t bytes);
void plan_cache_note(PlanCache *c, const void *key, int64_t bytes, int plan);
