/* source_table.h -- what a Source is inside (internal): records, and the shards they lie in */
#pragma once
#include "base/arena.h"
#include "datasets/source.h"
#include <stdio.h>

typedef struct SourceRecord {
    const char    *name;
    const uint8_t *bytes;  // in memory, or NULL
    int64_t        file;   // shard, -1: a file of its own below root
    int64_t        offset; // in the shard
    int64_t        n_bytes;
    int64_t        label; // -1: none
} SourceRecord;

typedef struct SourceFile {
    int fd; // -1: unpacked into memory
} SourceFile;

struct Source {
    Arena         arena; // names, bytes
    const char   *root;
    SourceRecord *record;
    int64_t       n, capacity;
    SourceFile   *file;
    int64_t       n_files;
    int64_t       n_classes;
    const char  **class_name;
    int64_t       n_class_names;
};

Status source_add(Source *s, SourceRecord record);

/* source_folder.c, source_shards.c: fill an empty source. */
Status source_scan_folder(Source *s, const char *path);
Status source_scan_shards(Source *s, const char *pattern);

/* True for *.jpg *.jpeg *.png, any case. */
bool source_is_picture(const char *name);
