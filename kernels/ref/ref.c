#include "kernels/ref/ref.h"
#include "kernels/ref/ref_box.h"
#include "kernels/ref/ref_losses.h"

static const Backend REF = {
    .name = "ref",
    .is_host = true,
    .has_norm_masks = true,
    .alloc = ref_alloc,
    .free = ref_free,
    .write = ref_copy,
    .read = ref_copy,
    .copy = ref_copy,
    .fill = ref_fill,
    .cast = ref_cast,
    .sync = ref_sync,

    .augment = ref_augment,
    .standardise = ref_standardise,

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

    .info_nce_forward = ref_info_nce_forward,
    .info_nce_backward = ref_info_nce_backward,
    .softmax_cross_entropy_forward = ref_softmax_cross_entropy_forward,
    .softmax_cross_entropy_backward = ref_softmax_cross_entropy_backward,
    .sigmoid_cross_entropy_forward = ref_sigmoid_cross_entropy_forward,
    .sigmoid_cross_entropy_backward = ref_sigmoid_cross_entropy_backward,
    .box_regression_forward = ref_box_regression_forward,
    .box_regression_backward = ref_box_regression_backward,
    .weighted_sum_forward = ref_weighted_sum_forward,
    .top1 = ref_top1,
    .roi_align_forward = ref_roi_align_forward,
    .roi_align_backward = ref_roi_align_backward,

    .box = {.anchors = ref_anchors,
            .encode = ref_encode,
            .decode = ref_decode,
            .match = ref_match,
            .top_k = ref_top_k,
            .nms = ref_nms,
            .sample = ref_sample,
            .rpn_targets = ref_rpn_targets,
            .rpn_propose = ref_rpn_propose,
            .roi_targets = ref_roi_targets,
            .labels_of_images = ref_labels_of_images,
            .rois_pack = ref_rois_pack,
            .box_predict = ref_box_predict},

    .sum_squares = ref_sum_squares,
    .clip = ref_clip,
    .sgd = ref_sgd,
    .ema = ref_ema,
};

const Backend *backend_ref(void)
{
    return &REF;
}
