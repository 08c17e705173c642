/* cityscapes_files.h -- what both Cityscapes metrics need: pairs of files, the first failure */
#pragma once
#include "eval/cityscapes.h"
#include <pthread.h>

#define CITYSCAPES_LABEL_FILES "labelIds.png"
#define CITYSCAPES_INSTANCE_FILES "instanceIds.png"

typedef struct CityscapesPair {
    char *truth, *found; // paths that can be opened
} CityscapesPair;

/* Every file below truth_dir that ends in truth_suffix, in the order of paths, with the one file
 * below found_dir named <city>_<seq>_<frame>*found_suffix. */
Status cityscapes_pairs(Arena *a, CityscapesPair **pairs, int64_t *n, const char *truth_dir,
                        const char *truth_suffix, const char *found_dir,
                        const char *found_suffix) STATUS_MUST_USE;

/* Of several failing images the first is reported, whatever the number of threads. */
typedef struct CityscapesFailure {
    Status          st;
    int64_t         image;
    char            sentence[1024];
    pthread_mutex_t lock;
} CityscapesFailure;

void cityscapes_keep_failure(CityscapesFailure *f, Status st, int64_t image);

/* One prediction line, parsed. */
typedef struct CityscapesFound {
    char  *mask; // path
    int    label;
    double confidence;
} CityscapesFound;

/* The prediction file `path` below root; the last line of a repeated mask wins, in the place of the
 * first. */
Status cityscapes_read_list(Arena *a, CityscapesFound **found, int64_t *n, const char *path,
                            const char *root) STATUS_MUST_USE;
Status cityscapes_parse_list(Arena *a, CityscapesFound **found, int64_t *n, const char *bytes,
                             int64_t len, const char *path, const char *root) STATUS_MUST_USE;
