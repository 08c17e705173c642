/* scene_write.h -- how the scene writers share their work: pictures are made in parallel and handed
 * over in order
 *
 *      first .. first+n-1 --batches--> render + JPEG (threads_for) --one by one, by index--> sink
 *
 * Internal to datasets/scene*.c. Jpeg quality is the picture's own, chroma is halved (4:2:0) as
 * cameras do.
 */
#pragma once
#include "datasets/image.h"
#include "datasets/scene.h"
#include <stdio.h>

typedef struct ScenePicture {
    SceneTruth truth;
    ImageBytes jpeg;
    uint8_t   *owner; // (size,size), as scene_render
} ScenePicture;

typedef Status SceneSink(void *ctx, const ScenePicture *picture, int64_t index);

/* Stops at the first failure of a picture or of the sink. The picture is the sink's only during the
 * call. */
Status scene_each(const SceneOptions *options, SceneSink *sink, void *ctx, int64_t first,
                  int64_t n) STATUS_MUST_USE;

/* Splits as ranges of indices; ERR_USAGE for negative counts or a sum past 10^9. */
typedef struct SceneRange {
    const char *name;
    int64_t     first, n;
} SceneRange;
Status scene_ranges(SceneRange range[3], SceneSplits splits) STATUS_MUST_USE;

/* Like mkdir -p. ERR_CREATE. */
Status scene_make_dirs(const char *path) STATUS_MUST_USE;

/* A path put together with printf; ERR_USAGE when longer than `n_bytes`. */
Status scene_path(char *out, size_t n_bytes, const char *fmt, ...)
    __attribute__((format(printf, 3, 4))) STATUS_MUST_USE;

/* fopen for writing, and fclose that reports what was lost. */
Status scene_create(FILE **f, const char *path) STATUS_MUST_USE;
Status scene_finish(FILE *f, const char *path) STATUS_MUST_USE;
Status scene_write_file(const char *path, const ImageBytes *bytes) STATUS_MUST_USE;
