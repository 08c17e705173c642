/* folder.h -- every file of a kind below a folder, in a fixed order */
#pragma once
#include "base/arena.h"
#include "base/status.h"
#include <stdint.h>

/* Paths relative to root of all files whose name ends in `suffix`, sorted by bytes. At most 16
 * folders deep and 4 million files; a folder that cannot be opened is an error. */
Status folder_walk(Arena *a, char ***paths, int64_t *n, const char *root,
                   const char *suffix) STATUS_MUST_USE;
