#include "kernels/ref/ref.h"
#include "kernels/ref/ref_losses.h"

/* Whether no number of row r is before its label's in rank. */
static bool is_first(const Tensor *x, int64_t r, int64_t label)
{
    int64_t K = x->dim[1];
    float   own = ref_load(x, r * K + label);
    for (int64_t k = 0; k < K; k++) {
        float other = ref_load(x, r * K + k);
        if (k < label ? !(own > other) : !(own >= other))
            return false;
    }
    return true;
}

Status ref_top1(Tensor *count, const Tensor *x, const Tensor *label)
{
    const int32_t *labels = label->data;
    int32_t       *n = count->data;
    n[0] = n[1] = 0;
    for (int64_t r = 0; r < x->dim[0]; r++)
        if (labels[r] >= 0) {
            n[0] += is_first(x, r, labels[r]);
            n[1]++;
        }
    return OK;
}
