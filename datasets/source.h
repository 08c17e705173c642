/* source.h -- where labelled pictures come from
 *
 *      folder of class folders   root/CLASS/.../x.jpg                      classes are the sorted folder names; label = rank
 *      flat folder               root/x.jpg                                label -1, every picture below root, sorted bytewise
 *      tar shards                a.tar, dir of *.tar, p-{0000..0003}.tar   key.jpg + key.cls
 *      memory                    source_from_memory
 *
 * Order is fixed: bytewise by folder then name, shards by name, records by place in the shard. Reading is thread-safe. Plain
 * shards are indexed by offset and read in place; compressed ones are unpacked into memory (up to 1 GiB in all).
 */
#pragma once
#include "base/digest.h"
#include "base/status.h"
#include "datasets/image.h"
#include <stdint.h>

typedef struct Source Source;

/* ERR_MISSING: no such path. ERR_FORMAT: nothing to read there, broken shard, bad label. */
Status source_open(Source **out, const char *path);

typedef struct SourceItem {
    const void *bytes; // encoded picture, copied by source_from_memory
    int64_t     n_bytes;
    const char *name;
    int64_t     label; // -1: none
} SourceItem;

Status source_from_memory(Source **out, const SourceItem *items, int64_t n_items);
void   source_close(Source *s);

int64_t     source_count(const Source *s);
int64_t     source_n_classes(const Source *s);        // 1 + the largest label; 0 without labels
int64_t     source_label(const Source *s, int64_t i); // -1: none
const char *source_name(const Source *s, int64_t i); // path below the root, or key inside its shard

/* Adds every name and label, in order. */
void source_digest(const Source *s, Digest *d);

/* Class name: the folder, or a line of classes.txt beside the shards; the number otherwise. */
const char *source_class_name(const Source *s, int64_t label);

/* Each label of s becomes the one that `other` gives to the class of that name: the two may list different classes. -1 and
 * labels without a name in one of the two stay. ERR_FORMAT names a class, or a number, that `other` lacks. */
Status source_relabel(int64_t *label, int64_t n, const Source *s, const Source *other);

/* *bytes points into `buffer` or into the source; valid until the buffer is used again. */
Status source_read(const Source *s, int64_t i, ImageBytes *buffer, const uint8_t **bytes,
                   int64_t *n_bytes);
