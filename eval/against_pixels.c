/* against_pixels.c -- see against_pixels.h */
#include "eval/against_pixels.h"
#include "base/threads.h"
#include "eval/bootstrap.h"
#include <math.h>
#include <string.h>

typedef struct Work {
    const AgainstPixelsOptions *opt;
    const AgainstPixelsSide    *ours, *theirs;
    double                     *difference; // (resamples, K+1)
    Status                      st;
} Work;

/* Buffers of one thread. */
typedef struct Scratch {
    int32_t    *weight;      // (n_images)
    PixelCount *sum;         // (n_labels)
    double     *iou, *other; // (K)
} Scratch;

static double iou_of(const PixelCount *c, bool needs_truth)
{
    int64_t either = c->truth + c->found - c->both;
    if (either == 0 || (needs_truth && c->truth == 0))
        return NAN;
    return (double)c->both / (double)either;
}

/* IoU of each class with image i counted weight[i] times; returns the mean of those defined, NaN where none is. */
static double weighted_iou(double *iou, PixelCount *sum, const AgainstPixelsOptions *opt,
                           const AgainstPixelsSide *side, const int32_t *weight)
{
    double  total = 0;
    int64_t n = 0;
    memset(sum, 0, (size_t)opt->n_labels * sizeof *sum);
    for (int64_t i = 0; i < side->n_images; i++)
        for (int64_t k = 0; weight[i] > 0 && k < side->image[i].n; k++) {
            const PixelCount *c = &side->image[i].count[k];
            sum[c->label].truth += weight[i] * c->truth;
            sum[c->label].found += weight[i] * c->found;
            sum[c->label].both += weight[i] * c->both;
        }
    for (int64_t k = 0; k < opt->K; k++) {
        iou[k] = iou_of(&sum[opt->label[k]], opt->needs_truth);
        total += isnan(iou[k]) ? 0 : iou[k];
        n += !isnan(iou[k]);
    }
    return n ? total / (double)n : (double)NAN;
}

static bool scratch_alloc(Arena *a, Scratch *s, const Work *w)
{
    s->weight = ARENA_ARRAY(a, int32_t, w->ours->n_images);
    s->sum = ARENA_ARRAY(a, PixelCount, w->opt->n_labels);
    s->iou = ARENA_ARRAY(a, double, w->opt->K);
    s->other = ARENA_ARRAY(a, double, w->opt->K);
    return s->weight && s->sum && s->iou && s->other;
}

static void resample_range(void *ctx, int64_t begin, int64_t end)
{
    Work   *w = (Work *)ctx;
    Arena   a = {0};
    Scratch s;
    if (!scratch_alloc(&a, &s, w)) {
        __atomic_store_n(&w->st, ERR_MEMORY, __ATOMIC_RELAXED);
        end = begin;
    }
    for (int64_t b = begin; b < end; b++) {
        double *out = w->difference + b * (w->opt->K + 1);
        bootstrap_draw(s.weight, w->ours->n_images, w->opt->seed, b);
        double mean = weighted_iou(s.iou, s.sum, w->opt, w->ours, s.weight);
        double other = weighted_iou(s.other, s.sum, w->opt, w->theirs, s.weight);
        for (int64_t k = 0; k < w->opt->K; k++)
            out[k] = s.iou[k] - s.other[k];
        out[w->opt->K] = mean - other;
    }
    arena_release(&a);
}

/* images[c]: how many images hold ground truth of label c. */
static void count_images(int64_t *images, const AgainstPixelsSide *side)
{
    for (int64_t i = 0; i < side->n_images; i++)
        for (int64_t k = 0; k < side->image[i].n; k++)
            images[side->image[i].count[k].label] += side->image[i].count[k].truth > 0;
}

static void fill(Difference *d, const Work *w, double ours, double theirs, int64_t column,
                 double *room)
{
    *d = (Difference){ours, theirs, ours - theirs, NAN, NAN};
    if (!isnan(d->difference))
        bootstrap_interval(&d->low, &d->high, w->difference + column, w->opt->resamples,
                           w->opt->K + 1, room);
}

Status against_pixels(Arena *a, const AgainstPixelsOptions *opt, Against *out,
                      const AgainstPixelsSide *ours, const AgainstPixelsSide *theirs)
{
    Work    w = {.opt = opt, .ours = ours, .theirs = theirs};
    int64_t K = opt->K;
    if (opt->resamples < 1 || opt->resamples > 100000 || ours->n_images < 1 ||
        theirs->n_images != ours->n_images)
        return status_fail(ERR_USAGE, "against: 1 to 100000 resamples of the same images");
    *out = (Against){.measure = "IoU", .K = K, .resamples = opt->resamples};
    out->per_class = ARENA_ARRAY(a, Difference, K);
    w.difference = ARENA_ARRAY(a, double, opt->resamples *(K + 1));
    double  *room = ARENA_ARRAY(a, double, opt->resamples);
    int64_t *images = ARENA_ARRAY(a, int64_t, opt->n_labels);
    if (!out->per_class || !w.difference || !room || !images)
        return status_no_memory("against", opt->resamples * (K + 1) * 8);
    threads_for(opt->resamples, 8, resample_range, &w);
    if (w.st != OK)
        return status_no_memory("resamples", opt->n_labels * (int64_t)sizeof(PixelCount));
    count_images(images, ours);
    for (int64_t k = 0; k < K; k++) {
        fill(&out->per_class[k], &w, ours->iou[k], theirs->iou[k], k, room);
        if (images[opt->label[k]] < 2)
            out->per_class[k].low = out->per_class[k].high = NAN;
    }
    fill(&out->all, &w, ours->mean_iou, theirs->mean_iou, K, room);
    return OK;
}
