/* det_loader.c -- batches of a detection set: the ring's tasks on slots, opening and closing */
#include "datasets/det_loader.h"
#include "base/size.h"
#include "datasets/det_picture.h"
#include "datasets/det_stream.h"
#include "datasets/picture_cache.h"
#include "datasets/ring.h"
#include <stdlib.h>
#include <string.h>

#define VIEW_OF_DETECTION 2 // address of the draws; views 0 and 1 are pretraining's
#define MAX_SIZES 64

typedef struct Slot {
    int64_t        step, n, width, height;
    DetTicket     *ticket;   // (batch)
    DetPicture    *item;     // (batch)
    DetBatchImage *facts;    // (batch)
    void          *pixels;   // floats or bytes
    int64_t        capacity; // bytes
} Slot;

typedef struct Worker {
    Image         decoded;
    ImageBytes    bytes;
    ResizeScratch resize;
} Worker;

struct DetLoader {
    const DetSet    *set;
    DetLoaderOptions o;
    int64_t          sizes[MAX_SIZES];
    int64_t          n_steps; // testing
    Ring            *ring;
    int64_t          n_slots;
    Slot            *slot;
    Worker          *worker;
    DetStream        stream; // training
    PictureCache    *cache;
};

DetLoaderOptions det_loader_options(void)
{
    static const int64_t SIZES[] = {480, 512, 544, 576, 608, 640, 672, 704, 736, 768, 800};
    return (DetLoaderOptions){
        .train = true,
        .batch = 16,
        .group = 2,
        .group_aspect = true,
        .sizes = SIZES,
        .n_sizes = 11,
        .max_size = 1333,
        .flip_p = 0.5f,
        .stats = {.mean = {123.675f, 116.280f, 103.530f}, .std = {58.395f, 57.120f, 57.375f}}};
}

/* ---- the ring's tasks ---- */

static Status plan(void *ctx, int64_t slot, int64_t step, int64_t *n_items)
{
    DetLoader *l = ctx;
    Slot      *s = &l->slot[slot];
    s->step = step;
    s->n = l->o.batch;
    if (l->o.train) {
        det_stream_next(&l->stream, s->ticket);
    } else {
        s->n = size_min(s->n, l->set->n_images - step * l->o.batch);
        for (int64_t i = 0; i < s->n; i++)
            s->ticket[i] = (DetTicket){step * l->o.batch + i, 0};
    }
    *n_items = s->n;
    return OK;
}

/* The decoded picture, from the cache when it is there; *out borrows. */
static Status get_picture(DetLoader *l, Worker *w, int64_t index, const Image **out)
{
    const DetImage *d = &l->set->image[index];
    DecodeOptions   decode = {.exif = l->o.exif};
    *out = picture_cache_find(l->cache, index);
    if (*out != NULL)
        return OK;
    TRY(image_bytes_read(&w->bytes, d->path));
    TRY(image_decode(&w->decoded, &decode, w->bytes.data, w->bytes.n_bytes, d->path));
    *out = picture_cache_keep(l->cache, index, &w->decoded);
    *out = *out != NULL ? *out : &w->decoded;
    return OK;
}

static Status work(void *ctx, int64_t slot, int64_t item, int64_t worker)
{
    DetLoader   *l = ctx;
    Worker      *w = &l->worker[worker];
    DetTicket    ticket = l->slot[slot].ticket[item];
    DetPicture  *p = &l->slot[slot].item[item];
    const Image *im = NULL;
    int64_t      size = l->sizes[0];
    bool         is_flipped = false;
    TRY(get_picture(l, w, ticket.index, &im));
    if (l->o.train) {
        uint64_t a = (uint64_t)ticket.epoch << 40 ^ (uint64_t)ticket.index;
        Rng      rng = rng_at(l->o.seed, RNG_AUGMENT, a, VIEW_OF_DETECTION);
        size = l->sizes[rng_below(&rng, (uint32_t)l->o.n_sizes)];
        is_flipped = rng_uniform(&rng) < l->o.flip_p;
    }
    TRY(det_picture_make(p, &w->resize, &l->set->image[ticket.index], im, size, l->o.max_size,
                         is_flipped));
    p->facts.index = ticket.index;
    return OK;
}

static const char *describe(void *ctx, int64_t slot, int64_t item)
{
    const DetLoader *l = ctx;
    return l->set->image[l->slot[slot].ticket[item].index].path;
}

static Status make_room(Slot *s, int64_t bytes)
{
    if (bytes <= s->capacity)
        return OK;
    free(s->pixels);
    s->capacity = 0;
    s->pixels = aligned_alloc(64, (size_t)size_round_up(bytes, 64));
    if (s->pixels == NULL)
        return status_no_memory("a detection batch", bytes);
    s->capacity = bytes;
    return OK;
}

static Status finish(void *ctx, int64_t slot)
{
    DetLoader *l = ctx;
    Slot      *s = &l->slot[slot];
    s->width = s->height = 0;
    for (int64_t i = 0; i < s->n; i++) {
        s->facts[i] = s->item[i].facts;
        s->width = size_max(s->width, s->facts[i].width);
        s->height = size_max(s->height, s->facts[i].height);
    }
    if (l->o.pad_multiple > 1) {
        s->width = size_round_up(s->width, l->o.pad_multiple);
        s->height = size_round_up(s->height, l->o.pad_multiple);
    }
    const int64_t dim[4] = {s->n, s->height, s->width, 3};
    int64_t       size = l->o.bytes_only ? 1 : (int64_t)sizeof(float), need = 0;
    if (!size_product(&need, dim, 4) || need > INT64_MAX / 8)
        return status_fail(ERR_SHAPE, "detection batch: %lld x %lld pixels is too large",
                           (long long)s->width, (long long)s->height);
    TRY(make_room(s, need * size));
    for (int64_t i = 0; i < s->n; i++) {
        int64_t at = i * s->height * s->width * 3;
        if (l->o.bytes_only)
            det_picture_copy((uint8_t *)s->pixels + at, s->width, s->height, &s->item[i].picture,
                             &l->o);
        else
            det_picture_write((float *)s->pixels + at, s->width, s->height, &s->item[i].picture,
                              &l->o);
    }
    return OK;
}

/* ---- opening and closing ---- */

static Status check_options(const DetLoaderOptions *o, const DetSet *set)
{
    if (o->batch < 1 || o->batch > 4096 || o->n_sizes < 1 || o->n_sizes > MAX_SIZES ||
        o->sizes == NULL || o->group < 0 || (o->group > 0 && o->batch % o->group != 0) ||
        o->start_step < 0)
        return status_fail(ERR_USAGE,
                           "detection loader: batch %lld in groups of %lld, %lld sizes, step %lld; "
                           "expected whole groups, 1 to %d sizes, a step from 0 on",
                           (long long)o->batch, (long long)o->group, (long long)o->n_sizes,
                           (long long)o->start_step, MAX_SIZES);
    for (int64_t i = 0; i < o->n_sizes; i++)
        if (o->sizes[i] < 1 || o->sizes[i] > 1 << 16)
            return status_fail(ERR_USAGE, "detection loader: a short side of %lld pixels",
                               (long long)o->sizes[i]);
    if (set->n_images < 1)
        return status_fail(ERR_FORMAT, "detection loader: the set has no pictures");
    return OK;
}

static Status allocate(DetLoader *l)
{
    size_t batch = (size_t)l->o.batch;
    l->slot = calloc((size_t)l->n_slots, sizeof *l->slot);
    l->worker = calloc((size_t)l->o.n_workers, sizeof *l->worker);
    bool fails = l->slot == NULL || l->worker == NULL;
    for (int64_t i = 0; i < l->n_slots && !fails; i++) {
        Slot *s = &l->slot[i];
        s->ticket = calloc(batch, sizeof *s->ticket);
        s->item = calloc(batch, sizeof *s->item);
        s->facts = calloc(batch, sizeof *s->facts);
        fails = s->ticket == NULL || s->item == NULL || s->facts == NULL;
    }
    if (fails)
        return status_no_memory("the detection loader's slots", l->n_slots * l->o.batch * 200);
    return picture_cache_new(&l->cache, l->set->n_images, l->o.cache_bytes);
}

static Status start(DetLoader *l)
{
    int64_t end = l->o.end_step;
    TRY(allocate(l));
    if (l->o.train) {
        TRY(det_stream_init(&l->stream, l->set, &l->o));
        det_stream_skip(&l->stream, l->o.start_step);
    } else {
        end = end > 0 ? size_min(end, l->n_steps) : l->n_steps;
        if (l->o.start_step >= end)
            return OK; // nothing left; det_loader_next says so
    }
    RingTask task = {.ctx = l, .plan = plan, .work = work, .finish = finish, .describe = describe};
    RingOptions ring = {.n_workers = l->o.n_workers,
                        .n_slots = l->n_slots,
                        .start_step = l->o.start_step,
                        .end_step = end,
                        .stall_s = l->o.stall_s > 0 ? l->o.stall_s : 10};
    return ring_open(&l->ring, &task, &ring);
}

Status det_loader_open(DetLoader **out, const DetSet *set, const DetLoaderOptions *o)
{
    *out = NULL;
    TRY(check_options(o, set));
    DetLoader *l = calloc(1, sizeof *l);
    if (l == NULL)
        return status_no_memory("a detection loader", sizeof *l);
    l->set = set;
    l->o = *o;
    memcpy(l->sizes, o->sizes, (size_t)o->n_sizes * sizeof *o->sizes);
    l->o.sizes = l->sizes;
    l->o.group = o->group > 0 ? o->group : o->batch;
    l->o.n_workers = o->n_workers > 0 ? o->n_workers : ring_cores();
    l->n_slots = o->prefetch > 0 ? size_max(o->prefetch, 2) : 2;
    l->n_steps = (set->n_images + o->batch - 1) / o->batch;
    Status st = start(l);
    if (st != OK)
        det_loader_close(l);
    else
        *out = l;
    return st;
}

Status det_loader_next(DetLoader *l, DetBatch *out)
{
    int64_t slot = 0, step = 0;
    *out = (DetBatch){.step = l->n_steps};
    if (!l->o.train && l->o.start_step >= l->n_steps)
        return OK;
    TRY(ring_next(l->ring, &slot, &step));
    const Slot *s = &l->slot[slot];
    *out = (DetBatch){.step = step,
                      .n = s->n,
                      .height = s->height,
                      .width = s->width,
                      .pixels = l->o.bytes_only ? NULL : s->pixels,
                      .bytes = l->o.bytes_only ? s->pixels : NULL,
                      .stats = l->o.stats,
                      .image = s->facts};
    l->o.start_step = step + 1; // testing: where the walk is
    return OK;
}

LoaderStats det_loader_stats(const DetLoader *l)
{
    RingStats r = l->ring != NULL ? ring_stats(l->ring) : (RingStats){0};
    return (LoaderStats){.wait_s = r.wait_s,
                         .last_wait_s = r.last_wait_s,
                         .n_stalls = r.n_stalls,
                         .cached_bytes = picture_cache_bytes(l->cache)};
}

static void release_slot(Slot *s, int64_t batch)
{
    for (int64_t i = 0; s->item != NULL && i < batch; i++)
        det_picture_release(&s->item[i]);
    free(s->ticket);
    free(s->item);
    free(s->facts);
    free(s->pixels);
}

void det_loader_close(DetLoader *l)
{
    if (l == NULL)
        return;
    ring_close(l->ring);
    for (int64_t i = 0; l->slot != NULL && i < l->n_slots; i++)
        release_slot(&l->slot[i], l->o.batch);
    for (int64_t i = 0; l->worker != NULL && i < l->o.n_workers; i++) {
        image_release(&l->worker[i].decoded);
        image_bytes_release(&l->worker[i].bytes);
        resize_scratch_release(&l->worker[i].resize);
    }
    picture_cache_free(l->cache);
    det_stream_release(&l->stream);
    free(l->slot);
    free(l->worker);
    free(l);
}
