/* fuzz_coco_truth.c -- any ground truth is refused with a sentence, or scores the same results with numbers between -1
 * and 1, analyses included. The first byte: bits 0, 1 boxes, masks or poses, bit 2 LVIS, bit 3 with the reference's
 * defects, bit 4 without categories, bit 5 lenient. */
#include "eval/analysis.h"
#include "eval/lvis.h"

#include <stdlib.h>
#include <string.h>

static const char BOXES[] = "[{\"image_id\":1,\"category_id\":1,\"bbox\":[1,1,2,2],\"score\":0.9},"
                            "{\"image_id\":1,\"category_id\":2,\"bbox\":[0,0,8,8],\"score\":0.9}]";
static const char MASKS[] =
    "[{\"image_id\":1,\"category_id\":1,\"segmentation\":{\"size\":[8,8],\"counts\":\"9260W1\"},"
    "\"score\":0.9},{\"image_id\":1,\"category_id\":2,\"segmentation\":{\"size\":[8,8],\"counts\":"
    "\"0P2\"},\"score\":0.5}]";
static const char POSES[] =
    "[{\"image_id\":1,\"category_id\":1,\"keypoints\":[1,1,2,2,2,2,3,3,2,1,1,2,1,1,2,1,1,2,1,1,2,1,"
    "1,2,1,1,2,1,1,2,1,1,2,1,1,2,1,1,2,1,1,2,1,1,2,1,1,2,1,1,2],\"score\":0.9}]";

static void check(double x)
{
    if (!(x >= -1 && x <= 1))
        abort();
}

static Status analyse(Arena *a, const MatchTask *task, const MatchResult *match,
                      MatchSimilarity overlap)
{
    AnalysisOptions how = {.5};
    AnalysisInput   in = {task, match, overlap};
    Analysis        x;
    return analysis_run(a, &how, &x, &in);
}

static Status score_lvis(Arena *a, CocoIou iou, const CocoTruth *truth, const CocoResults *found)
{
    LvisOptions options = {.iou = iou, .max_per_image = 300};
    LvisResult  r;
    TRY(lvis_evaluate(a, &options, &r, truth, found));
    for (int i = 0; i < r.n_stats; i++)
        check(r.stat[i].value);
    return analyse(a, r.task, &r.match, r.overlap);
}

static Status score_coco(Arena *a, CocoEvalOptions *options, const CocoTruth *truth,
                         const CocoResults *found)
{
    CocoResult r;
    TRY(coco_evaluate(a, options, &r, truth, found));
    for (int i = 0; i < r.n_stats; i++)
        check(r.stat[i].value);
    return options->bug_compatible ? OK : analyse(a, r.task, &r.match, r.overlap);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    static const char *const FOUND[3] = {BOXES, MASKS, POSES};
    static const CocoIou     IOU[3] = {COCO_BBOX, COCO_SEGM, COCO_KEYPOINTS};
    if (n < 1)
        return 0;
    int             kind = (bytes[0] & 3) % 3;
    bool            lvis = bytes[0] >> 2 & 1 && kind < 2;
    CocoReadOptions read = {.iou = IOU[kind],
                            .lvis = lvis,
                            .bug_compatible = bytes[0] >> 3 & 1,
                            .ignore_unknown = true,
                            .lenient = bytes[0] >> 5 & 1};
    CocoEvalOptions options = {.iou = IOU[kind],
                               .bug_compatible = read.bug_compatible,
                               .ignore_categories = bytes[0] >> 4 & 1};
    CocoTruth       truth = {0};
    CocoResults     found = {0};
    Arena           a = {0};
    Status st = coco_truth_parse(&truth, &read, (const char *)bytes + 1, (int64_t)n - 1, "fuzz");
    if (st == OK)
        st = coco_results_parse(&found, &read, &truth, FOUND[kind], (int64_t)strlen(FOUND[kind]),
                                "results");
    if (st == OK)
        st = lvis ? score_lvis(&a, IOU[kind], &truth, &found)
                  : score_coco(&a, &options, &truth, &found);
    if (st != OK && st != ERR_FORMAT)
        abort();
    arena_release(&a);
    coco_results_release(&found);
    coco_truth_release(&truth);
    return 0;
}
