/* det_loader.c -- the stream of pictures, its buckets, one picture's way, and the padded batch */
#include "datasets/det_loader.h"
#include "base/size.h"
#include "datasets/ring.h"
#include "datasets/simd.h"
#include "datasets/transform.h"
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define VIEW_OF_DETECTION 2 // address of the draws; views 0 and 1 are pretraining's
#define MAX_SIZES 64
#define LEAST_SIDE 1e-5f // shorter boxes are dropped

/* A place in the stream: which picture, in which epoch. */
typedef struct Ticket {
    int64_t index, epoch;
} Ticket;

typedef struct Item {
    Ticket        ticket;
    Image         picture; // resized, mirrored
    DetBatchImage facts;
    float        *box;
    int32_t      *label;
    uint8_t      *difficult;
    int64_t       capacity; // objects
} Item;

typedef struct Slot {
    int64_t        step, n, width, height;
    Item          *item;
    DetBatchImage *facts;
    float         *pixels;
    int64_t        capacity; // floats
} Slot;

typedef struct Worker {
    Image         decoded;
    ImageBytes    bytes;
    ResizeScratch resize;
} Worker;

struct DetLoader {
    const DetSet     *set;
    DetLoaderOptions  o;
    int64_t           sizes[MAX_SIZES];
    int64_t           n_steps; // testing
    Ring             *ring;
    int64_t           n_slots;
    Slot             *slot;
    Worker           *worker;
    uint8_t          *is_wide; // (n_images) w > h
    int64_t          *order;   // permutation of `epoch`
    int64_t           epoch, place;
    Ticket           *bucket[2]; // (group) each
    int64_t           n_bucket[2];
    pthread_mutex_t   lock;
    _Atomic(Image *) *cache;
    int64_t           cached_bytes;
};

DetLoaderOptions det_loader_options(void)
{
    static const int64_t SIZES[] = {480, 512, 544, 576, 608, 640, 672, 704, 736, 768, 800};
    return (DetLoaderOptions){.train = true,
                              .batch = 16,
                              .group = 2,
                              .group_aspect = true,
                              .sizes = SIZES,
                              .n_sizes = 11,
                              .max_size = 1333,
                              .flip_p = 0.5f,
                              .mean = {123.675f, 116.280f, 103.530f},
                              .std = {58.395f, 57.120f, 57.375f}};
}

void det_resized(int64_t *new_width, int64_t *new_height, int64_t width, int64_t height,
                 int64_t size, int64_t max_size)
{
    double scale = (double)size / (double)size_min(width, height);
    double w = width < height ? (double)size : scale * (double)width;
    double h = width < height ? scale * (double)height : (double)size;
    double far = w > h ? w : h;
    if (max_size > 0 && far > (double)max_size) {
        double shrink = (double)max_size / far;
        w *= shrink;
        h *= shrink;
    }
    *new_width = size_max((int64_t)(w + 0.5), 1);
    *new_height = size_max((int64_t)(h + 0.5), 1);
}

/* ---- the stream ---- */

static Ticket next_ticket(DetLoader *l)
{
    int64_t n = l->set->n_images;
    if (l->epoch < 0 || l->place == n) {
        l->epoch++;
        l->place = 0;
        Rng rng = rng_at(l->o.seed, RNG_SHUFFLE, (uint64_t)l->epoch, 0);
        rng_permutation(&rng, l->order, n);
    }
    return (Ticket){l->order[l->place++], l->epoch};
}

/* The next `group` pictures of one orientation. */
static void next_group(DetLoader *l, Ticket *out)
{
    for (;;) {
        Ticket t = next_ticket(l);
        int    b = l->o.group_aspect ? l->is_wide[t.index] : 0;
        l->bucket[b][l->n_bucket[b]++] = t;
        if (l->n_bucket[b] == l->o.group) {
            memcpy(out, l->bucket[b], (size_t)l->o.group * sizeof *out);
            l->n_bucket[b] = 0;
            return;
        }
    }
}

static void next_batch(DetLoader *l, Ticket *out)
{
    for (int64_t i = 0; i < l->o.batch; i += l->o.group)
        next_group(l, out + i);
}

static Status plan(void *ctx, int64_t slot, int64_t step, int64_t *n_items)
{
    DetLoader *l = ctx;
    Slot      *s = &l->slot[slot];
    s->step = step;
    s->n = l->o.batch;
    if (l->o.train) {
        Ticket *tickets = calloc((size_t)s->n, sizeof *tickets);
        if (tickets == NULL)
            return status_no_memory("a batch", s->n * (int64_t)sizeof *tickets);
        next_batch(l, tickets);
        for (int64_t i = 0; i < s->n; i++)
            s->item[i].ticket = tickets[i];
        free(tickets);
    } else {
        s->n = size_min(s->n, l->set->n_images - step * l->o.batch);
        for (int64_t i = 0; i < s->n; i++)
            s->item[i].ticket = (Ticket){step * l->o.batch + i, 0};
    }
    *n_items = s->n;
    return OK;
}

/* ---- one picture ---- */

/* The decoded picture, from the cache when it is there; *out borrows. */
static Status get_picture(DetLoader *l, Worker *w, int64_t index, const Image **out)
{
    const DetImage *d = &l->set->image[index];
    Image          *cached = l->cache != NULL ? atomic_load(&l->cache[index]) : NULL;
    *out = cached;
    if (cached != NULL)
        return OK;
    DecodeOptions decode = {.exif = l->o.exif};
    TRY(image_bytes_read(&w->bytes, d->path));
    TRY(image_decode(&w->decoded, &decode, w->bytes.data, w->bytes.n_bytes, d->path));
    *out = &w->decoded;
    if (l->cache == NULL)
        return OK;
    int64_t bytes = 3 * w->decoded.width * w->decoded.height + (int64_t)sizeof(Image);
    pthread_mutex_lock(&l->lock);
    cached = atomic_load(&l->cache[index]);
    if (cached == NULL && l->cached_bytes + bytes <= l->o.cache_bytes &&
        (cached = malloc(sizeof *cached)) != NULL) {
        *cached = w->decoded;
        w->decoded = (Image){0}; // its memory moved
        l->cached_bytes += bytes;
        atomic_store(&l->cache[index], cached);
    }
    pthread_mutex_unlock(&l->lock);
    *out = cached != NULL ? cached : &w->decoded;
    return OK;
}

static Status check_size(const DetImage *d, const Image *im)
{
    if (d->width <= 0 || d->height <= 0 || (d->width == im->width && d->height == im->height))
        return OK;
    bool swapped = d->width == im->height && d->height == im->width;
    return status_fail(
        ERR_FORMAT, "%s: the annotation says %lld x %lld, the picture has %lld x %lld%s", d->path,
        (long long)d->width, (long long)d->height, (long long)im->width, (long long)im->height,
        swapped ? "; sides are swapped: the boxes were drawn without regard to the "
                  "EXIF orientation, so set the EXIF policy to ignore"
                : "");
}

static void mirror(Image *im)
{
    for (int64_t y = 0; y < im->height; y++) {
        uint8_t *row = im->pixels + 3 * y * im->width;
        for (int64_t a = 0, b = im->width - 1; a < b; a++, b--) {
            uint8_t t[3];
            memcpy(t, row + 3 * a, 3);
            memcpy(row + 3 * a, row + 3 * b, 3);
            memcpy(row + 3 * b, t, 3);
        }
    }
}

static double clip(double v, double hi)
{
    return v < 0 ? 0 : v > hi ? hi : v;
}

/* Scales per axis, mirrors, clips; true when something of the box is left. */
static bool place_box(float out[4], const DetObject *d, const DetBatchImage *f)
{
    double W = (double)f->width, H = (double)f->height;
    double sx = W / (double)f->original_width, sy = H / (double)f->original_height;
    double x1 = (double)d->x1 * sx, x2 = (double)d->x2 * sx;
    if (f->flipped) {
        double t = W - x1;
        x1 = W - x2;
        x2 = t;
    }
    out[0] = (float)clip(x1, W);
    out[1] = (float)clip((double)d->y1 * sy, H);
    out[2] = (float)clip(x2, W);
    out[3] = (float)clip((double)d->y2 * sy, H);
    return out[2] - out[0] > LEAST_SIDE && out[3] - out[1] > LEAST_SIDE;
}

static Status place_boxes(Item *it, const DetImage *d)
{
    if (d->n_objects > it->capacity) {
        free(it->box);
        free(it->label);
        free(it->difficult);
        it->box = calloc((size_t)d->n_objects, 4 * sizeof *it->box);
        it->label = calloc((size_t)d->n_objects, sizeof *it->label);
        it->difficult = calloc((size_t)d->n_objects, 1);
        it->capacity = 0;
        if (it->box == NULL || it->label == NULL || it->difficult == NULL)
            return status_no_memory("boxes of a picture", 21 * d->n_objects);
        it->capacity = d->n_objects;
    }
    int64_t n = 0;
    for (int64_t i = 0; i < d->n_objects; i++) {
        if (!place_box(it->box + 4 * n, &d->object[i], &it->facts))
            continue;
        it->label[n] = d->object[i].class_index;
        it->difficult[n] = d->object[i].is_difficult;
        n++;
    }
    it->facts.n_objects = n;
    it->facts.box = it->box;
    it->facts.label = it->label;
    it->facts.is_difficult = it->difficult;
    return OK;
}

static Status work(void *ctx, int64_t slot, int64_t item, int64_t worker)
{
    DetLoader      *l = ctx;
    Worker         *w = &l->worker[worker];
    Item           *it = &l->slot[slot].item[item];
    const DetImage *d = &l->set->image[it->ticket.index];
    const Image    *im = NULL;
    TRY(get_picture(l, w, it->ticket.index, &im));
    TRY(check_size(d, im));

    DetBatchImage *f = &it->facts;
    int64_t        size = l->sizes[0];
    *f = (DetBatchImage){
        .index = it->ticket.index, .original_width = im->width, .original_height = im->height};
    if (l->o.train) {
        uint64_t a = (uint64_t)it->ticket.epoch << 40 ^ (uint64_t)it->ticket.index;
        Rng      rng = rng_at(l->o.seed, RNG_AUGMENT, a, VIEW_OF_DETECTION);
        size = l->sizes[rng_below(&rng, (uint32_t)l->o.n_sizes)];
        f->flipped = rng_uniform(&rng) < l->o.flip_p;
    }
    det_resized(&f->width, &f->height, im->width, im->height, size, l->o.max_size);
    ImageRect all = {0, 0, im->width, im->height};
    TRY(transform_resize_image(&w->resize, &it->picture, im, all, f->width, f->height));
    if (f->flipped)
        mirror(&it->picture);
    return place_boxes(it, d);
}

static const char *describe(void *ctx, int64_t slot, int64_t item)
{
    const DetLoader *l = ctx;
    return l->set->image[l->slot[slot].item[item].ticket.index].path;
}

/* ---- the batch ---- */

SIMD_CLONES static void normalise_row(float *restrict out, const uint8_t *in, int64_t width,
                                      const float table[3][256], int red)
{
    for (int64_t x = 0; x < width; x++) {
        out[3 * x] = table[0][in[3 * x + red]];
        out[3 * x + 1] = table[1][in[3 * x + 1]];
        out[3 * x + 2] = table[2][in[3 * x + 2 - red]];
    }
}

/* out (height, width, 3): the picture at the top left, 0 elsewhere. */
static void write_padded(float *out, int64_t width, int64_t height, const Image *im,
                         const DetLoaderOptions *o)
{
    float table[3][256];
    for (int c = 0; c < 3; c++)
        for (int v = 0; v < 256; v++)
            table[c][v] = ((float)v - o->mean[c]) / o->std[c];
    for (int64_t y = 0; y < height; y++) {
        float  *row = out + 3 * y * width;
        int64_t used = y < im->height ? im->width : 0;
        if (used > 0)
            normalise_row(row, im->pixels + 3 * y * im->width, used, (const float(*)[256])table,
                          o->bgr ? 2 : 0);
        memset(row + 3 * used, 0, (size_t)(3 * (width - used)) * sizeof *row);
    }
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
    int64_t       need = 0;
    if (!size_product(&need, dim, 4) || need > INT64_MAX / 8)
        return status_fail(ERR_SHAPE, "detection batch: %lld x %lld pixels is too large",
                           (long long)s->width, (long long)s->height);
    if (need > s->capacity) {
        free(s->pixels);
        s->capacity = 0;
        s->pixels = aligned_alloc(64, (size_t)size_round_up(need * 4, 64));
        if (s->pixels == NULL)
            return status_no_memory("a detection batch", need * 4);
        s->capacity = need;
    }
    for (int64_t i = 0; i < s->n; i++)
        write_padded(s->pixels + i * s->height * s->width * 3, s->width, s->height,
                     &s->item[i].picture, &l->o);
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

/* Which pictures are wide; a header is read where the annotation has no size. */
static Status survey(DetLoader *l)
{
    ImageBytes bytes = {0};
    Status     st = OK;
    for (int64_t i = 0; i < l->set->n_images && st == OK; i++) {
        const DetImage *d = &l->set->image[i];
        ImageInfo       info = {.width = d->width, .height = d->height};
        DecodeOptions   o = {.exif = l->o.exif};
        if (d->width <= 0 || d->height <= 0) {
            st = image_bytes_read(&bytes, d->path);
            if (st == OK)
                st = image_probe(&info, &o, bytes.data, bytes.n_bytes, d->path);
        }
        l->is_wide[i] = info.width > info.height;
    }
    image_bytes_release(&bytes);
    return st;
}

static Status allocate(DetLoader *l)
{
    size_t n = (size_t)l->set->n_images, batch = (size_t)l->o.batch;
    l->slot = calloc((size_t)l->n_slots, sizeof *l->slot);
    l->worker = calloc((size_t)l->o.n_workers, sizeof *l->worker);
    l->is_wide = calloc(n, 1);
    l->order = calloc(n, sizeof *l->order);
    l->bucket[0] = calloc((size_t)l->o.group, sizeof(Ticket));
    l->bucket[1] = calloc((size_t)l->o.group, sizeof(Ticket));
    if (l->o.cache_bytes > 0)
        l->cache = calloc(n, sizeof *l->cache);
    bool fails = l->slot == NULL || l->worker == NULL || l->is_wide == NULL || l->order == NULL ||
                 l->bucket[0] == NULL || l->bucket[1] == NULL ||
                 (l->o.cache_bytes > 0 && l->cache == NULL);
    for (int64_t i = 0; i < l->n_slots && !fails; i++) {
        l->slot[i].item = calloc(batch, sizeof *l->slot[i].item);
        l->slot[i].facts = calloc(batch, sizeof *l->slot[i].facts);
        fails = l->slot[i].item == NULL || l->slot[i].facts == NULL;
    }
    return fails ? status_no_memory("the detection loader's tables", l->set->n_images * 24) : OK;
}

static Status start(DetLoader *l)
{
    int64_t end = l->o.end_step;
    TRY(allocate(l));
    if (l->o.train) {
        TRY(survey(l));
        Ticket *skipped = calloc((size_t)l->o.batch, sizeof *skipped);
        if (skipped == NULL)
            return status_no_memory("a batch", l->o.batch * (int64_t)sizeof *skipped);
        for (int64_t s = 0; s < l->o.start_step; s++) // the stream is replayed, not the pictures
            next_batch(l, skipped);
        free(skipped);
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
    pthread_mutex_init(&l->lock, NULL);
    l->set = set;
    l->o = *o;
    memcpy(l->sizes, o->sizes, (size_t)o->n_sizes * sizeof *o->sizes);
    l->o.sizes = l->sizes;
    l->o.group = o->group > 0 ? o->group : o->batch;
    l->o.n_workers = o->n_workers > 0 ? o->n_workers : ring_cores();
    l->n_slots = o->prefetch > 0 ? size_max(o->prefetch, 2) : 2;
    l->n_steps = (set->n_images + o->batch - 1) / o->batch;
    l->epoch = -1;
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
                      .pixels = s->pixels,
                      .image = s->facts};
    l->o.start_step = step + 1; // testing: where the walk is
    return OK;
}

LoaderStats det_loader_stats(const DetLoader *l)
{
    RingStats        r = l->ring != NULL ? ring_stats(l->ring) : (RingStats){0};
    pthread_mutex_t *lock = (pthread_mutex_t *)&l->lock;
    pthread_mutex_lock(lock);
    LoaderStats s = {.wait_s = r.wait_s,
                     .last_wait_s = r.last_wait_s,
                     .n_stalls = r.n_stalls,
                     .cached_bytes = l->cached_bytes};
    pthread_mutex_unlock(lock);
    return s;
}

static void release_slot(Slot *s, int64_t batch)
{
    for (int64_t i = 0; s->item != NULL && i < batch; i++) {
        image_release(&s->item[i].picture);
        free(s->item[i].box);
        free(s->item[i].label);
        free(s->item[i].difficult);
    }
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
    for (int64_t i = 0; l->cache != NULL && i < l->set->n_images; i++) {
        Image *im = atomic_load(&l->cache[i]);
        if (im != NULL)
            image_release(im);
        free(im);
    }
    free((void *)l->cache);
    free(l->slot);
    free(l->worker);
    free(l->is_wide);
    free(l->order);
    free(l->bucket[0]);
    free(l->bucket[1]);
    pthread_mutex_destroy(&l->lock);
    free(l);
}

Status det_prepare(Arena *arena, float **pixels, int64_t *new_width, int64_t *new_height,
                   const DetLoaderOptions *o, const Image *im)
{
    ResizeScratch scratch = {0};
    Image         resized = {0};
    Status        st = OK;
    det_resized(new_width, new_height, im->width, im->height, o->sizes[0], o->max_size);
    ImageRect all = {0, 0, im->width, im->height};
    TRY_OUT(transform_resize_image(&scratch, &resized, im, all, *new_width, *new_height));
    *pixels = ARENA_ARRAY(arena, float, 3 * *new_width * *new_height);
    if (*pixels == NULL)
        TRY_OUT(ERR_MEMORY);
    write_padded(*pixels, *new_width, *new_height, &resized, o);
out:
    image_release(&resized);
    resize_scratch_release(&scratch);
    return st;
}
