/* coco_text.c -- what COCO's numbers mean, in words and in the reference's lines; see coco.h */
#include "eval/coco.h"
#include "eval/numeric.h"
#include <math.h>
#include <string.h>

void coco_summary(Text *out, const CocoResult *r)
{
    for (int i = 0; i < r->n_stats; i++) {
        const CocoStat *s = &r->stat[i];
        bool            ap = strcmp(s->title, "Average Precision") == 0;
        text_printf(out, " %-18s %s @[ IoU=%-9s | area=%6s | maxDets=%3lld ] = %0.3f\n", s->title,
                    ap ? "(AP)" : "(AR)", s->iou, s->area, (long long)s->cap, s->value);
    }
}

const char *coco_definition(CocoIou iou)
{
    if (iou == COCO_KEYPOINTS)
        return "COCO keypoint AP: mean over OKS .50, .55 ... .95 of 101-point interpolated "
               "precision, over categories "
               "with annotations; 20 results per image and category";
    return iou == COCO_SEGM
               ? "COCO mask AP: mean over mask IoU .50, .55 ... .95 of 101-point interpolated "
                 "precision, over "
                 "categories with annotations; crowds ignored; 100 results per image and category"
               : "COCO box AP: mean over box IoU .50, .55 ... .95 of 101-point interpolated "
                 "precision, over categories "
                 "with annotations; crowds ignored; 100 results per image and category";
}

bool coco_usual_thresholds(const MatchTask *task)
{
    double usual[COCO_THRESHOLDS];
    numeric_linspace(usual, .5, .95, COCO_THRESHOLDS);
    for (int i = 0; i < COCO_THRESHOLDS && task->n_thresholds == COCO_THRESHOLDS; i++)
        if (fabs(task->threshold[i] - usual[i]) > 1e-9) // written in decimals they differ by an ulp
            return false;
    return task->n_thresholds == COCO_THRESHOLDS;
}

const char *coco_cap_unit(const MatchTask *task)
{
    return task->one_group ? "results per image" : "results per image and category";
}

static bool is_capped_at(const MatchTask *task, int64_t cap)
{
    for (int i = 0; i < task->n_caps; i++)
        if (task->cap[i] == cap)
            return true;
    return false;
}

static void put_thresholds(Text *t, const MatchTask *task)
{
    if (coco_usual_thresholds(task))
        text_puts(t, ".50, .55 ... .95");
    else
        for (int i = 0; i < task->n_thresholds; i++)
            text_printf(t, "%s%g", i ? ", " : "", task->threshold[i]);
}

static void put_caps(Text *t, const CocoResult *r)
{
    const MatchTask *task = r->task;
    bool             is_pose = r->iou == COCO_KEYPOINTS;
    int64_t          cap = r->stat[0].cap;
    text_printf(t, "%lld %s", (long long)cap, coco_cap_unit(task));
    if (!is_capped_at(task, cap))
        text_puts(t, ", which maxDets lacks: undefined");
    if (!is_pose && task->cap[2] != cap)
        text_printf(t, "; AP50 to APl at %lld", (long long)task->cap[2]);
}

/* The sentence of coco_definition with the settings of the evaluation in it. */
static void put_definition(Text *t, const CocoResult *r)
{
    static const char *const WHAT[3][2] = {
        {"box", "box IoU"}, {"mask", "mask IoU"}, {"keypoint", "OKS"}};
    const MatchTask *task = r->task;
    const double    *area = task->area[0];
    text_printf(t, "COCO %s AP: ", WHAT[r->iou][0]);
    if (task->n_thresholds == 1)
        text_printf(t, "101-point interpolated precision at %s ", WHAT[r->iou][1]);
    else
        text_printf(t, "mean over %s ", WHAT[r->iou][1]);
    put_thresholds(t, task);
    if (task->n_thresholds > 1)
        text_puts(t, " of 101-point interpolated precision");
    text_puts(t, task->one_group           ? ", all categories as one"
                 : task->n_thresholds == 1 ? ", mean over categories with annotations"
                                           : ", over categories with annotations");
    if (area[0] != 0 || area[1] != 1e10)
        text_printf(t, " of %g to %g square pixels", area[0], area[1]);
    text_puts(t, r->iou == COCO_KEYPOINTS ? "; " : "; crowds ignored; ");
    put_caps(t, r);
}

Status coco_result_definition(Arena *a, const char **out, const CocoResult *r)
{
    Text t = {0};
    put_definition(&t, r);
    Status st = text_status(&t);
    *out = st == OK ? arena_strdup(a, text_cstr(&t)) : NULL;
    text_release(&t);
    return *out ? OK : st == OK ? ERR_MEMORY : st;
}
