/* densepose.c -- thresholds, rows, and the summary; the matching is densepose_match.c */
#include "eval/densepose.h"
#include "eval/densepose_match.h"
#include "eval/numeric.h"
#include <math.h>
#include <string.h>

enum { RECALLS = 101, AREAS = 3, ALL = 0, MEDIUM, LARGE };

/* What the match reads, kept with the result. */
typedef struct Kept {
    MatchTask        task;
    DenseposeOptions options;
    DenseposePair    pair;
    double           threshold[DENSEPOSE_MAX_THRESHOLDS], recall[RECALLS];
} Kept;

/* ---- rows ---- */

static Status make_rows(Arena *a, MatchTask *task, const DenseposeData *d)
{
    int64_t  most = d->n_truth + d->n_found;
    int32_t *image = ARENA_ARRAY(a, int32_t, most), *group = ARENA_ARRAY(a, int32_t, most);
    double  *area = ARENA_ARRAY(a, double, most), *score = ARENA_ARRAY(a, double, d->n_found);
    uint8_t *ignore = ARENA_ARRAY(a, uint8_t, d->n_truth);
    if (!image || !group || !area || !score || !ignore)
        return status_no_memory("densepose rows", most * 25);
    task->truth = (MatchRows){
        .n = d->n_truth, .image = image, .group = group, .area = area, .ignore = ignore};
    for (int64_t i = 0; i < d->n_truth; i++) {
        const DenseposeTruth *t = &d->truth[i];
        *image++ = t->image;
        *group++ = t->category;
        *area++ = t->area;
        ignore[i] = !t->has_points;
    }
    task->found =
        (MatchRows){.n = d->n_found, .image = image, .group = group, .area = area, .score = score};
    for (int64_t i = 0; i < d->n_found; i++) {
        const DenseposeFound *f = &d->found[i];
        *image++ = f->image;
        *group++ = f->category;
        *area++ = f->box[2] * f->box[3];
        score[i] = f->score;
    }
    return OK;
}

/* ---- summary ---- */

static int threshold_index(const MatchTask *task, double threshold)
{
    for (int t = 0; t < task->n_thresholds; t++)
        if (fabs(threshold - task->threshold[t]) < .001)
            return t;
    return -1;
}

/* Category k (-1: the mean over all) at a threshold (0: the mean over all). -1: undefined. */
static Status mean_of(Arena *a, double *out, const DenseposeResult *r, int64_t k, int area,
                      double threshold, bool is_recall)
{
    int t = threshold > 0 ? threshold_index(r->task, threshold) : -1;
    *out = -1;
    if (threshold > 0 && t < 0)
        return OK;
    return match_mean(a, out, &r->match, is_recall, t, k, area, 0);
}

static Status summarise(Arena *a, DenseposeResult *out)
{
    const struct {
        const char *name;
        int         area;
        double      threshold;
        bool        is_recall;
    } row[] = {{"AP", ALL, 0, false},     {"AP20", ALL, .2, false}, {"AP30", ALL, .3, false},
               {"AP40", ALL, .4, false},  {"AP50", ALL, .5, false}, {"AP75", ALL, .75, false},
               {"APm", MEDIUM, 0, false}, {"APl", LARGE, 0, false}, {"AR", ALL, 0, true},
               {"AR50", ALL, .5, true},   {"AR75", ALL, .75, true}, {"ARm", MEDIUM, 0, true},
               {"ARl", LARGE, 0, true}};
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        if (row[i].threshold > 0 && row[i].threshold < .5 &&
            out->threshold[0] > row[i].threshold + .001)
            continue;
        out->name[out->n_stats] = row[i].name;
        TRY(mean_of(a, &out->stat[out->n_stats++], out, -1, row[i].area, row[i].threshold,
                    row[i].is_recall));
    }
    for (int t = 0; t < out->n_thresholds; t++) {
        TRY(match_mean(a, &out->ap_at[t], &out->match, false, t, -1, ALL, 0));
        TRY(match_mean(a, &out->ar_at[t], &out->match, true, t, -1, ALL, 0));
    }
    return OK;
}

static Status score_classes(Arena *a, DenseposeResult *out, const DenseposeData *d)
{
    out->per_class = ARENA_ARRAY(a, DenseposeClass, d->n_categories);
    if (!out->per_class)
        return status_no_memory("categories", d->n_categories * (int64_t)sizeof(DenseposeClass));
    for (int64_t i = 0; i < d->n_truth; i++) {
        DenseposeClass *c = &out->per_class[d->truth[i].category];
        c->n_truth++;
        c->n_annotated += d->truth[i].has_points;
        out->n_annotated += d->truth[i].has_points;
    }
    for (int64_t i = 0; i < d->n_found; i++)
        out->per_class[d->found[i].category].n_found++;
    for (int64_t k = 0; k < d->n_categories; k++) {
        DenseposeClass *c = &out->per_class[k];
        TRY(mean_of(a, &c->ap, out, k, ALL, 0, false));
        TRY(mean_of(a, &c->ap50, out, k, ALL, .5, false));
        TRY(mean_of(a, &c->ap75, out, k, ALL, .75, false));
        TRY(mean_of(a, &c->ap_medium, out, k, MEDIUM, 0, false));
        TRY(mean_of(a, &c->ap_large, out, k, LARGE, 0, false));
        TRY(mean_of(a, &c->ar, out, k, ALL, 0, true));
    }
    return OK;
}

/* ---- evaluation ---- */

static Status set_thresholds(DenseposeResult *out, double least)
{
    least = least > 0 ? least : .5;
    if (!(least >= .05 && least <= .9))
        return status_fail(ERR_USAGE, "smallest threshold %g; expected .05 to .9", least);
    out->n_thresholds = (int)rint((.95 - least) / .05) + 1;
    numeric_linspace(out->threshold, least, .95, out->n_thresholds);
    return OK;
}

Status densepose_evaluate(Arena *a, const DenseposeOptions *options, DenseposeResult *out,
                          const DenseposeData *data, const DenseposeSurface *surface)
{
    static const double  AREA[AREAS][2] = {{0, 1e10}, {32 * 32, 96 * 96}, {96 * 96, 1e10}};
    static const int64_t CAP[1] = {DENSEPOSE_CAP};
    Kept                *kept = ARENA_NEW(a, Kept);
    memset(out, 0, sizeof *out);
    if (!kept)
        return status_no_memory("densepose", (long long)sizeof *kept);
    TRY(set_thresholds(out, options->least));
    out->n_images = data->n_images;
    out->n_truth = data->n_truth;
    out->n_found = data->n_found;
    memcpy(kept->threshold, out->threshold, sizeof kept->threshold);
    numeric_linspace(kept->recall, 0, 1, RECALLS);
    kept->options = *options;
    kept->pair = (DenseposePair){&kept->options, data, surface, &kept->task};
    kept->task = (MatchTask){.own = densepose_matching(&kept->pair),
                             .n_images = data->n_images,
                             .n_groups = data->n_categories,
                             .n_thresholds = out->n_thresholds,
                             .n_recalls = RECALLS,
                             .n_areas = AREAS,
                             .n_caps = 1,
                             .threshold = kept->threshold,
                             .recall = kept->recall,
                             .area = AREA,
                             .cap = CAP};
    TRY(make_rows(a, &kept->task, data));
    int half = threshold_index(&kept->task, .5);
    kept->task.main = half >= 0 ? half : 0;
    out->task = &kept->task;
    out->overlap = densepose_similarity(&kept->pair);
    TRY(match_run(a, &kept->task, &out->match));
    TRY(score_classes(a, out, data));
    return summarise(a, out);
}
