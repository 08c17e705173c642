/* box_shape.c -- anchors over a grid, boxes to deltas and back */
#include "kernels/ref/ref_box.h"

Status ref_anchors(Tensor *box, const AnchorGrid *grid)
{
    float *b = box->data;
    for (int64_t i = 0; i < grid->H * grid->W * grid->A; i++)
        box_anchor(b + 4 * i, grid->cell, i, grid->W, grid->A, grid->stride);
    return OK;
}

Status ref_encode(Tensor *delta, const Tensor *from, const Tensor *to, const float weight[4])
{
    float       *d = delta->data;
    const float *f = from->data, *g = to->data;
    for (int64_t r = 0; r < from->dim[0]; r++)
        box_encode(d + 4 * r, f + 4 * r, g + 4 * r, weight);
    return OK;
}

Status ref_decode(Tensor *box, const Tensor *delta, const Tensor *from, const float weight[4])
{
    float       *b = box->data;
    const float *d = delta->data, *f = from->data;
    int64_t      R = from->dim[0], K = R ? delta->dim[1] / 4 : 0;
    for (int64_t r = 0; r < R; r++)
        for (int64_t k = 0; k < K; k++)
            box_decode(b + 4 * (r * K + k), d + 4 * (r * K + k), f + 4 * r, weight);
    return OK;
}
