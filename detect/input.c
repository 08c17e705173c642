#include "detect/input.h"
#include <string.h>

/* The pixels of pictures first .. first+n-1 without the padding that other pictures of the batch caused. */
static Tensor *images(Tape *t, Feed *f, const DetBatch *b, int64_t first, int64_t n)
{
    int64_t      H = 0, W = 0, row = b->width * 3;
    const float *from = b->pixels + first * b->height * row;
    for (int64_t i = first; i < first + n; i++) {
        H = b->image[i].height > H ? b->image[i].height : H;
        W = b->image[i].width > W ? b->image[i].width : W;
    }
    int64_t dim[] = {n, H, W, 3};
    if (H == b->height && W == b->width)
        return feed_input(f, t, F32, 4, dim, from);
    float *pixels = ARENA_ARRAY(&t->arena, float, n *H *W * 3);
    if (pixels == NULL)
        return tape_fail(t, ERR_MEMORY);
    for (int64_t i = 0; i < n; i++)
        for (int64_t y = 0; y < H; y++)
            memcpy(pixels + (i * H + y) * W * 3, from + (i * b->height + y) * row,
                   (size_t)(W * 3) * sizeof *pixels);
    return feed_input(f, t, F32, 4, dim, pixels);
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

static void end(Tape *t, Feed *f)
{
    Status st = feed_end(f);
    if (st != OK)
        tape_fail(t, st);
}

DetectInput detect_input(Tape *t, Feed *f, const DetBatch *batch, int64_t first, int64_t n,
                         uint64_t seed)
{
    DetectInput in = {.N = n,
                      .random = {.seed = seed, .iteration = batch->step, .first_image = first}};
    float      *size = ARENA_ARRAY(&t->arena, float, 2 * n);
    if (size == NULL) {
        in.images = in.size = tape_fail(t, ERR_MEMORY);
        return in;
    }
    for (int64_t i = 0; i < n; i++) {
        size[2 * i] = (float)batch->image[first + i].width;
        size[2 * i + 1] = (float)batch->image[first + i].height;
    }
    in.images = images(t, f, batch, first, n);
    in.size = feed_input(f, t, F32, 2, (int64_t[]){n, 2}, size);
    in.gt = ground_truth(t, f, batch, first, n);
    end(t, f);
    return in;
}

DetectInput detect_input_picture(Tape *t, Feed *f, const float *pixels, int64_t height,
                                 int64_t width)
{
    float       size[] = {(float)width, (float)height};
    DetectInput in = {.N = 1};
    in.images = feed_input(f, t, F32, 4, (int64_t[]){1, height, width, 3}, pixels);
    in.size = feed_input(f, t, F32, 2, (int64_t[]){1, 2}, size);
    end(t, f);
    return in;
}
