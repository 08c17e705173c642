/* fuzz_coco_results.c -- any result file is refused with a sentence or gives numbers between -1 and 1. The first byte:
 * bit 0 boxes or masks, bit 1 lenient. */
#include "eval/coco.h"

#include <stdlib.h>
#include <string.h>

static const char TRUTH[] =
    "{\"images\":[{\"id\":1,\"height\":8,\"width\":8}],\"categories\":[{\"id\":1,\"name\":\"a\"}],"
    "\"annotations\":[{\"id\":1,\"image_id\":1,\"category_id\":1,\"iscrowd\":0,\"area\":4,\"bbox\":"
    "[1,1,2,2],"
    "\"segmentation\":[[1,1,3,1,3,3,1,3]]}]}";

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    if (n < 1)
        return 0;
    CocoReadOptions read = {.iou = bytes[0] & 1 ? COCO_SEGM : COCO_BBOX,
                            .lenient = bytes[0] >> 1 & 1};
    CocoEvalOptions options = {.iou = read.iou};
    CocoTruth       truth = {0};
    CocoResults     found = {0};
    CocoResult      r;
    Arena           a = {0};
    if (coco_truth_parse(&truth, &read, TRUTH, sizeof TRUTH - 1, "truth") != OK)
        abort();
    Status st =
        coco_results_parse(&found, &read, &truth, (const char *)bytes + 1, (int64_t)n - 1, "fuzz");
    if (st == OK)
        st = coco_evaluate(&a, &options, &r, &truth, &found);
    if (st != OK && st != ERR_FORMAT)
        abort();
    for (int i = 0; st == OK && i < r.n_stats; i++)
        if (!(r.stat[i].value >= -1 && r.stat[i].value <= 1))
            abort();
    arena_release(&a);
    coco_results_release(&found);
    coco_truth_release(&truth);
    return 0;
}
