/* conv2d.c -- convolutions: the library's, with bias and empty tensors taken care of
 *
 * In bf16 two kinds have several ways, of which the fastest for the shape is taken:
 *
 *      weight gradients       f32 from the sums, by an engine that is compiled late | through bf16, as PyTorch has them
 *      few channels (photos)  as they are | widened to 4 or to 8 channels, the last of them zeros
 */
#include "kernels/cuda/cuda.h"
#include "kernels/cuda/lib.h"

enum { FEW_CHANNELS = 4, MANY_CHANNELS = 8 }; // 8 and 16 bytes: what bf16 engines load at once

typedef struct ConvCall {
    ConvKind      kind; // CONV_FORWARD writes y, CONV_WEIGHTS dw
    Tensor       *out;
    const Tensor *x, *wy; // CONV_FORWARD: w; CONV_WEIGHTS: dy
    const Conv2d *op;
    float         beta;
} ConvCall;

static Status run_as_it_is(const ConvCall *c)
{
    return c->kind == CONV_FORWARD
               ? lib_conv2d_forward(c->out, c->x, c->wy, c->op)
               : lib_conv2d_backward_weights(c->out, c->beta, c->x, c->wy, c->op);
}

/* A blank like x with C channels; its memory is the caller's. */
static Status blank(Tensor *like, const Tensor *x, int64_t C, DType type)
{
    *like = *x;
    like->dtype = type;
    like->dim[x->ndim - 1] = C;
    return cuda_alloc(&like->data, tensor_bytes(like));
}

static Status run_wide(const ConvCall *c, int64_t C)
{
    Tensor        x = {.data = NULL}, w = {.data = NULL};
    bool          writes_w = c->kind == CONV_WEIGHTS;
    const Tensor *narrow = writes_w ? c->out : c->wy;
    ConvCall      wide = {c->kind, writes_w ? &w : c->out, &x, writes_w ? c->wy : &w, c->op, 0};
    Status        st = blank(&x, c->x, C, c->x->dtype);
    if (st == OK)
        st = cuda_copy_channels(&x, c->x);
    if (st == OK)
        st = blank(&w, narrow, C, narrow->dtype);
    if (st == OK && !writes_w)
        st = cuda_copy_channels(&w, narrow);
    if (st == OK)
        st = run_as_it_is(&wide);
    if (st == OK && writes_w)
        st = cuda_copy_channels(c->out, &w);
    cuda_free(w.data);
    cuda_free(x.data);
    return st;
}

static Status run_through_bf16(const ConvCall *c)
{
    Tensor dw = {.data = NULL};
    TRY(blank(&dw, c->out, c->out->dim[c->out->ndim - 1], BF16));
    ConvCall low = {c->kind, &dw, c->x, c->wy, c->op, 0};
    Status   st = run_as_it_is(&low);
    if (st == OK)
        st = cuda_accumulate(c->out, c->beta, &dw);
    cuda_free(dw.data);
    return st;
}

static Status run_few_channels(void *call, int way)
{
    return way == 0 ? run_as_it_is(call) : run_wide(call, way == 1 ? FEW_CHANNELS : MANY_CHANNELS);
}

static Status run_weights(void *call, int way)
{
    return way == 0 ? run_as_it_is(call) : run_through_bf16(call);
}

/* Sums that are there already (beta) are left out of the timing. */
static Status run_fastest(ConvCall *c)
{
    bool is_forward = c->kind == CONV_FORWARD;
    bool has_few = c->x->dim[3] < FEW_CHANNELS && c->op->groups == 1 && c->beta == 0;
    int  way = 0;
    Status (*run)(void *, int) = has_few ? run_few_channels : run_weights;
    if (c->x->dtype != BF16 || c->beta != 0 || !(has_few || !is_forward))
        return run_as_it_is(c);
    TRY(lib_conv2d_choose(&way, c->kind, c->x, is_forward ? c->wy : c->out,
                          is_forward ? c->out : c->wy, c->op, 1, has_few ? 3 : 2, run, c));
    return run(c, way);
}

Status cuda_conv2d_forward(Tensor *y, const Tensor *x, const Tensor *w, const Tensor *bias,
                           const Conv2d *op)
{
    ConvCall call = {CONV_FORWARD, y, x, w, op, 0};
    if (tensor_count(y) == 0)
        return OK;
    TRY(tensor_count(x) > 0 ? run_fastest(&call) : cuda_fill(y, 0));
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
    ConvCall call = {CONV_WEIGHTS, dw, x, dy, op, tensor_beta(dw)};
    if (tensor_count(dw) == 0)
        return OK;
    if (tensor_count(x) == 0 || tensor_count(dy) == 0)
        return call.beta == 0 ? cuda_fill(dw, 0) : OK;
    return run_fastest(&call);
}
