/* loader.c -- which pictures a step holds, what happens to bad ones, and the decoded-picture cache */
#include "datasets/loader.h"
#include "base/log.h"
#include "base/size.h"
#include "datasets/picture_cache.h"
#include "datasets/ring.h"
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define BAD_NAMED 20 // warnings that name a file; later ones are counted only
#define GRAY 127
#define LEFT_TOLD 32 // files that a decoder left to libjpeg, before it decoded one

typedef struct Slot {
    int64_t    n, step, epoch;
    float     *view[2];
    uint8_t   *crop[2];
    PixelPlan *plan[2];
    int64_t   *label, *index;
    int64_t   *asked; // as planned; index holds what BAD_SKIP put in its place
} Slot;

typedef struct Worker {
    Augmenter   augmenter;
    ImageBytes  bytes;
    JpegDecoder jpeg; // its decode is NULL where libjpeg does everything
} Worker;

struct Loader {
    const Source   *source;
    LoaderOptions   o;
    int64_t         n_samples, steps_per_epoch, floats; // floats of one view
    Ring           *ring;
    Slot           *slot;
    int64_t         n_slots;
    Worker         *worker;
    int64_t        *order; // permutation of order_epoch
    int64_t         order_epoch;
    pthread_mutex_t lock; // guards the rest
    uint8_t        *is_bad;
    int64_t         n_bad, n_warned;
    bool            is_left_told;
    PictureCache   *cache;
};

static void order_epoch(Loader *l, int64_t epoch)
{
    if (l->order_epoch == epoch)
        return;
    l->order_epoch = epoch;
    if (l->o.shuffle) {
        Rng rng = rng_at(l->o.seed, RNG_SHUFFLE, (uint64_t)epoch, 0);
        rng_permutation(&rng, l->order, l->n_samples);
    } else {
        for (int64_t i = 0; i < l->n_samples; i++)
            l->order[i] = i;
    }
}

static Status plan(void *ctx, int64_t slot, int64_t step, int64_t *n_items)
{
    Loader *l = ctx;
    Slot   *s = &l->slot[slot];
    s->step = step;
    s->epoch = step / l->steps_per_epoch;
    int64_t begin = step % l->steps_per_epoch * l->o.batch;
    s->n = size_min(l->o.batch, l->n_samples - begin);
    order_epoch(l, s->epoch);
    for (int64_t i = 0; i < s->n; i++) {
        s->index[i] = s->asked[i] = l->order[begin + i];
        s->label[i] = source_label(l->source, s->index[i]);
    }
    *n_items = s->n;
    return OK;
}

/* The views of one sample, read and decoded as needed. */
static Status load(Loader *l, Worker *w, const AugmentView view[], int64_t epoch, int64_t index)
{
    const AugmentOptions *a = &l->o.augment;
    const Image          *cached = picture_cache_find(l->cache, index);
    const char           *name = source_name(l->source, index);
    if (cached != NULL)
        return augment_image(&w->augmenter, view, l->o.n_views, a, cached, name, l->o.seed, epoch,
                             index);
    const uint8_t *bytes = NULL;
    int64_t        n = 0;
    TRY(source_read(l->source, index, &w->bytes, &bytes, &n));
    if (l->cache == NULL)
        return augment_bytes(&w->augmenter, view, l->o.n_views, a, bytes, n, name, l->o.seed, epoch,
                             index);
    Image *decoded = &w->augmenter.decoded;
    TRY(image_decode(decoded, &w->augmenter.decode, bytes, n, name));
    cached = picture_cache_keep(l->cache, index, decoded);
    return augment_image(&w->augmenter, view, l->o.n_views, a, cached != NULL ? cached : decoded,
                         name, l->o.seed, epoch, index);
}

/* A decoder that takes nothing is told while the run is young, once. */
static void watch_decoder(Loader *l, const JpegDecoder *d)
{
    if (d->n_served > 0 || d->n_left < LEFT_TOLD)
        return;
    pthread_mutex_lock(&l->lock);
    bool is_told = l->is_left_told;
    l->is_left_told = true;
    pthread_mutex_unlock(&l->lock);
    if (!is_told)
        log_warn("the device decoded none of the first %d JPEG files, the host does it in its "
                 "place: %s",
                 LEFT_TOLD, d->why);
}

/* Counts and names a bad picture once; under BAD_SKIP fails when there are too many. */
static Status note_bad(Loader *l, int64_t index)
{
    pthread_mutex_lock(&l->lock);
    bool is_new = !l->is_bad[index];
    l->is_bad[index] = 1;
    l->n_bad += is_new;
    int64_t n_bad = l->n_bad;
    pthread_mutex_unlock(&l->lock);
    if (is_new)
        log_warn_some(&l->n_warned, BAD_NAMED, "bad picture: %s", status_text());
    double limit = l->o.bad_limit > 0 ? l->o.bad_limit : 0.001;
    if (l->o.bad == BAD_SKIP && (double)n_bad > limit * (double)l->n_samples)
        return status_fail(ERR_FORMAT,
                           "%lld of %lld pictures are bad, more than the limit of %g %%: mend the "
                           "set (`godwit check --decode` names them), raise data.bad_limit, or set "
                           "data.bad=gray; the latest is %s",
                           (long long)n_bad, (long long)l->n_samples, 100 * limit,
                           source_name(l->source, index));
    return OK;
}

static void fill_gray(const Loader *l, const AugmentView *out)
{
    const AugmentOptions *a = &l->o.augment;
    if (!out->pixels) {
        memset(out->planes, GRAY, (size_t)l->floats);
        *out->plan = (PixelPlan){.blur.radius = -1};
        return;
    }
    for (int64_t i = 0; i < l->floats; i++)
        out->pixels[i] = ((float)GRAY / 255.0f - a->mean[i % 3]) / a->std[i % 3];
}

static bool is_bad_file(Status st)
{
    return st == ERR_FORMAT || st == ERR_MISSING || st == ERR_IO;
}

static Status work(void *ctx, int64_t slot, int64_t item, int64_t worker)
{
    Loader     *l = ctx;
    Slot       *s = &l->slot[slot];
    AugmentView view[2] = {{0}};
    int64_t     index = s->index[item];
    for (int64_t v = 0; v < l->o.n_views; v++)
        view[v] = l->o.crops_only ? (AugmentView){.planes = s->crop[v] + item * l->floats,
                                                  .plan = s->plan[v] + item}
                                  : (AugmentView){.pixels = s->view[v] + item * l->floats};
    for (int64_t tries = 0; tries < l->n_samples; tries++) {
        Status st = load(l, &l->worker[worker], view, s->epoch, index);
        watch_decoder(l, &l->worker[worker].jpeg);
        if (!is_bad_file(st)) {
            s->label[item] = source_label(l->source, index);
            s->index[item] = index;
            return st;
        }
        if (l->o.bad == BAD_FAIL)
            return st;
        TRY(note_bad(l, index));
        if (l->o.bad == BAD_GRAY) {
            for (int64_t v = 0; v < l->o.n_views; v++)
                fill_gray(l, &view[v]);
            return OK;
        }
        index = (index + 1) % l->n_samples;
    }
    return status_fail(ERR_FORMAT, "none of the %lld pictures can be read",
                       (long long)l->n_samples);
}

static const char *describe(void *ctx, int64_t slot, int64_t item)
{
    const Loader *l = ctx;
    return source_name(l->source, l->slot[slot].asked[item]);
}

static Status allocate(Loader *l)
{
    int64_t n_slots = l->n_slots, bytes = 0;
    if (!size_mul(&bytes, l->floats, l->o.batch) ||
        !size_mul(&bytes, bytes, (int64_t)sizeof(float)))
        return status_fail(ERR_SHAPE, "loader: a batch of %lld pictures of side %lld is too large",
                           (long long)l->o.batch, (long long)l->o.augment.crop);
    l->slot = calloc((size_t)n_slots, sizeof *l->slot);
    l->worker = calloc((size_t)l->o.n_workers, sizeof *l->worker);
    l->order = calloc((size_t)l->n_samples, sizeof *l->order);
    l->is_bad = calloc((size_t)l->n_samples, 1);
    if (l->slot == NULL || l->worker == NULL || l->order == NULL || l->is_bad == NULL)
        return status_no_memory("the loader's tables", l->n_samples * 24);
    TRY(picture_cache_new(&l->cache, l->n_samples, l->o.cache_bytes));
    for (int64_t i = 0; i < n_slots; i++) {
        Slot *s = &l->slot[i];
        s->label = calloc((size_t)l->o.batch, sizeof *s->label);
        s->index = calloc((size_t)l->o.batch, sizeof *s->index);
        s->asked = calloc((size_t)l->o.batch, sizeof *s->asked);
        if (s->label == NULL || s->index == NULL || s->asked == NULL)
            return status_no_memory("a batch's labels", 16 * l->o.batch);
        for (int64_t v = 0; v < l->o.n_views; v++) {
            if (l->o.crops_only) {
                s->crop[v] = aligned_alloc(64, (size_t)size_round_up(bytes / 4, 64));
                s->plan[v] = calloc((size_t)l->o.batch, sizeof *s->plan[v]);
            } else {
                s->view[v] = aligned_alloc(64, (size_t)size_round_up(bytes, 64));
            }
            if (l->o.crops_only ? !s->crop[v] || !s->plan[v] : !s->view[v])
                return status_no_memory("a batch of pictures", bytes);
        }
    }
    return OK;
}

static Status open_decoders(Loader *l)
{
    for (int64_t i = 0; l->o.jpeg.open != NULL && i < l->o.n_workers; i++) {
        Worker *w = &l->worker[i];
        TRY(l->o.jpeg.open(l->o.jpeg.ctx, &w->jpeg));
        w->augmenter.decode.jpeg = &w->jpeg;
    }
    return OK;
}

/* Says how many files the decoders served, and why not the others, once the workers are gone. */
static void close_decoders(Loader *l)
{
    int64_t     n_served = 0, n_left = 0;
    const char *why = "";
    for (int64_t i = 0; l->worker != NULL && i < l->o.n_workers; i++) {
        JpegDecoder *d = &l->worker[i].jpeg;
        n_served += d->n_served;
        n_left += d->n_left;
        why = d->why[0] ? d->why : why;
        if (d->decode != NULL)
            l->o.jpeg.close(d);
    }
    if (n_served + n_left > 0)
        log_info("JPEG files decoded by the device: %lld of %lld%s%s", (long long)n_served,
                 (long long)(n_served + n_left), why[0] ? "; the last left to the host: " : "",
                 why);
}

static Status check_options(const LoaderOptions *o, int64_t n_samples)
{
    if (o->batch < 1 || o->batch > 1 << 20 || o->n_views < 1 || o->n_views > 2 ||
        o->augment.crop < 1 || o->augment.crop > 1 << 16)
        return status_fail(
            ERR_USAGE,
            "loader: batch %lld, views %lld, crop %lld; expected a batch of at least "
            "1, 1 or 2 views, a crop of 1 to 65536",
            (long long)o->batch, (long long)o->n_views, (long long)o->augment.crop);
    if (o->crops_only && o->augment.blur_p > 0) {
        PixelBox box;
        TRY(transform_blur_box(&box, o->augment.blur_sigma[1]));
        if (box.radius > PIXEL_MOST_RADIUS)
            return status_fail(
                ERR_USAGE,
                "loader: a blur of sigma %g pixels reaches %d pixels a pass, a device "
                "finishes crops of at most %d; let the host blur",
                (double)o->augment.blur_sigma[1], (int)box.radius, PIXEL_MOST_RADIUS);
    }
    if (n_samples < 1 || (o->drop_last && o->batch > n_samples))
        return status_fail(
            ERR_USAGE, "loader: a batch of %lld pictures from a set of %lld; use a smaller batch",
            (long long)o->batch, (long long)n_samples);
    if (o->start_step < 0 || (o->end_step != 0 && o->end_step < o->start_step))
        return status_fail(ERR_USAGE, "loader: steps %lld to %lld", (long long)o->start_step,
                           (long long)o->end_step);
    return OK;
}

Status loader_open(Loader **out, const Source *source, const LoaderOptions *o)
{
    int64_t n = source_count(source);
    *out = NULL;
    TRY(check_options(o, n));
    Loader *l = calloc(1, sizeof *l);
    if (l == NULL)
        return status_no_memory("a loader", sizeof *l);
    pthread_mutex_init(&l->lock, NULL);
    l->source = source;
    l->o = *o;
    l->o.n_workers = o->n_workers > 0 ? o->n_workers : ring_cores();
    l->n_samples = n;
    l->n_slots = o->prefetch > 0 ? size_max(o->prefetch, 2) : 3;
    l->steps_per_epoch = o->drop_last ? n / o->batch : (n + o->batch - 1) / o->batch;
    l->floats = o->augment.crop * o->augment.crop * 3;
    l->order_epoch = -1;

    RingTask    task = {.ctx = l, .plan = plan, .work = work, .describe = describe};
    RingOptions ring = {.n_workers = l->o.n_workers,
                        .n_slots = l->n_slots,
                        .start_step = o->start_step,
                        .end_step = o->end_step,
                        .stall_s = o->stall_s > 0 ? o->stall_s : 10};
    Status      st = allocate(l);
    if (st == OK)
        st = open_decoders(l);
    if (st == OK)
        st = ring_open(&l->ring, &task, &ring);
    if (st != OK)
        loader_close(l);
    else
        *out = l;
    return st;
}

Status loader_next(Loader *l, LoaderBatch *out)
{
    int64_t slot = 0, step = 0;
    TRY(ring_next(l->ring, &slot, &step));
    const Slot *s = &l->slot[slot];
    *out = (LoaderBatch){.n = s->n,
                         .step = step,
                         .epoch = s->epoch,
                         .view = {s->view[0], s->view[1]},
                         .crop = {s->crop[0], s->crop[1]},
                         .plan = {s->plan[0], s->plan[1]},
                         .label = s->label,
                         .index = s->index};
    return OK;
}

int64_t loader_steps_per_epoch(const Loader *l)
{
    return l->steps_per_epoch;
}

LoaderStats loader_stats(const Loader *l)
{
    RingStats        r = ring_stats(l->ring);
    pthread_mutex_t *lock = (pthread_mutex_t *)&l->lock;
    pthread_mutex_lock(lock);
    LoaderStats s = {.wait_s = r.wait_s,
                     .last_wait_s = r.last_wait_s,
                     .n_bad = l->n_bad,
                     .n_stalls = r.n_stalls,
                     .cached_bytes = picture_cache_bytes(l->cache)};
    pthread_mutex_unlock(lock);
    return s;
}

void loader_close(Loader *l)
{
    if (l == NULL)
        return;
    ring_close(l->ring);
    close_decoders(l);
    for (int64_t i = 0; l->slot != NULL && i < l->n_slots; i++) {
        for (int v = 0; v < 2; v++) {
            free(l->slot[i].view[v]);
            free(l->slot[i].crop[v]);
            free(l->slot[i].plan[v]);
        }
        free(l->slot[i].label);
        free(l->slot[i].index);
        free(l->slot[i].asked);
    }
    for (int64_t i = 0; l->worker != NULL && i < l->o.n_workers; i++) {
        augmenter_release(&l->worker[i].augmenter);
        image_bytes_release(&l->worker[i].bytes);
    }
    picture_cache_free(l->cache);
    free(l->slot);
    free(l->worker);
    free(l->order);
    free(l->is_bad);
    pthread_mutex_destroy(&l->lock);
    free(l);
}
