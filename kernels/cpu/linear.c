/* linear layers as one matrix product each; bf16 operands are widened first (they are small beside convolutions) */
#include "kernels/cpu/cpu.h"
#include "kernels/cpu/onednn.h"
#include "kernels/cpu/scratch.h"
#include "kernels/ref/ref.h"

/* x as f32: itself or a widened copy in *owned. NULL when memory is short. */
static const float *as_f32(const Tensor *x, float **owned)
{
    *owned = NULL;
    if (x->dtype == F32)
        return x->data;
    int64_t n = tensor_count(x);
    *owned = scratch_take(n * (int64_t)sizeof(float));
    if (*owned)
        cpu_loops()->widen(*owned, x->data, n);
    return *owned;
}

/* out (M,N) = beta * out + op(a) op(b) + bias, out f32 or bf16. */
static Status product(Tensor *out, char op_a, char op_b, int64_t K, const Tensor *a,
                      const Tensor *b, float beta, const Tensor *bias)
{
    int64_t      M = out->dim[0], N = out->dim[1];
    float       *own_a = NULL, *own_b = NULL, *wide = NULL;
    Status       st = ERR_MEMORY;
    const float *fa = as_f32(a, &own_a), *fb = as_f32(b, &own_b);
    bool         direct = out->dtype == F32;
    if (!direct)
        wide = scratch_take(M * N * (int64_t)sizeof *wide);
    float *c = direct ? out->data : wide;
    if (fa && fb && c)
        st = onednn_sgemm(op_a, op_b, M, N, K, 1, fa, op_a == 'N' ? K : M, fb, op_b == 'N' ? N : K,
                          direct ? beta : 0.0f, c, N);
    for (int64_t r = 0; st == OK && bias && r < M; r++)
        cpu_loops()->f32.accumulate(c + r * N, bias->data, 1.0f, N);
    if (st == OK && !direct)
        cpu_loops()->narrow_add(out->data, c, beta, M * N);
    scratch_give(own_a);
    scratch_give(own_b);
    scratch_give(wide);
    return st;
}

static bool is_empty(const Tensor *a, const Tensor *b)
{
    return tensor_count(a) == 0 || tensor_count(b) == 0;
}

Status cpu_linear_forward(Tensor *y, const Tensor *x, const Tensor *w, const Tensor *bias)
{
    if (is_empty(x, w))
        return ref_linear_forward(y, x, w, bias);
    return product(y, 'N', 'T', x->dim[1], x, w, 0.0f, bias);
}

Status cpu_linear_backward_data(Tensor *dx, const Tensor *dy, const Tensor *w)
{
    if (is_empty(dy, w))
        return ref_linear_backward_data(dx, dy, w);
    return product(dx, 'N', 'N', w->dim[0], dy, w, tensor_beta(dx), NULL);
}

Status cpu_linear_backward_weights(Tensor *dw, Tensor *dbias, const Tensor *x, const Tensor *dy)
{
    if (is_empty(x, dy))
        return ref_linear_backward_weights(dw, dbias, x, dy);
    if (dbias)
        TRY(cpu_column_sums(dbias, dy));
    return dw ? product(dw, 'T', 'N', x->dim[0], dy, x, tensor_beta(dw), NULL) : OK;
}
