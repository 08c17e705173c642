#include "kernels/ref/ref.h"

/* The sizes of one convolution, read off its tensors. */
typedef struct Sizes {
    int64_t N, H, W, Ci, P, Q, Co, kh, kw; // y is (N,P,Q,Co)
    int64_t ci, co;                        // channels of one group
} Sizes;

static Sizes sizes_of(const Tensor *y, const Tensor *x, const Tensor *w, const Conv2d *op)
{
    return (Sizes){x->dim[0],
                   x->dim[1],
                   x->dim[2],
                   x->dim[3],
                   y->dim[1],
                   y->dim[2],
                   y->dim[3],
                   w->dim[1],
                   w->dim[2],
                   w->dim[3],
                   y->dim[3] / op->groups};
}

Status ref_conv2d_forward(Tensor *y, const Tensor *x, const Tensor *w, const Tensor *bias,
                          const Conv2d *op)
{
    Sizes s = sizes_of(y, x, w, op);
    for (int64_t n = 0; n < s.N; n++)
        for (int64_t p = 0; p < s.P; p++)
            for (int64_t q = 0; q < s.Q; q++)
                for (int64_t o = 0; o < s.Co; o++) {
                    int64_t first = o / s.co * s.ci; // the first input channel of o's group
                    double  sum = bias ? (double)ref_load(bias, o) : 0.0;
                    for (int64_t i = 0; i < s.kh; i++)
                        for (int64_t j = 0; j < s.kw; j++) {
                            int64_t h = p * op->stride - op->pad + i * op->dilation;
                            int64_t v = q * op->stride - op->pad + j * op->dilation;
                            if (h < 0 || h >= s.H || v < 0 || v >= s.W)
                                continue;
                            for (int64_t c = 0; c < s.ci; c++)
                                sum += (double)ref_load(x, ((n * s.H + h) * s.W + v) * s.Ci +
                                                               first + c) *
                                       (double)ref_load(w, ((o * s.kh + i) * s.kw + j) * s.ci + c);
                        }
                    ref_store(y, ((n * s.P + p) * s.Q + q) * s.Co + o, (float)sum);
                }
    return OK;
}

/* p with p * stride - pad + tap * dilation == h, or -1. */
static int64_t output_of(int64_t h, int64_t tap, int64_t P, const Conv2d *op)
{
    int64_t at = h + op->pad - tap * op->dilation;
    if (at < 0 || at % op->stride != 0 || at / op->stride >= P)
        return -1;
    return at / op->stride;
}

Status ref_conv2d_backward_data(Tensor *dx, const Tensor *dy, const Tensor *w, const Conv2d *op)
{
    Sizes s = sizes_of(dy, dx, w, op);
    float beta = tensor_beta(dx);
    for (int64_t n = 0; n < s.N; n++)
        for (int64_t h = 0; h < s.H; h++)
            for (int64_t v = 0; v < s.W; v++)
                for (int64_t c = 0; c < s.Ci; c++) {
                    int64_t first = c / s.ci * s.co; // the first output channel of c's group
                    double  sum = 0.0;
                    for (int64_t i = 0; i < s.kh; i++)
                        for (int64_t j = 0; j < s.kw; j++) {
                            int64_t p = output_of(h, i, s.P, op), q = output_of(v, j, s.Q, op);
                            if (p < 0 || q < 0)
                                continue;
                            for (int64_t o = first; o < first + s.co; o++)
                                sum += (double)ref_load(dy, ((n * s.P + p) * s.Q + q) * s.Co + o) *
                                       (double)ref_load(w, ((o * s.kh + i) * s.kw + j) * s.ci +
                                                               c % s.ci);
                        }
                    ref_add(dx, ((n * s.H + h) * s.W + v) * s.Ci + c, beta, sum);
                }
    return OK;
}

static void bias_gradient(Tensor *dbias, const Tensor *dy, int64_t Co)
{
    float   beta = tensor_beta(dbias);
    int64_t rows = Co > 0 ? tensor_count(dy) / Co : 0;
    for (int64_t o = 0; o < Co; o++) {
        double sum = 0.0;
        for (int64_t r = 0; r < rows; r++)
            sum += (double)ref_load(dy, r * Co + o);
        ref_add(dbias, o, beta, sum);
    }
}

/* The sum over all places of x at one tap and channel times dy at one output channel. */
static double tap_gradient(const Tensor *x, const Tensor *dy, const Sizes *s, const Conv2d *op,
                           int64_t o, int64_t i, int64_t j, int64_t channel)
{
    double sum = 0.0;
    for (int64_t n = 0; n < s->N; n++)
        for (int64_t p = 0; p < s->P; p++)
            for (int64_t q = 0; q < s->Q; q++) {
                int64_t h = p * op->stride - op->pad + i * op->dilation;
                int64_t v = q * op->stride - op->pad + j * op->dilation;
                if (h < 0 || h >= s->H || v < 0 || v >= s->W)
                    continue;
                sum += (double)ref_load(x, ((n * s->H + h) * s->W + v) * s->Ci + channel) *
                       (double)ref_load(dy, ((n * s->P + p) * s->Q + q) * s->Co + o);
            }
    return sum;
}

Status ref_conv2d_backward_weights(Tensor *dw, Tensor *dbias, const Tensor *x, const Tensor *dy,
                                   const Conv2d *op)
{
    if (dbias)
        bias_gradient(dbias, dy, dy->dim[3]);
    if (!dw)
        return OK;
    Sizes s = sizes_of(dy, x, dw, op);
    float beta = tensor_beta(dw);
    for (int64_t o = 0; o < s.Co; o++)
        for (int64_t i = 0; i < s.kh; i++)
            for (int64_t j = 0; j < s.kw; j++)
                for (int64_t c = 0; c < s.ci; c++)
                    ref_add(dw, ((o * s.kh + i) * s.kw + j) * s.ci + c, beta,
                            tap_gradient(x, dy, &s, op, o, i, j, o / s.co * s.ci + c));
    return OK;
}
