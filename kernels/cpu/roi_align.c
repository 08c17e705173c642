/* roi_align.c -- forward: one region a task; backward: one image and a slab of channels a task, so that no two tasks
 * write the same cell and the order of the additions never depends on the threads */
#include "kernels/body/roi_align.h"
#include "kernels/cpu/clones.h"
#include "kernels/cpu/cpu.h"
#include "kernels/cpu/cpu_regions.h"
#include "kernels/cpu/scratch.h"

#include "base/threads.h"
#include <string.h>

enum { SLAB = 64 }; // channels of a backward task

typedef struct Job {
    float          *out;
    const float    *in, *roi;
    int64_t         R, N, H, W, C;
    const RoiAlign *op;
    float           beta;
} Job;

CPU_CLONES
static void add_taps(float *out, const float *map, const RoiTaps *t, int64_t C)
{
    const float *a = map + t->at[0] * C, *b = map + t->at[1] * C, *c = map + t->at[2] * C,
                *d = map + t->at[3] * C;
    float wa = t->weight[0], wb = t->weight[1], wc = t->weight[2], wd = t->weight[3];
    for (int64_t i = 0; i < C; i++)
        out[i] += wa * a[i] + wb * b[i] + wc * c[i] + wd * d[i];
}

static void forward_rois(void *ctx, int64_t begin, int64_t end)
{
    const Job *j = ctx;
    int64_t    P = j->op->P, C = j->C;
    for (int64_t r = begin; r < end; r++) {
        const float *map = j->in + (int64_t)j->roi[5 * r] * j->H * j->W * C;
        RoiFrame f = roi_frame(j->roi + 5 * r + 1, P, j->op->S, j->op->scale, j->op->is_aligned);
        float    share = 1.0f / roi_samples(&f);
        for (int64_t bin = 0; bin < P * P; bin++) {
            float *out = j->out + (r * P * P + bin) * C;
            memset(out, 0, (size_t)C * sizeof *out);
            for (int iy = 0; iy < f.g_h; iy++)
                for (int ix = 0; ix < f.g_w; ix++) {
                    RoiTaps t = roi_taps(&f, bin / P, bin % P, iy, ix, j->H, j->W);
                    for (int k = 0; k < 4; k++)
                        t.weight[k] *= share;
                    add_taps(out, map, &t, C);
                }
        }
    }
}

static Status forward_f32(Tensor *y, const Tensor *x, const Tensor *rois, const RoiAlign *op)
{
    Job j = {y->data,   x->data,   rois->data, rois->dim[0], x->dim[0],
             x->dim[1], x->dim[2], x->dim[3],  op,           0};
    threads_for(j.R, 1, forward_rois, &j);
    return OK;
}

CPU_CLONES
static void scatter(float *restrict out, const float *dy, float weight, int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        out[i] += weight * dy[i];
}

static void backward_region(const Job *j, float *dmap, int64_t r, int64_t c0, int64_t n)
{
    int64_t  P = j->op->P;
    RoiFrame f = roi_frame(j->roi + 5 * r + 1, P, j->op->S, j->op->scale, j->op->is_aligned);
    float    share = 1.0f / roi_samples(&f);
    for (int64_t bin = 0; bin < P * P; bin++) {
        const float *dy = j->in + (r * P * P + bin) * j->C + c0;
        for (int iy = 0; iy < f.g_h; iy++)
            for (int ix = 0; ix < f.g_w; ix++) {
                RoiTaps t = roi_taps(&f, bin / P, bin % P, iy, ix, j->H, j->W);
                for (int k = 0; k < 4; k++)
                    if (t.weight[k] != 0)
                        scatter(dmap + t.at[k] * j->C + c0, dy, t.weight[k] * share, n);
            }
    }
}

static void backward_slabs(void *ctx, int64_t begin, int64_t end)
{
    const Job *j = ctx;
    int64_t    n_slabs = (j->C + SLAB - 1) / SLAB, cells = j->H * j->W;
    for (int64_t task = begin; task < end; task++) {
        int64_t image = task / n_slabs, c0 = task % n_slabs * SLAB,
                n = j->C - c0 < SLAB ? j->C - c0 : SLAB;
        float *dmap = j->out + image * cells * j->C;
        for (int64_t i = 0; i < cells && j->beta == 0; i++)
            memset(dmap + i * j->C + c0, 0, (size_t)n * sizeof *dmap);
        for (int64_t r = 0; r < j->R; r++)
            if ((int64_t)j->roi[5 * r] == image)
                backward_region(j, dmap, r, c0, n);
    }
}

static Status backward_f32(Tensor *dx, const Tensor *dy, const Tensor *rois, const RoiAlign *op)
{
    Job j = {dx->data,   dy->data,   rois->data, rois->dim[0], dx->dim[0],
             dx->dim[1], dx->dim[2], dx->dim[3], op,           tensor_beta(dx)};
    threads_for(j.N * ((j.C + SLAB - 1) / SLAB), 1, backward_slabs, &j);
    return OK;
}

/* bfloat16 passes through float32 arrays, where the sums are made: *wide has the shape of x, contents undefined. */
static Status widen(Tensor *wide, const Tensor *x)
{
    *wide = (Tensor){.dtype = F32, .ndim = x->ndim, .is_blank = true};
    memcpy(wide->dim, x->dim, sizeof x->dim);
    wide->data = scratch_take(tensor_bytes(wide));
    return wide->data ? OK : ERR_MEMORY;
}

static Status forward_bf16(Tensor *y, const Tensor *x, const Tensor *rois, const RoiAlign *op)
{
    Tensor wide_x = {0}, wide_y = {0};
    Status st = OK;
    TRY_OUT(widen(&wide_x, x));
    TRY_OUT(widen(&wide_y, y));
    TRY_OUT(cpu_cast(&wide_x, x));
    TRY_OUT(forward_f32(&wide_y, &wide_x, rois, op));
    TRY_OUT(cpu_cast(y, &wide_y));
out:
    scratch_give(wide_x.data);
    scratch_give(wide_y.data);
    return st;
}

static Status backward_bf16(Tensor *dx, const Tensor *dy, const Tensor *rois, const RoiAlign *op)
{
    Tensor wide_dx = {0}, wide_dy = {0};
    Status st = OK;
    TRY_OUT(widen(&wide_dx, dx));
    TRY_OUT(widen(&wide_dy, dy));
    if (tensor_beta(dx) != 0) {
        TRY_OUT(cpu_cast(&wide_dx, dx));
        wide_dx.is_blank = false;
    }
    TRY_OUT(cpu_cast(&wide_dy, dy));
    TRY_OUT(backward_f32(&wide_dx, &wide_dy, rois, op));
    TRY_OUT(cpu_cast(dx, &wide_dx));
out:
    scratch_give(wide_dx.data);
    scratch_give(wide_dy.data);
    return st;
}

Status cpu_roi_align_forward(Tensor *y, const Tensor *x, const Tensor *rois, const RoiAlign *op)
{
    return x->dtype == BF16 ? forward_bf16(y, x, rois, op) : forward_f32(y, x, rois, op);
}

Status cpu_roi_align_backward(Tensor *dx, const Tensor *dy, const Tensor *rois, const RoiAlign *op)
{
    return dx->dtype == BF16 ? backward_bf16(dx, dy, rois, op) : backward_f32(dx, dy, rois, op);
}
