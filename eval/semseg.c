/* semseg.c -- from counts to IoU, accuracy and their means */
#include "eval/semseg.h"
#include "eval/numeric.h"
#include <math.h>

static double ratio(int64_t part, int64_t whole)
{
    return (double)part / (double)whole;
}

/* Sums over rows and columns. Detectron2 counts a class's ground truth without the pixels that were
 * predicted void; the devkit has no predicted void. */
static void count_classes(SemsegResult *r)
{
    int64_t N = r->n_classes;
    for (int64_t t = 0; t < N; t++)
        for (int64_t p = 0; p < N; p++) {
            int64_t n = r->confusion[t * (N + 1) + p];
            r->per_class[t].n_truth += n;
            r->per_class[p].n_found += n;
            if (t == p)
                r->per_class[t].n_both = n;
        }
}

Status semseg_score(Arena *a, const SemsegOptions *options, SemsegResult *out,
                    const int64_t *confusion)
{
    int64_t N = options->n_classes, seen = 0, truth = 0, both = 0, missed = 0;
    *out = (SemsegResult){.n_classes = N, .confusion = confusion};
    out->per_class = ARENA_ARRAY(a, SemsegClass, N);
    double *iou =
        ARENA_ARRAY(a, double, 4 * N); // of the classes with ground truth, then three more
    if (!out->per_class || !iou)
        return ERR_MEMORY;
    double *accuracy = iou + N, *weighted = iou + 2 * N, *devkit = iou + 3 * N;

    count_classes(out);
    for (int64_t c = 0; c < N; c++) {
        truth += out->per_class[c].n_truth;
        both += out->per_class[c].n_both;
    }
    for (int64_t c = 0; c < N; c++) {
        SemsegClass *k = &out->per_class[c];
        int64_t      either = k->n_truth + k->n_found - k->n_both;
        int64_t      as_void = confusion[c * (N + 1) + N];
        missed += as_void;
        k->iou = k->accuracy = NAN;
        k->iou_devkit = either + as_void > 0 ? ratio(k->n_both, either + as_void) : NAN;
        devkit[c] = k->iou_devkit;
        if (k->n_truth > 0) {
            k->iou = ratio(k->n_both, either);
            k->accuracy = ratio(k->n_both, k->n_truth);
            weighted[seen] = k->iou * ratio(k->n_truth, truth);
            accuracy[seen] = k->accuracy;
            iou[seen++] = k->iou;
        }
    }
    out->n_pixels = truth + missed;
    out->mean_iou = numeric_mean(iou, seen);
    out->mean_accuracy = numeric_mean(accuracy, seen);
    out->frequency_weighted_iou = seen > 0 ? numeric_sum(weighted, seen) : NAN;
    out->pixel_accuracy = truth > 0 ? ratio(both, truth) : NAN;
    double sum = 0;
    for (int64_t c = 0; c < N; c++)
        sum += devkit[c];
    out->mean_iou_devkit = sum / (double)N;
    return OK;
}

const char *semseg_definition(void)
{
    return "mIoU (detectron2): mean over classes that occur in the ground truth of TP / (TP + FP + "
           "FN), pixels counted over all images; void ground truth left out";
}

const char *semseg_definition_devkit(void)
{
    return "mIoU (VOC devkit): the same ratio, mean over all classes; a class that is predicted "
           "but "
           "never true counts 0";
}
