#include "kernels/body/pool.h"
#include "kernels/ref/ref.h"

/* The sum of x over the places that window (p, q) covers. */
static double covered(const Tensor *x, const Pool2d *op, int64_t n, int64_t p, int64_t q, int64_t c)
{
    int64_t H = x->dim[1], W = x->dim[2], C = x->dim[3], S = op->stride, pad = op->pad;
    int64_t i1 = pool_end_tap(p, op->size, S, pad, H), j1 = pool_end_tap(q, op->size, S, pad, W);
    double  sum = 0.0;
    for (int64_t i = pool_first_tap(p, S, pad); i < i1; i++)
        for (int64_t j = pool_first_tap(q, S, pad); j < j1; j++) {
            int64_t h = p * S - pad + i, w = q * S - pad + j;
            sum += (double)ref_load(x, ((n * H + h) * W + w) * C + c);
        }
    return sum;
}

Status ref_avg_pool_forward(Tensor *y, const Tensor *x, const Pool2d *op)
{
    int64_t N = y->dim[0], P = y->dim[1], Q = y->dim[2], C = y->dim[3];
    for (int64_t n = 0; n < N; n++)
        for (int64_t p = 0; p < P; p++)
            for (int64_t q = 0; q < Q; q++)
                for (int64_t c = 0; c < C; c++)
                    ref_store(y, ((n * P + p) * Q + q) * C + c,
                              (float)(covered(x, op, n, p, q, c) / (double)(op->size * op->size)));
    return OK;
}

/* The sum of dy over the windows that cover (h, w). */
static double arriving(const Tensor *dy, const Pool2d *op, int64_t n, int64_t h, int64_t w,
                       int64_t c)
{
    int64_t P = dy->dim[1], Q = dy->dim[2], C = dy->dim[3], S = op->stride, pad = op->pad;
    int64_t p0 = pool_first_window(h, op->size, S, pad), p1 = pool_end_window(h, S, pad, P);
    int64_t q0 = pool_first_window(w, op->size, S, pad), q1 = pool_end_window(w, S, pad, Q);
    double  sum = 0.0;
    for (int64_t p = p1 - 1; p >= p0; p--)
        for (int64_t q = q1 - 1; q >= q0; q--)
            sum += (double)ref_load(dy, ((n * P + p) * Q + q) * C + c);
    return sum;
}

Status ref_avg_pool_backward(Tensor *dx, const Tensor *dy, const Pool2d *op)
{
    int64_t N = dx->dim[0], H = dx->dim[1], W = dx->dim[2], C = dx->dim[3];
    float   beta = tensor_beta(dx);
    for (int64_t n = 0; n < N; n++)
        for (int64_t h = 0; h < H; h++)
            for (int64_t w = 0; w < W; w++)
                for (int64_t c = 0; c < C; c++)
                    ref_add(dx, ((n * H + h) * W + w) * C + c, beta,
                            arriving(dy, op, n, h, w, c) / (double)(op->size * op->size));
    return OK;
}
