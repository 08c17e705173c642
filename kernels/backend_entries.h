/* backend_entries.h -- the names of Backend's functions, for code that goes over all of them
 *
 * BACKEND_OPTIONAL may be NULL in a table; a backend that lacks one of the others fails there.
 */
#pragma once

#define BACKEND_ENTRIES(X)                                                                         \
    X(alloc)                                                                                       \
    X(free)                                                                                        \
    X(write)                                                                                       \
    X(read)                                                                                        \
    X(copy)                                                                                        \
    X(fill)                                                                                        \
    X(cast)                                                                                        \
    X(sync)                                                                                        \
    X(augment)                                                                                     \
    X(standardise)                                                                                 \
    X(conv2d_forward)                                                                              \
    X(conv2d_backward_data)                                                                        \
    X(conv2d_backward_weights)                                                                     \
    X(batch_norm_train_forward)                                                                    \
    X(batch_norm_eval_forward)                                                                     \
    X(batch_norm_train_backward)                                                                   \
    X(batch_norm_eval_backward)                                                                    \
    X(relu_forward)                                                                                \
    X(relu_backward)                                                                               \
    X(add_forward)                                                                                 \
    X(add_backward)                                                                                \
    X(max_pool_forward)                                                                            \
    X(max_pool_backward)                                                                           \
    X(avg_pool_forward)                                                                            \
    X(avg_pool_backward)                                                                           \
    X(mean_hw_forward)                                                                             \
    X(mean_hw_backward)                                                                            \
    X(linear_forward)                                                                              \
    X(linear_backward_data)                                                                        \
    X(linear_backward_weights)                                                                     \
    X(l2_normalise_forward)                                                                        \
    X(l2_normalise_backward)                                                                       \
    X(gather_forward)                                                                              \
    X(gather_backward)                                                                             \
    X(concat_forward)                                                                              \
    X(softmax_forward)                                                                             \
    X(info_nce_forward)                                                                            \
    X(info_nce_backward)                                                                           \
    X(softmax_cross_entropy_forward)                                                               \
    X(softmax_cross_entropy_backward)                                                              \
    X(sigmoid_cross_entropy_forward)                                                               \
    X(sigmoid_cross_entropy_backward)                                                              \
    X(box_regression_forward)                                                                      \
    X(box_regression_backward)                                                                     \
    X(weighted_sum_forward)                                                                        \
    X(top1)                                                                                        \
    X(roi_align_forward)                                                                           \
    X(roi_align_backward)                                                                          \
    X(box.anchors)                                                                                 \
    X(box.encode)                                                                                  \
    X(box.decode)                                                                                  \
    X(box.match)                                                                                   \
    X(box.top_k)                                                                                   \
    X(box.nms)                                                                                     \
    X(box.sample)                                                                                  \
    X(box.rpn_targets)                                                                             \
    X(box.rpn_propose)                                                                             \
    X(box.roi_targets)                                                                             \
    X(box.labels_of_images)                                                                        \
    X(box.rois_pack)                                                                               \
    X(box.box_predict)                                                                             \
    X(sgd)                                                                                         \
    X(ema)                                                                                         \
    X(clip)                                                                                        \
    X(sum_squares)

#define BACKEND_OPTIONAL(X)                                                                        \
    X(conv_bn_train_forward)                                                                       \
    X(norm_pair_train_forward)                                                                     \
    X(norm_pair_train_backward)                                                                    \
    X(norm_pool_train_forward)                                                                     \
    X(norm_pool_train_backward)                                                                    \
    X(feed)                                                                                        \
    X(feed_use)                                                                                    \
    X(jpeg_open)                                                                                   \
    X(jpeg_decode)                                                                                 \
    X(jpeg_close)                                                                                  \
    X(describe)                                                                                    \
    X(measure)                                                                                     \
    X(graph_begin)                                                                                 \
    X(graph_end)                                                                                   \
    X(graph_launch)                                                                                \
    X(graph_free)
