/* conv2d.c -- convolutions: the library's, with bias and empty tensors taken care of
 *
 * A strided bf16 convolution of few channels, the first of a network, has three ways: as it is, folded, and folded with
 * two outputs a place (fold.h). The fastest one for the shape is taken; where the device has no room to fold, it runs as
 * it is.
 */
#include "kernels/cuda/cuda.h"
#include "kernels/cuda/fold.h"
#include "kernels/cuda/lib.h"

enum { FEW_CHANNELS = 4, FEW_OUTPUTS = 64 };

/* CONV_FORWARD writes y, CONV_WEIGHTS w. */
typedef struct ConvCall {
    ConvKind      kind;
    Tensor        x, w, y;
    const Conv2d *op;
    float         beta; // of a weight gradient
} ConvCall;

static Status run_as_it_is(ConvCall *c)
{
    return c->kind == CONV_FORWARD
               ? lib_conv2d_forward(&c->y, &c->x, &c->w, c->op)
               : lib_conv2d_backward_weights(&c->w, c->beta, &c->x, &c->y, c->op);
}

static int64_t round_up(int64_t n, int64_t to)
{
    return (n + to - 1) / to * to;
}

static FoldAxis fold_axis(int64_t k, int64_t n_out, const Conv2d *op, int64_t outputs)
{
    int64_t  s = op->stride * outputs;
    FoldAxis a = {.pixels = s, .blocks = (op->pad + s - 1) / s};
    a.shift = a.blocks * s - op->pad;
    a.size = (k + a.shift + (outputs - 1) * op->stride + s - 1) / s;
    a.length = n_out / outputs + a.size - 1;
    return a;
}

static Fold fold_of(const ConvCall *c, int64_t outputs)
{
    Fold f = {.h = fold_axis(c->w.dim[1], c->y.dim[1], c->op, 1),
              .w = fold_axis(c->w.dim[2], c->y.dim[2], c->op, outputs),
              .stride = c->op->stride,
              .outputs = outputs};
    f.channels = round_up(f.h.pixels * f.w.pixels * c->x.dim[3], 8);
    return f;
}

static Status run_folded(ConvCall *c, int64_t outputs)
{
    Fold     f = fold_of(c, outputs);
    Conv2d   op = {1, 0, 1, 1};
    bool     writes_w = c->kind == CONV_WEIGHTS;
    ConvCall folded = {c->kind, c->x, c->w, c->y, &op, 0};
    Tensor  *x = &folded.x, *w = &folded.w, *y = &folded.y;
    Status   st = OK;
    x->dim[1] = f.h.length;
    x->dim[2] = f.w.length;
    w->dim[0] *= outputs;
    w->dim[1] = f.h.size;
    w->dim[2] = f.w.size;
    x->dim[3] = w->dim[3] = f.channels;
    y->dim[2] /= outputs;
    y->dim[3] *= outputs;
    x->data = w->data = NULL;
    TRY_OUT(cuda_scratch("conv2d, folded", &x->data, tensor_bytes(x)));
    TRY_OUT(cuda_scratch("conv2d, folded", &w->data, tensor_bytes(w)));
    TRY_OUT(cuda_fold_x(x, &c->x, &f));
    if (!writes_w)
        TRY_OUT(cuda_fold_w(w, &c->w, &f));
    TRY_OUT(run_as_it_is(&folded));
    if (writes_w)
        TRY_OUT(cuda_unfold_dw(&c->w, w, &f));
out:
    cuda_free(w->data);
    cuda_free(x->data);
    return st;
}

static Status run_way(void *call, int way)
{
    return way == 0 ? run_as_it_is(call) : run_folded(call, way);
}

static Status run(ConvCall *c)
{
    bool can_fold = c->x.dtype == BF16 && c->x.dim[3] < FEW_CHANNELS && c->op->stride > 1 &&
                    c->op->groups == 1 && c->op->dilation == 1 && c->w.dim[1] == c->w.dim[2] &&
                    c->beta == 0;
    bool can_pair = c->y.dim[2] % 2 == 0 && c->y.dim[3] <= FEW_OUTPUTS;
    int  way = 0; // 0, or the outputs of a place
    if (can_fold)
        TRY(lib_conv2d_choose(&way, c->kind, &c->x, &c->w, &c->y, c->op, can_pair ? 3 : 2, run_way,
                              c));
    Status st = run_way(c, way);
    return st == ERR_MEMORY && way > 0 ? run_way(c, 0) : st; // folding wants room of its own
}

Status cuda_conv2d_forward(Tensor *y, const Tensor *x, const Tensor *w, const Tensor *bias,
                           const Conv2d *op)
{
    ConvCall call = {CONV_FORWARD, *x, *w, *y, op, 0};
    if (tensor_count(y) == 0)
        return OK;
    TRY(tensor_count(x) > 0 ? run(&call) : cuda_fill(y, 0));
    return bias ? cuda_add_bias(y, bias) : OK;
}

Status cuda_conv2d_backward_data(Tensor *dx, const Tensor *dy, const Tensor *w, const Conv2d *op)
{
    float beta = tensor_beta(dx);
    if (tensor_count(dx) == 0)
        return OK;
    if (tensor_count(dy) == 0)
        return beta == 0 ? cuda_fill(dx, 0) : OK;
    return lib_conv2d_backward_data(dx, beta, dy, w, op);
}

Status cuda_conv2d_backward_weights(Tensor *dw, Tensor *dbias, const Tensor *x, const Tensor *dy,
                                    const Conv2d *op)
{
    if (dbias)
        TRY(cuda_column_sums(dbias, dy));
    if (!dw)
        return OK;
    ConvCall call = {CONV_WEIGHTS, *x, *dw, *dy, op, tensor_beta(dw)};
    if (tensor_count(dw) == 0)
        return OK;
    if (tensor_count(x) == 0 || tensor_count(dy) == 0)
        return call.beta == 0 ? cuda_fill(dw, 0) : OK;
    return run(&call);
}
