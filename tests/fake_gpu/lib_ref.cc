/* lib_ref.cc -- the libraries of the emulated device: kernels/cuda/lib.h served by ref's loops, in stream order */
#include "fake_gpu/stream.h"

extern "C" {
#include "kernels/body/bf16.h"
#include "kernels/cuda/device.h"
#include "kernels/cuda/lib.h"
#include "kernels/ref/ref.h"
}
#include <memory>
#include <stdlib.h>

/* A tensor's header for work that runs later, with the beta that its gradient had when the work was queued. */
static Tensor later(const Tensor *x, float beta = 1)
{
    Tensor copy = *x;
    copy.view_of = nullptr;
    copy.is_blank = beta == 0;
    return copy;
}

static Status queue(const char *op, std::function<bool()> work)
{
    return gpu_check(op, fake_gpu_enqueue(gpu_stream(), std::move(work)));
}

Status lib_open(void)
{
    return OK;
}

void lib_use_tf32(bool)
{
} // f32 serves for it

void lib_range_begin(const char *)
{
} // nobody profiles the emulator

void lib_range_end(void)
{
}

Status lib_conv2d_forward(Tensor *y, const Tensor *x, const Tensor *w, const Conv2d *op)
{
    Tensor ty = later(y), tx = later(x), tw = later(w);
    Conv2d o = *op;
    return queue("conv2d",
                 [=]() mutable { return ref_conv2d_forward(&ty, &tx, &tw, nullptr, &o) == OK; });
}

/* Nothing is timed here: a way that the shape decides, so that all are gone. */
Status lib_conv2d_choose(int *way, ConvKind kind, const Tensor *x, const Tensor *w, const Tensor *,
                         const Conv2d *op, int n, Status (*)(void *, int), void *)
{
    *way = (int)((x->dim[1] + x->dim[2] + w->dim[1] + op->stride + op->pad + kind) % n);
    return OK;
}

Status lib_conv2d_backward_data(Tensor *dx, float beta, const Tensor *dy, const Tensor *w,
                                const Conv2d *op)
{
    Tensor tx = later(dx, beta), ty = later(dy), tw = later(w);
    Conv2d o = *op;
    return queue("conv2d data gradient",
                 [=]() mutable { return ref_conv2d_backward_data(&tx, &ty, &tw, &o) == OK; });
}

Status lib_conv2d_backward_weights(Tensor *dw, float beta, const Tensor *x, const Tensor *dy,
                                   const Conv2d *op)
{
    Tensor tw = later(dw, beta), tx = later(x), ty = later(dy);
    Conv2d o = *op;
    return queue("conv2d weight gradient", [=]() mutable {
        return ref_conv2d_backward_weights(&tw, nullptr, &tx, &ty, &o) == OK;
    });
}

static double element(const void *p, DType type, int64_t i)
{
    return type == BF16 ? (double)bf16_to_f32(((const uint16_t *)p)[i])
                        : (double)((const float *)p)[i];
}

static bool product(void *c, const void *a, const void *b, const Product *p)
{
    for (int64_t i = 0; i < p->m; i++)
        for (int64_t j = 0; j < p->n; j++) {
            double sum = 0;
            for (int64_t l = 0; l < p->k; l++)
                sum += element(a, p->in, p->is_a_transposed ? l * p->m + i : i * p->k + l) *
                       element(b, p->in, p->is_b_transposed ? j * p->k + l : l * p->n + j);
            int64_t at = i * p->n + j;
            double  v = (double)p->alpha * sum;
            if (p->beta != 0)
                v += (double)p->beta * element(c, p->out, at);
            if (p->out == BF16)
                ((uint16_t *)c)[at] = bf16_from_f32((float)v);
            else
                ((float *)c)[at] = (float)v;
        }
    return true;
}

Status lib_product(const char *op, void *c, const void *a, const void *b, const Product *p)
{
    Product q = *p;
    return queue(op, [=] { return product(c, a, b, &q); });
}
