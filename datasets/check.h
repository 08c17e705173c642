/* check.h -- what is wrong with a data set, before a day of training is spent on it
 *
 * Each finding is one record: a kind, the file, a sentence. Findings are data, not failures: the
 * functions fail only when the set cannot be looked at (no such folder, no memory).
 */
#pragma once
#include "base/arena.h"
#include "base/status.h"
#include "datasets/detection.h"
#include <stdbool.h>
#include <stdint.h>

typedef struct CheckProblem {
    bool        is_error; // training would stop or be wrong; otherwise a warning
    const char *kind;     // "missing-image", "bad-xml", "bad-annotations", "bad-image",
                          // "box-empty", "box-outside", "box-inverted", "size-mismatch",
                          // "unknown-class", "duplicate-id", "no-objects", "exif"
    const char *file;
    const char *text;
} CheckProblem;

typedef struct CheckClass {
    const char *name;
    int64_t     n_images, n_objects, n_difficult;
} CheckClass;

typedef struct CheckReport {
    Arena         arena; // owns the rest
    CheckProblem *problem;
    int64_t       n_problems;           // kept: at most CHECK_MAX_PROBLEMS
    int64_t       n_errors, n_warnings; // all that were found
    CheckClass   *class_row;
    int64_t       n_classes;
    int64_t       n_images, n_objects;
} CheckReport;

#define CHECK_MAX_PROBLEMS 1000

typedef struct CheckOptions {
    VocOptions voc;
    bool       decode; // decode every picture fully, not only its header
} CheckOptions;

Status check_voc(CheckReport *out, const CheckOptions *options, const char *root,
                 const char *split);
/* COCO instances JSON as training reads it (coco_load), with the pictures of a folder. */
Status check_coco(CheckReport *out, const CheckOptions *options, const char *json,
                  const char *pictures);
/* Any path that source_open takes. */
Status check_images(CheckReport *out, const CheckOptions *options, const char *path);
void   check_release(CheckReport *r);
