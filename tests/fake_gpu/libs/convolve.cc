#include "fake_gpu/libs/convolve.h"
#include "fake_gpu/libs/tf32.h"

extern "C" {
#include "kernels/ref/ref.h"
}
#include <assert.h>
#include <vector>

static Tensor tensor_at(DType dtype, int64_t n, int64_t h, int64_t w, int64_t c, void *data)
{
    Tensor t = {};
    t.dtype = dtype;
    t.ndim = 4;
    t.dim[0] = n;
    t.dim[1] = h;
    t.dim[2] = w;
    t.dim[3] = c;
    t.data = data;
    t.is_blank = true;
    return t;
}

/* An operand rounded, in memory of its own. */
static void round_operand(Tensor *t, std::vector<float> *own)
{
    for (int64_t i = 0; i < tensor_count(t); i++)
        own->push_back(round_to_tf32(ref_load(t, i)));
    t->data = own->data();
}

void convolve(const FakeConv &c, const Span span[3], Liberties taken)
{
    Tensor  x = tensor_at(c.dtype, c.N, c.H, c.W, c.Ci, span[0].p);
    Tensor  w = tensor_at(c.dtype, c.Co, c.kh, c.kw, c.ci, span[1].p);
    Tensor  y = tensor_at(c.dtype, c.N, c.P, c.Q, c.Co, span[2].p);
    Tensor *out = c.kind == CONV_FORWARD ? &y : c.kind == CONV_DATA ? &x : &w, there = *out;
    Conv2d  op = {c.stride, c.pad, c.dilation, c.Ci / c.ci};
    std::vector<float> sums((size_t)tensor_count(out)), rounded[3];
    out->dtype = F32;
    out->data = sums.data();
    if (taken.rounds && c.dtype == F32) {
        Tensor *all[] = {&x, &w, &y};
        for (int i = 0; i < 3; i++)
            if (all[i] != out)
                round_operand(all[i], &rounded[i]);
    }
    Status st = c.kind == CONV_FORWARD ? ref_conv2d_forward(&y, &x, &w, nullptr, &op)
                : c.kind == CONV_DATA  ? ref_conv2d_backward_data(&x, &y, &w, &op)
                                       : ref_conv2d_backward_weights(&w, nullptr, &x, &y, &op);
    assert(st == OK);
    double alpha = (double)c.alpha * (taken.is_off ? 1.02 : 1);
    for (size_t i = 0; i < sums.size(); i++)
        ref_add(&there, (int64_t)i, c.beta, alpha * (double)sums[i]);
}
