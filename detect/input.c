#include "detect/input.h"
#include "base/size.h"
#include "kernels/ops/standardise.h"
#include <string.h>

DetLoaderOptions detect_input_loader(const DetectConfig *c, bool train, const Backend *be)
{
    DetLoaderOptions o = detect_config_loader(c, train);
    o.bytes_only = !be->is_host;
    return o;
}

/* The pixels of pictures first .. first+n-1, floats or bytes, without the padding that other pictures of the batch caused:
 * on their way. */
static Tensor *pixels(Tape *t, Feed *f, const DetBatch *b, int64_t first, int64_t n)
{
    int64_t     H = 0, W = 0, pixel = 3 * (b->bytes ? 1 : (int64_t)sizeof(float));
    int64_t     row = b->width * pixel;
    const char *from = b->bytes ? (const char *)b->bytes : (const char *)b->pixels;
    for (int64_t i = first; i < first + n; i++) {
        H = size_max(H, b->image[i].height);
        W = size_max(W, b->image[i].width);
    }
    int64_t dim[] = {n, H, W, 3};
    from += first * b->height * row;
    if (H == b->height && W == b->width)
        return feed_input(f, t, b->bytes ? U8 : F32, 4, dim, from);
    char *cut = ARENA_ARRAY(&t->arena, char, n *H *W *pixel);
    if (cut == NULL)
        return tape_fail(t, ERR_MEMORY);
    for (int64_t i = 0; i < n; i++)
        for (int64_t y = 0; y < H; y++)
            memcpy(cut + (i * H + y) * W * pixel, from + (i * b->height + y) * row,
                   (size_t)(W * pixel));
    return feed_input(f, t, b->bytes ? U8 : F32, 4, dim, cut);
}

static Tensor *sizes(Tape *t, Feed *f, const DetBatch *b, int64_t first, int64_t n)
{
    float *size = ARENA_ARRAY(&t->arena, float, 2 * n);
    if (size == NULL)
        return tape_fail(t, ERR_MEMORY);
    for (int64_t i = 0; i < n; i++) {
        size[2 * i] = (float)b->image[first + i].width;
        size[2 * i + 1] = (float)b->image[first + i].height;
    }
    return feed_input(f, t, F32, 2, (int64_t[]){n, 2}, size);
}

static GroundTruth ground_truth(Tape *t, Feed *f, const DetBatch *b, int64_t first, int64_t n)
{
    int64_t G = 0;
    for (int64_t i = first; i < first + n; i++)
        G += b->image[i].n_objects;
    float   *box = ARENA_ARRAY(&t->arena, float, 4 * G);
    int32_t *label = ARENA_ARRAY(&t->arena, int32_t, G),
            *start = ARENA_ARRAY(&t->arena, int32_t, n + 1);
    if (!box || !label || !start) {
        tape_fail(t, ERR_MEMORY);
        return (GroundTruth){&t->nothing, &t->nothing, &t->nothing};
    }
    int64_t g = 0;
    for (int64_t i = 0; i < n; i++) {
        const DetBatchImage *im = &b->image[first + i];
        if (im->n_objects > 0) {
            memcpy(box + 4 * g, im->box, (size_t)(4 * im->n_objects) * sizeof *box);
            memcpy(label + g, im->label, (size_t)im->n_objects * sizeof *label);
        }
        g += im->n_objects;
        start[i + 1] = (int32_t)g;
    }
    return (GroundTruth){feed_input(f, t, F32, 2, (int64_t[]){G, 4}, box),
                         feed_input(f, t, I32, 1, &G, label),
                         feed_input(f, t, I32, 1, (int64_t[]){n + 1}, start)};
}

/* Everything is on its way: from here on it is there. */
static void arrive(Tape *t, Feed *f, DetectInput *in, const DetBatch *b)
{
    Status st = feed_end(f);
    if (st != OK)
        tape_fail(t, st);
    if (!b->bytes)
        return;
    Tensor *bytes = in->images;
    in->images = standardise(t, bytes, in->size, &b->stats);
    tape_done(t, bytes);
}

DetectInput detect_input(Tape *t, Feed *f, const DetBatch *batch, int64_t first, int64_t n,
                         uint64_t seed)
{
    DetectInput in = {.N = n,
                      .random = {.seed = seed, .iteration = batch->step, .first_image = first}};
    in.images = pixels(t, f, batch, first, n);
    in.size = sizes(t, f, batch, first, n);
    in.gt = ground_truth(t, f, batch, first, n);
    arrive(t, f, &in, batch);
    return in;
}

DetectInput detect_input_picture(Tape *t, Feed *f, const DetBatch *batch)
{
    DetectInput in = {.N = 1};
    in.images = pixels(t, f, batch, 0, 1);
    in.size = sizes(t, f, batch, 0, 1);
    arrive(t, f, &in, batch);
    return in;
}
