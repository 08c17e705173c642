#include "kernels/ref/ref.h"

static const Backend REF = {
    .name = "ref",
    .alloc = ref_alloc,
    .free = ref_free,
    .write = ref_copy,
    .read = ref_copy,
    .copy = ref_copy,
    .fill = ref_fill,
    .cast = ref_cast,
    .sync = ref_sync,

    .conv2d_forward = ref_conv2d_forward,
    .conv2d_backward_data = ref_conv2d_backward_data,
    .conv2d_backward_weights = ref_conv2d_backward_weights,
    .batch_norm_train_forward = ref_batch_norm_train_forward,
    .batch_norm_eval_forward = ref_batch_norm_eval_forward,
    .batch_norm_train_backward = ref_batch_norm_train_backward,
    .batch_norm_eval_backward = ref_batch_norm_eval_backward,

    .relu_forward = ref_relu_forward,
    .relu_backward = ref_relu_backward,
    .add_forward = ref_add_forward,
    .add_backward = ref_add_backward,
    .max_pool_forward = ref_max_pool_forward,
    .max_pool_backward = ref_max_pool_backward,
    .avg_pool_forward = ref_avg_pool_forward,
    .avg_pool_backward = ref_avg_pool_backward,
    .mean_hw_forward = ref_mean_hw_forward,
    .mean_hw_backward = ref_mean_hw_backward,

    .linear_forward = ref_linear_forward,
    .linear_backward_data = ref_linear_backward_data,
    .linear_backward_weights = ref_linear_backward_weights,
    .l2_normalise_forward = ref_l2_normalise_forward,
    .l2_normalise_backward = ref_l2_normalise_backward,
    .gather_forward = ref_gather_forward,
    .gather_backward = ref_gather_backward,
    .concat_forward = ref_concat_forward,
    .softmax_forward = ref_softmax_forward,

    .sgd = ref_sgd,
    .ema = ref_ema,
    .scale = ref_scale,
    .sum_squares = ref_sum_squares,
};

const Backend *backend_ref(void)
{
    return &REF;
}
