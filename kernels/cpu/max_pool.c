/* max pool: each output place takes the best of its taps, channel-wise; backward walks the places of each image again.
 * Images are independent, so both directions are parallel over (image, block of channels). */
#include "base/size.h"
#include "base/threads.h"
#include "kernels/cpu/cpu.h"

#include <string.h>

enum { BLOCK = 64 };

typedef struct Work {
    Tensor       *out; // y or dx
    const Tensor *in;  // x or dy
    uint8_t      *where;
    const Pool2d *op;
    int64_t       N, H, W, C, P, Q;
    float         beta;
} Work;

/* The taps of the window at (p, q) that lie inside, one by one. */
static int64_t input_at(const Work *k, int64_t n, int64_t p, int64_t q, int64_t tap)
{
    int64_t h = p * k->op->stride - k->op->pad + tap / k->op->size;
    int64_t w = q * k->op->stride - k->op->pad + tap % k->op->size;
    if (h < 0 || h >= k->H || w < 0 || w >= k->W)
        return -1;
    return ((n * k->H + h) * k->W + w) * k->C;
}

static void forward_rows(void *ctx, int64_t begin, int64_t end)
{
    const Work       *k = ctx;
    const TypedLoops *loops = loops_of(k->in);
    for (int64_t row = begin; row < end; row++) // row = n P + p
        for (int64_t q = 0; q < k->Q; q++) {
            int64_t y = (row * k->Q + q) * k->C;
            bool    first = true;
            for (int64_t tap = 0; tap < k->op->size * k->op->size; tap++) {
                int64_t x = input_at(k, row / k->P, row % k->P, q, tap);
                if (x < 0)
                    continue;
                loops->max_of(at(k->out, y), k->where + y, at(k->in, x), (uint8_t)tap, first, k->C);
                first = false;
            }
        }
}

Status cpu_max_pool_forward(Tensor *y, Tensor *where, const Tensor *x, const Pool2d *op)
{
    Work k = {.out = y,
              .in = x,
              .where = where->data,
              .op = op,
              .N = x->dim[0],
              .H = x->dim[1],
              .W = x->dim[2],
              .C = x->dim[3],
              .P = y->dim[1],
              .Q = y->dim[2]};
    if (tensor_count(y) > 0)
        threads_for(k.N * k.P, threads_grain(k.N * k.P, 4), forward_rows, &k);
    return OK;
}

static void backward_parts(void *ctx, int64_t begin, int64_t end)
{
    const Work       *k = ctx;
    const TypedLoops *loops = loops_of(k->out);
    int64_t           blocks = (k->C + BLOCK - 1) / BLOCK;
    for (int64_t i = begin; i < end; i++) {
        int64_t n = i / blocks, c0 = i % blocks * BLOCK, width = size_min(BLOCK, k->C - c0);
        for (int64_t place = 0; k->beta == 0.0f && place < k->H * k->W; place++)
            memset(at(k->out, (n * k->H * k->W + place) * k->C + c0), 0,
                   (size_t)(width * dtype_bytes(k->out->dtype)));
        for (int64_t p = 0; p < k->P; p++)
            for (int64_t q = 0; q < k->Q; q++) {
                int64_t y = ((n * k->P + p) * k->Q + q) * k->C + c0;
                for (int64_t tap = 0; tap < k->op->size * k->op->size; tap++) {
                    int64_t x = input_at(k, n, p, q, tap);
                    if (x >= 0)
                        loops->max_back(at(k->out, x + c0), at(k->in, y), k->where + y,
                                        (uint8_t)tap, width);
                }
            }
    }
}

Status cpu_max_pool_backward(Tensor *dx, const Tensor *dy, const Tensor *where, const Pool2d *op)
{
    Work k = {.out = dx,
              .in = dy,
              .where = where->data,
              .op = op,
              .N = dx->dim[0],
              .H = dx->dim[1],
              .W = dx->dim[2],
              .C = dx->dim[3],
              .P = dy->dim[1],
              .Q = dy->dim[2]};
    k.beta = tensor_beta(dx);
    if (tensor_count(dx) > 0)
        threads_for(k.N * ((k.C + BLOCK - 1) / BLOCK), 1, backward_parts, &k);
    return OK;
}
