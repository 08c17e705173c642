/* roi_align.c -- the definition: every bin is the mean of its bilinear samples */
#include "kernels/body/roi_align.h"
#include "kernels/ref/ref_losses.h"
#include <string.h>

Status ref_roi_align_forward(Tensor *y, const Tensor *x, const Tensor *rois, const RoiAlign *op)
{
    int64_t      H = x->dim[1], W = x->dim[2], C = x->dim[3], P = op->P;
    const float *roi = rois->data;
    float       *out = y->data;
    for (int64_t r = 0; r < rois->dim[0]; r++) {
        const float *map = (const float *)x->data + (int64_t)roi[5 * r] * H * W * C;
        RoiFrame     f = roi_frame(roi + 5 * r + 1, P, op->S, op->scale, op->is_aligned);
        for (int64_t bin = 0; bin < P * P; bin++)
            for (int64_t c = 0; c < C; c++) {
                float sum = 0;
                for (int iy = 0; iy < f.g_h; iy++)
                    for (int ix = 0; ix < f.g_w; ix++) {
                        RoiTaps t = roi_taps(&f, bin / P, bin % P, iy, ix, H, W);
                        for (int k = 0; k < 4; k++)
                            sum += t.weight[k] * map[t.at[k] * C + c];
                    }
                out[(r * P * P + bin) * C + c] = sum / roi_samples(&f);
            }
    }
    return OK;
}

Status ref_roi_align_backward(Tensor *dx, const Tensor *dy, const Tensor *rois, const RoiAlign *op)
{
    int64_t      H = dx->dim[1], W = dx->dim[2], C = dx->dim[3], P = op->P;
    const float *roi = rois->data, *dout = dy->data;
    if (tensor_beta(dx) == 0)
        memset(dx->data, 0, (size_t)tensor_bytes(dx));
    for (int64_t r = 0; r < rois->dim[0]; r++) {
        float   *dmap = (float *)dx->data + (int64_t)roi[5 * r] * H * W * C;
        RoiFrame f = roi_frame(roi + 5 * r + 1, P, op->S, op->scale, op->is_aligned);
        for (int64_t bin = 0; bin < P * P; bin++)
            for (int iy = 0; iy < f.g_h; iy++)
                for (int ix = 0; ix < f.g_w; ix++) {
                    RoiTaps t = roi_taps(&f, bin / P, bin % P, iy, ix, H, W);
                    for (int k = 0; k < 4; k++)
                        for (int64_t c = 0; c < C; c++)
                            dmap[t.at[k] * C + c] +=
                                t.weight[k] * dout[(r * P * P + bin) * C + c] / roi_samples(&f);
                }
    }
    return OK;
}
