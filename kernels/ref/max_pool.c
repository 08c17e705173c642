#include "kernels/body/pool.h"
#include "kernels/ref/ref.h"

/* The first of equal values wins, in row order; NaN wins over everything. */
Status ref_max_pool_forward(Tensor *y, Tensor *where, const Tensor *x, const Pool2d *op)
{
    int64_t N = y->dim[0], P = y->dim[1], Q = y->dim[2], C = y->dim[3], H = x->dim[1],
            W = x->dim[2], S = op->stride, pad = op->pad;
    uint8_t *tap = where->data;
    for (int64_t n = 0; n < N; n++)
        for (int64_t p = 0; p < P; p++)
            for (int64_t q = 0; q < Q; q++)
                for (int64_t c = 0; c < C; c++) {
                    int64_t at = ((n * P + p) * Q + q) * C + c;
                    int64_t i0 = pool_first_tap(p, S, pad), j0 = pool_first_tap(q, S, pad);
                    int64_t i1 = pool_end_tap(p, op->size, S, pad, H);
                    int64_t j1 = pool_end_tap(q, op->size, S, pad, W);
                    float   best = 0;
                    bool    any = false;
                    for (int64_t i = i0; i < i1; i++)
                        for (int64_t j = j0; j < j1; j++) {
                            int64_t h = p * S - pad + i, w = q * S - pad + j;
                            float   v = ref_load(x, ((n * H + h) * W + w) * C + c);
                            if (any && !max_pool_takes(v, best))
                                continue;
                            any = true;
                            best = v;
                            tap[at] = (uint8_t)(i * op->size + j);
                        }
                    ref_store(y, at, best);
                }
    return OK;
}

/* The sum of dy over the windows whose maximum sits at (h, w). */
static double arriving(const Tensor *dy, const uint8_t *tap, const Pool2d *op, int64_t n, int64_t h,
                       int64_t w, int64_t c)
{
    int64_t P = dy->dim[1], Q = dy->dim[2], C = dy->dim[3], S = op->stride, pad = op->pad;
    int64_t p0 = pool_first_window(h, op->size, S, pad), p1 = pool_end_window(h, S, pad, P);
    int64_t q0 = pool_first_window(w, op->size, S, pad), q1 = pool_end_window(w, S, pad, Q);
    double  sum = 0.0;
    for (int64_t p = p1 - 1; p >= p0; p--)
        for (int64_t q = q1 - 1; q >= q0; q--) {
            int64_t at = ((n * P + p) * Q + q) * C + c;
            if (tap[at] == (h + pad - p * S) * op->size + w + pad - q * S)
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
