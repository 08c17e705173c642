#include "kernels/ref/ref.h"

Status ref_avg_pool_forward(Tensor *y, const Tensor *x, const Pool2d *op)
{
    int64_t N = y->dim[0], P = y->dim[1], Q = y->dim[2], C = y->dim[3], H = x->dim[1],
            W = x->dim[2];
    for (int64_t n = 0; n < N; n++)
        for (int64_t p = 0; p < P; p++)
            for (int64_t q = 0; q < Q; q++)
                for (int64_t c = 0; c < C; c++) {
                    double sum = 0.0;
                    for (int64_t k = 0; k < op->size * op->size; k++) {
                        int64_t h = p * op->stride - op->pad + k / op->size;
                        int64_t w = q * op->stride - op->pad + k % op->size;
                        if (h >= 0 && h < H && w >= 0 && w < W)
                            sum += (double)ref_load(x, ((n * H + h) * W + w) * C + c);
                    }
                    ref_store(y, ((n * P + p) * Q + q) * C + c,
                              (float)(sum / (double)(op->size * op->size)));
                }
    return OK;
}

Status ref_avg_pool_backward(Tensor *dx, const Tensor *dy, const Pool2d *op)
{
    int64_t N = dx->dim[0], H = dx->dim[1], W = dx->dim[2], C = dx->dim[3], P = dy->dim[1],
            Q = dy->dim[2];
    float beta = tensor_beta(dx);
    for (int64_t n = 0; n < N; n++)
        for (int64_t h = 0; h < H; h++)
            for (int64_t w = 0; w < W; w++)
                for (int64_t c = 0; c < C; c++) {
                    double sum = 0.0;
                    for (int64_t k = 0; k < op->size * op->size; k++) {
                        int64_t i = h + op->pad - k / op->size, j = w + op->pad - k % op->size;
                        if (i >= 0 && j >= 0 && i % op->stride == 0 && j % op->stride == 0 &&
                            i / op->stride < P && j / op->stride < Q)
                            sum += (double)ref_load(
                                dy, ((n * P + i / op->stride) * Q + j / op->stride) * C + c);
                    }
                    ref_add(dx, ((n * H + h) * W + w) * C + c, beta,
                            sum / (double)(op->size * op->size));
                }
    return OK;
}
