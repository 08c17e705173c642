/* plugin.c -- the table of the cuda backend, and the door through which the program gets it */
#include "kernels/plugin.h"
#include "kernels/cuda/cuda.h"
#include "kernels/cuda/device.h"
#include "kernels/cuda/gaps.h"
#include "kernels/cuda/lib.h"
#include "kernels/cuda/memory.h"

static Backend CUDA = {
    .name = "cuda",
    .alloc = cuda_alloc,
    .free = cuda_free,
    .write = cuda_write,
    .read = cuda_read,
    .copy = cuda_copy,
    .fill = cuda_fill,
    .cast = cuda_cast,
    .sync = cuda_sync,

    .conv2d_forward = cuda_conv2d_forward,
    .conv2d_backward_data = cuda_conv2d_backward_data,
    .conv2d_backward_weights = cuda_conv2d_backward_weights,

    .relu_forward = cuda_relu_forward,
    .relu_backward = cuda_relu_backward,
    .add_forward = cuda_add_forward,
    .add_backward = cuda_add_backward,

    .linear_forward = cuda_linear_forward,
    .linear_backward_data = cuda_linear_backward_data,
    .linear_backward_weights = cuda_linear_backward_weights,

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

Status godwit_plugin_open(const Backend **be, const PluginHost *host)
{
    static bool is_open;
    status_share(host->sentence);
    if (host->table_bytes != (int64_t)sizeof(Backend))
        return status_fail(ERR_DEVICE, "device cuda: the plug-in comes from another build than "
                                       "this program; install both together");
    if (!is_open) {
        TRY(gpu_open(host->waits));
        TRY(cuda_memory_open());
        TRY(lib_open());
        gaps_fill(&CUDA);
        if (host->waits)
            CUDA.graph_begin = NULL; // a graph runs as one piece: nothing in it could be blamed
        is_open = true;
    }
    *be = &CUDA;
    return OK;
}

const char *const *godwit_plugin_gaps(void)
{
    return gaps_names();
}
