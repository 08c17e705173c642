/* roi_align.c -- the definition: every bin is the mean of its bilinear samples */
#include "base/arena.h"
#include "kernels/body/roi_align.h"
#include "kernels/ref/ref.h"
#include "kernels/ref/ref_losses.h"

Status ref_roi_align_forward(Tensor *y, const Tensor *x, const Tensor *rois, const RoiAlign *op)
{
    int64_t      H = x->dim[1], W = x->dim[2], C = x->dim[3], P = op->P;
    const float *roi = rois->data;
    for (int64_t r = 0; r < rois->dim[0]; r++) {
        int64_t  map = (int64_t)roi[5 * r] * H * W * C;
        RoiFrame f = roi_frame(roi + 5 * r + 1, P, op->S, op->scale, op->is_aligned);
        for (int64_t bin = 0; bin < P * P; bin++)
            for (int64_t c = 0; c < C; c++) {
                float sum = 0;
                for (int iy = 0; iy < f.g_h; iy++)
                    for (int ix = 0; ix < f.g_w; ix++) {
                        RoiTaps t = roi_taps(&f, bin / P, bin % P, iy, ix, H, W);
                        for (int k = 0; k < 4; k++)
                            sum += t.weight[k] * ref_load(x, map + t.at[k] * C + c);
                    }
                ref_store(y, (r * P * P + bin) * C + c, sum / roi_samples(&f));
            }
    }
    return OK;
}

Status ref_roi_align_backward(Tensor *dx, const Tensor *dy, const Tensor *rois, const RoiAlign *op)
{
    Arena        a = {0};
    int64_t      H = dx->dim[1], W = dx->dim[2], C = dx->dim[3], P = op->P, n = tensor_count(dx);
    const float *roi = rois->data;
    float       *sum = ARENA_ARRAY(&a, float, n), beta = tensor_beta(dx);
    if (sum == NULL) {
        arena_release(&a);
        return ERR_MEMORY;
    }
    for (int64_t i = 0; i < n && beta != 0; i++)
        sum[i] = beta * ref_load(dx, i);
    for (int64_t r = 0; r < rois->dim[0]; r++) {
        float   *map = sum + (int64_t)roi[5 * r] * H * W * C;
        RoiFrame f = roi_frame(roi + 5 * r + 1, P, op->S, op->scale, op->is_aligned);
        for (int64_t bin = 0; bin < P * P; bin++)
            for (int iy = 0; iy < f.g_h; iy++)
                for (int ix = 0; ix < f.g_w; ix++) {
                    RoiTaps t = roi_taps(&f, bin / P, bin % P, iy, ix, H, W);
                    for (int k = 0; k < 4; k++)
                        for (int64_t c = 0; c < C; c++)
                            map[t.at[k] * C + c] += t.weight[k] *
                                                    ref_load(dy, (r * P * P + bin) * C + c) /
                                                    roi_samples(&f);
                }
    }
    for (int64_t i = 0; i < n; i++)
        ref_store(dx, i, sum[i]);
    arena_release(&a);
    return OK;
}
