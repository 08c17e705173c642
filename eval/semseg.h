/* semseg.h -- semantic segmentation: one confusion matrix, two readings of mean IoU
 *
 *                      predicted                    IoU of class c = n[c][c] / (row + column - n[c][c])
 *                 0  1 ... N-1
 *   ground   0  [ .  .      . ]                     pixels whose ground truth is the void label count
 *   truth   ..  [ .  n[c][p]  ]                     nowhere
 *           N-1 [ .  .      . ]
 *
 *   detectron2 (sem_seg_evaluation.py)   classes without ground truth are undefined and left out
 *   VOC devkit (VOCevalseg.m)            mean over all N classes; predicted but absent counts 0,
 *                                        absent from both makes the mean undefined
 *
 * Counts are over all images before any division, never a mean of per-image values. Values are
 * fractions 0 .. 1, NaN where undefined.
 */
#pragma once
#include "base/arena.h"
#include "base/status.h"
#include "eval/pixel_tally.h"
#include <stdbool.h>
#include <stdint.h>

enum { SEMSEG_MAX_CLASSES = 4096, SEMSEG_NO_VOID = -1, SEMSEG_VOID = 255 };

typedef struct SemsegOptions {
    int64_t n_classes;  // N: labels 0 .. N-1
    int64_t void_label; // ground truth pixels left out, usually SEMSEG_VOID; SEMSEG_NO_VOID
    bool    allow_void_in_prediction; // a predicted void label counts as a miss; else it is refused
} SemsegOptions;

typedef struct SemsegClass {
    int64_t n_truth, n_found, n_both; // pixels, without void
    double  iou, accuracy;            // NaN without ground truth
    double  iou_devkit;               // NaN only when the class occurs nowhere
} SemsegClass;

typedef struct SemsegResult {
    int64_t           n_classes, n_images, n_pixels, n_void;
    const int64_t    *confusion; // (N, N+1) [truth][predicted]; column N: a predicted void label
    SemsegClass      *per_class; // (N)
    double            mean_iou;  // detectron2's mIoU
    double            mean_iou_devkit;
    double            frequency_weighted_iou, mean_accuracy, pixel_accuracy;
    const PixelImage *image; // (n_images) in the order of paths; NULL for counts made elsewhere
} SemsegResult;

/* From a matrix that was counted elsewhere; n_images, n_void and image are left to the caller. */
Status semseg_score(Arena *a, const SemsegOptions *options, SemsegResult *out,
                    const int64_t *confusion) STATUS_MUST_USE;

/* One image in memory added to confusion (N, N+1): labels (n) of 16 bits. */
Status semseg_count(const SemsegOptions *options, int64_t *confusion, int64_t *n_void,
                    const uint16_t *truth, const uint16_t *found, int64_t n,
                    const char *name) STATUS_MUST_USE;

/* Two folders of label PNGs (palette indices or gray, 8 or 16 bits): every .png below truth_dir has
 * its prediction at the same relative path below found_dir. ERR_MISSING names the first that has
 * not; ERR_FORMAT names a file with other sizes or a label out of range, and the place. */
Status semseg_evaluate_dirs(Arena *a, const SemsegOptions *options, SemsegResult *out,
                            const char *truth_dir, const char *found_dir) STATUS_MUST_USE;

const char *semseg_definition(void);
const char *semseg_definition_devkit(void);
