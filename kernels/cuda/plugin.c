/* plugin.c -- the table of the cuda backend, and the door through which the program gets it */
#include "kernels/plugin.h"
#include "kernels/cuda/box_note.h"
#include "kernels/cuda/cuda.h"
#include "kernels/cuda/device.h"
#include "kernels/cuda/gaps.h"
#include "kernels/cuda/lib.h"
#include "kernels/cuda/memory.h"

#include <stdlib.h>
#include <string.h>

static Backend CUDA = {
    .name = "cuda",
    .has_norm_masks = true,
    .alloc = cuda_alloc,
    .free = cuda_free,
    .write = cuda_write,
    .read = cuda_read,
    .copy = cuda_copy,
    .fill = cuda_fill,
    .cast = cuda_cast,
    .sync = cuda_sync,

    .augment = cuda_augment,
    .standardise = cuda_standardise,

    .conv2d_forward = cuda_conv2d_forward,
    .conv2d_backward_data = cuda_conv2d_backward_data,
    .conv2d_backward_weights = cuda_conv2d_backward_weights,

    .batch_norm_train_forward = cuda_batch_norm_train_forward,
    .batch_norm_eval_forward = cuda_batch_norm_eval_forward,
    .batch_norm_train_backward = cuda_batch_norm_train_backward,
    .batch_norm_eval_backward = cuda_batch_norm_eval_backward,
    .norm_pair_train_forward = cuda_norm_pair_train_forward,
    .norm_pair_train_backward = cuda_norm_pair_train_backward,
    .norm_pool_train_forward = cuda_norm_pool_train_forward,
    .norm_pool_train_backward = cuda_norm_pool_train_backward,

    .relu_forward = cuda_relu_forward,
    .relu_backward = cuda_relu_backward,
    .add_forward = cuda_add_forward,
    .add_backward = cuda_add_backward,
    .max_pool_forward = cuda_max_pool_forward,
    .max_pool_backward = cuda_max_pool_backward,
    .avg_pool_forward = cuda_avg_pool_forward,
    .avg_pool_backward = cuda_avg_pool_backward,
    .mean_hw_forward = cuda_mean_hw_forward,
    .mean_hw_backward = cuda_mean_hw_backward,

    .linear_forward = cuda_linear_forward,
    .linear_backward_data = cuda_linear_backward_data,
    .linear_backward_weights = cuda_linear_backward_weights,

    .l2_normalise_forward = cuda_l2_normalise_forward,
    .l2_normalise_backward = cuda_l2_normalise_backward,
    .gather_forward = cuda_gather_forward,
    .gather_backward = cuda_gather_backward,
    .concat_forward = cuda_concat_forward,
    .softmax_forward = cuda_softmax_forward,

    .info_nce_forward = cuda_info_nce_forward,
    .info_nce_backward = cuda_info_nce_backward,
    .softmax_cross_entropy_forward = cuda_softmax_cross_entropy_forward,
    .softmax_cross_entropy_backward = cuda_softmax_cross_entropy_backward,
    .sigmoid_cross_entropy_forward = cuda_sigmoid_cross_entropy_forward,
    .sigmoid_cross_entropy_backward = cuda_sigmoid_cross_entropy_backward,
    .box_regression_forward = cuda_box_regression_forward,
    .box_regression_backward = cuda_box_regression_backward,
    .weighted_sum_forward = cuda_weighted_sum_forward,
    .top1 = cuda_top1,

    .sgd = cuda_sgd,
    .ema = cuda_ema,
    .clip = cuda_clip,
    .sum_squares = cuda_sum_squares,

    .feed = cuda_feed,
    .feed_use = cuda_feed_use,
    .jpeg_open = lib_jpeg_open,
    .jpeg_decode = lib_jpeg_decode,
    .jpeg_close = lib_jpeg_close,
    .describe = cuda_describe,
    .measure = cuda_measure,
    .graph_begin = cuda_graph_begin,
    .graph_end = cuda_graph_end,
    .graph_launch = cuda_graph_launch,
    .graph_free = cuda_graph_free,

    .roi_align_forward = cuda_roi_align_forward,
    .roi_align_backward = cuda_roi_align_backward,

    .box = {.anchors = cuda_anchors,
            .encode = cuda_encode,
            .decode = cuda_decode,
            .match = cuda_match,
            .top_k = cuda_top_k,
            .nms = cuda_nms,
            .sample = cuda_sample,
            .rpn_targets = cuda_rpn_targets,
            .rpn_propose = cuda_rpn_propose,
            .roi_targets = cuda_roi_targets,
            .labels_of_images = cuda_labels_of_images,
            .rois_pack = cuda_rois_pack,
            .box_predict = cuda_box_predict},
};

#define EXPORT __attribute__((visibility("default")))

EXPORT PluginOpen godwit_plugin_open;
EXPORT PluginGaps godwit_plugin_gaps;

/* In a bf16 run 11 bits are more than the operands of its other products have. The environment has the last word. */
static bool rounds_f32(DType dtype)
{
    const char *tf32 = getenv("GODWIT_TF32");
    return tf32 && *tf32 ? strcmp(tf32, "1") == 0 : dtype == BF16;
}

Status godwit_plugin_open(const Backend **be, const PluginHost *host)
{
    static bool is_open;
    status_share(host->sentence);
    if (host->table_bytes != (int64_t)sizeof(Backend))
        return status_fail(ERR_DEVICE, "device cuda: the plug-in comes from another build than "
                                       "this program; install both together");
    log_share(host->log);
    if (!is_open) {
        TRY(gpu_open(host->waits));
        TRY(cuda_memory_open());
        TRY(box_note_open());
        TRY(lib_open());
        if (host->waits)
            CUDA.graph_begin = NULL;
        gaps_fill(&CUDA);
        gpu_works_now();
        is_open = true;
    }
    lib_use_tf32(rounds_f32(host->dtype));
    *be = &CUDA;
    return OK;
}

const BackendGap *godwit_plugin_gaps(void)
{
    return gaps_list();
}
