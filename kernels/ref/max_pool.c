#include "kernels/ref/ref.h"

#include <math.h>

/* The first of equal values wins, in row order; NaN wins over everything. */
Status ref_max_pool_forward(Tensor *y, Tensor *where, const Tensor *x, const Pool2d *op)
{
    int64_t N = y->dim[0], P = y->dim[1], Q = y->dim[2], C = y->dim[3], H = x->dim[1],
            W = x->dim[2];
    uint8_t *tap = where->data;
    for (int64_t n = 0; n < N; n++)
        for (int64_t p = 0; p < P; p++)
            for (int64_t q = 0; q < Q; q++)
                for (int64_t c = 0; c < C; c++) {
                    int64_t at = ((n * P + p) * Q + q) * C + c;
                    float   best = -INFINITY;
                    bool    any = false;
                    for (int64_t k = 0; k < op->size * op->size; k++) {
                        int64_t h = p * op->stride - op->pad + k / op->size;
                        int64_t w = q * op->stride - op->pad + k % op->size;
                        if (h < 0 || h >= H || w < 0 || w >= W)
                            continue;
                        float v = ref_load(x, ((n * H + h) * W + w) * C + c);
                        if (!any || v > best || (isnan(v) && !isnan(best))) {
                            any = true;
                            best = v;
                            tap[at] = (uint8_t)k;
                        }
                    }
                    ref_store(y, at, best);
                }
    return OK;
}

/* The sum of dy over the windows whose maximum sits at (h, w). */
static double arriving(const Tensor *dy, const uint8_t *tap, const Pool2d *op, int64_t n, int64_t h,
                       int64_t w, int64_t c)
{
    int64_t P = dy->dim[1], Q = dy->dim[2], C = dy->dim[3];
    double  sum = 0.0;
    for (int64_t k = 0; k < op->size * op->size; k++) {
        int64_t i = h + op->pad - k / op->size, j = w + op->pad - k % op->size;
        if (i < 0 || j < 0 || i % op->stride || j % op->stride || i / op->stride >= P ||
            j / op->stride >= Q)
            continue;
        int64_t at = ((n * P + i / op->stride) * Q + j / op->stride) * C + c;
        if (tap[at] == k)
            sum += (double)ref_load(dy, at);
    }
    return sum;
}

Status ref_max_pool_backward(Tensor *dx, const Tensor *dy, const Tensor *where, const Pool2d *op)
{
    int64_t N = dx->dim[0], H = dx->dim[1], W = dx->dim[2], C = dx->dim[3];
    float   beta = tensor_beta(dx);
    for (int64_t n = 0; n < N; n++)
        for (int64_t h = 0; h < H; h++)
            for (int64_t w = 0; w < W; w++)
                for (int64_t c = 0; c < C; c++)
                    ref_add(dx, ((n * H + h) * W + w) * C + c, beta,
                            arriving(dy, where->data, op, n, h, w, c));
    return OK;
}
