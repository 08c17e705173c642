#include "kernels/body/augment.h"
#include "base/size.h"
#include "kernels/ref/ref.h"
#include <stdlib.h>

/* One crop: planes of red, green and blue, and as much memory beside them. */
typedef struct Crop {
    uint8_t *plane[3], *beside;
    int64_t  H, W;
} Crop;

static int32_t mean_luma(const Crop *c)
{
    int64_t sum = 0, n = c->H * c->W;
    for (int64_t i = 0; i < n; i++)
        sum += pixel_luma(c->plane[0][i], c->plane[1][i], c->plane[2][i]);
    return n > 0 ? pixel_mean(sum, n) : 0;
}

/* Op number k of the plan on every pixel. */
static void apply_op(const Crop *c, const PixelPlan *plan, int k)
{
    PixelPlan one = {.n_ops = 1, .op = {plan->op[k]}, .factor = {plan->factor[k]}};
    int32_t   mean = one.op[0] == PIXEL_CONTRAST ? mean_luma(c) : 0;
    for (int64_t i = 0; i < c->H * c->W; i++) {
        uint8_t rgb[3] = {c->plane[0][i], c->plane[1][i], c->plane[2][i]};
        augment_colours(rgb, &one, 1, mean);
        for (int p = 0; p < 3; p++)
            c->plane[p][i] = rgb[p];
    }
}

static int64_t inside(int64_t i, int64_t n)
{
    return size_max(0, size_min(i, n - 1));
}

/* One pass over lines of n pixels, `step` apart; the edge pixels are repeated beyond the edges. */
static void blur_line(uint8_t *to, const uint8_t *from, int64_t n, int64_t step, PixelBox box)
{
    for (int64_t i = 0; i < n; i++) {
        uint32_t inner = 0, edge = (uint32_t)from[inside(i - box.radius - 1, n) * step] +
                                   from[inside(i + box.radius + 1, n) * step];
        for (int64_t k = -box.radius; k <= box.radius; k++)
            inner += from[inside(i + k, n) * step];
        to[i * step] = pixel_box(inner, edge, box);
    }
}

static void blur(const Crop *c, PixelBox box)
{
    for (int p = 0; p < 3; p++)
        for (int pass = 0; pass < 6; pass++) { // three along rows, three along columns
            if (pass < 3)
                for (int64_t y = 0; y < c->H; y++)
                    blur_line(c->beside + y * c->W, c->plane[p] + y * c->W, c->W, 1, box);
            else
                for (int64_t x = 0; x < c->W; x++)
                    blur_line(c->beside + x, c->plane[p] + x, c->H, c->W, box);
            memcpy(c->plane[p], c->beside, (size_t)(c->H * c->W));
        }
}

static void write_out(Tensor *y, int64_t image, const Crop *c, bool flip, const PixelStats *stats)
{
    int64_t at = image * c->H * c->W * 3;
    for (int64_t i = 0; i < c->H; i++)
        for (int64_t j = 0; j < c->W; j++)
            for (int p = 0; p < 3; p++) {
                uint8_t byte = c->plane[p][i * c->W + (flip ? c->W - 1 - j : j)];
                ref_store(y, at++, pixel_normalise(byte, stats->mean[p], stats->std[p]));
            }
}

Status ref_augment(Tensor *y, const Tensor *x, const Tensor *plan, const PixelStats *stats)
{
    int64_t N = x->dim[0], n = x->dim[2] * x->dim[3];
    if (tensor_count(x) == 0)
        return OK;
    uint8_t *memory = malloc(4 * (size_t)n);
    if (!memory)
        return status_no_memory("augment: a crop", 4 * n);
    Crop c = {{memory, memory + n, memory + 2 * n}, memory + 3 * n, x->dim[2], x->dim[3]};
    for (int64_t i = 0; i < N; i++) {
        const PixelPlan *p = (const PixelPlan *)plan->data + i;
        memcpy(memory, (const uint8_t *)x->data + i * 3 * n, 3 * (size_t)n);
        for (int k = 0; k < p->n_ops && k < PIXEL_MOST_OPS; k++)
            apply_op(&c, p, k);
        if (p->blur.radius >= 0)
            blur(&c, p->blur);
        write_out(y, i, &c, p->flip != 0, stats);
    }
    free(memory);
    return OK;
}
