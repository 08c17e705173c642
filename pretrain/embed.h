/* embed.h -- features of every picture of a set, in sorted order
 *
 * The network runs with running statistics on the test transform (short side, centre crop). Output
 * file: safetensors with `features` (n,F) f32; the picture names in the same order in
 * `<file>.names.txt`, one a line.
 */
#pragma once
#include "datasets/augment.h"
#include "datasets/source.h"
#include "pretrain/backbone.h"

typedef enum EmbedWhat {
    EMBED_POOLED, // (n,F) mean of the last stage
    EMBED_HEAD,   // (n,O) after the head
    EMBED_PIXELS, // (n,crop*crop*3): what features must beat
} EmbedWhat;

typedef struct EmbedOptions {
    EmbedWhat      what;
    AugmentOptions augment; // AUGMENT_TEST
    int64_t        batch;   // pictures at once; 0: 128
    DType          dtype;   // of activations
    int64_t        limit;   // only the first pictures; 0: all
} EmbedOptions;

/* Features of the first n = min(limit, count) pictures in host memory, malloc'd: the caller frees
 * *features and *labels. net may be NULL for EMBED_PIXELS. labels may be NULL. ERR_USAGE: EMBED_HEAD without a head. */
Status embed_source(float **features, int64_t **labels, int64_t *n, int64_t *width,
                    const Backend *be, const ResNet *net, const Source *source,
                    const EmbedOptions *options);

/* The test transform that fits a backbone; crop 0: the side it was trained at, or 224. */
AugmentOptions embed_augment(const BackboneInfo *info, int64_t crop);

/* godwit embed: weights + data -> safetensors and names. */
Status embed_file(int64_t *n, int64_t *width, const Backend *be, const char *weights,
                  const char *data, const char *out, EmbedWhat what, DType dtype, int64_t crop);
