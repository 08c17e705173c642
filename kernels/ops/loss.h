/* loss.h -- what the loss ops share */
#pragma once
#include "kernels/ops/check.h"
#include "kernels/ops/losses.h"
#include "kernels/ops/nn.h"

static inline Tensor *loss_scalar(Tape *t)
{
    return tape_tensor(t, F32, 0, NULL);
}

static inline bool is_label(const Tensor *label, int64_t count)
{
    return label->dtype == I32 && tensor_count(label) == count;
}
