#include "kernels/ref/ref.h"

Status ref_standardise(Tensor *y, const Tensor *x, const Tensor *size, const PixelStats *stats)
{
    int64_t        N = x->dim[0], H = x->dim[1], W = x->dim[2];
    const uint8_t *bytes = x->data;
    for (int64_t n = 0; n < N; n++) {
        float width = ((const float *)size->data)[2 * n],
              height = ((const float *)size->data)[2 * n + 1];
        for (int64_t h = 0; h < H; h++)
            for (int64_t w = 0; w < W; w++)
                for (int64_t c = 0; c < 3; c++) {
                    int64_t i = ((n * H + h) * W + w) * 3 + c;
                    bool    is_inside = (float)h < height && (float)w < width;
                    ref_store(y, i,
                              is_inside ? pixel_standardise(bytes[i], stats->mean[c], stats->std[c])
                                        : 0);
                }
    }
    return OK;
}
