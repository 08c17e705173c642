/* cityscapes_pixels.c -- IoU of classes and categories, plain and weighted by instance size */
#include "base/threads.h"
#include "eval/cityscapes_files.h"
#include "eval/label_count.h"
#include "eval/label_png.h"
#include <math.h>
#include <string.h>

enum { N = CITYSCAPES_LABELS, VALUES = 65536 };

/* One numbered instance of one image. */
typedef struct Counted {
    uint16_t value;
    int64_t  pixels, hit, category_hit;
} Counted;

typedef struct Image {
    Arena    arena; // owns counted
    Counted *counted;
    int64_t  n;
} Image;

typedef struct Work {
    const CityscapesPair *pair;
    Image                *image;
    CityscapesPixels     *out;
    Arena                *arena;  // owns the counts of pixels
    PixelImage           *pixels; // (number of pairs)
    CityscapesFailure     failure;
} Work;

/* Buffers of one thread. */
typedef struct Scratch {
    Arena      arena;
    int64_t   *pairs;                       // (256,256)
    int64_t   *pixels, *hit, *category_hit; // (VALUES)
    int64_t    confusion[N][N];
    PixelCount tally[N]; // of the image at hand
} Scratch;

static bool ignored(int label)
{
    return cityscapes_label(label)->is_ignored;
}

static Status check_same_size(const LabelImage *a, const LabelImage *b, const char *path)
{
    if (a->h != b->h || a->w != b->w)
        return status_fail(ERR_FORMAT, "%s: %lld x %lld pixels; its ground truth has %lld x %lld",
                           path, (long long)b->w, (long long)b->h, (long long)a->w,
                           (long long)a->h);
    return OK;
}

/* As score_label sums the matrix: a miss is a miss whatever was found, ignored ground truth accuses nobody. */
static void add_tally(PixelCount *tally, int t, int p, int64_t n)
{
    if (ignored(t))
        return;
    tally[t].truth += n;
    tally[p].found += ignored(p) ? 0 : n;
    tally[t].both += t == p ? n : 0;
}

static Status count_labels(Scratch *s, const LabelImage *truth, const LabelImage *found,
                           const CityscapesPair *pair)
{
    memset(s->pairs, 0, 65536 * sizeof *s->pairs);
    memset(s->tally, 0, sizeof s->tally);
    label_count_pairs(s->pairs, truth->narrow, found->narrow, truth->h * truth->w);
    for (int i = 0; i < 65536; i++) {
        int t = i >> 8, p = i & 255;
        if (s->pairs[i] == 0)
            continue;
        if (t >= N)
            return status_fail(ERR_FORMAT, "%s: unknown label %d; expected 0 .. 33", pair->truth,
                               t);
        if (p >= N)
            return status_fail(ERR_FORMAT,
                               "%s: unknown label %d; expected label ids 0 .. 33, one channel "
                               "(train ids must be mapped back)",
                               pair->found, p);
        s->confusion[t][p] += s->pairs[i];
        add_tally(s->tally, t, p, s->pairs[i]);
    }
    return OK;
}

static bool same_category(int label, int other)
{
    return cityscapes_label(label)->category == cityscapes_label(other)->category;
}

/* Pixels of every instance value, and how many of them are predicted right. */
static Status count_instances(Scratch *s, Image *image, const LabelImage *instance,
                              const LabelImage *found, const CityscapesPair *pair)
{
    const uint16_t *v = instance->wide;
    const uint8_t  *p = found->narrow;
    int64_t         n = instance->h * instance->w, distinct = 0;

    memset(s->pixels, 0, 3 * VALUES * sizeof *s->pixels); // hit and category_hit stand behind it
    for (int64_t i = 0; i < n;) {
        int64_t start = i;
        i = label_run_end(v, p, start, n);
        int label = v[start] / 1000;
        s->pixels[v[start]] += i - start;
        s->hit[v[start]] += label == p[start] ? i - start : 0;
        if (v[start] > 1000 && label < N && same_category(label, p[start]))
            s->category_hit[v[start]] += i - start;
    }
    for (int value = 1001; value < VALUES; value++)
        distinct += s->pixels[value] > 0;
    image->counted = ARENA_ARRAY(&image->arena, Counted, distinct);
    if (!image->counted)
        return ERR_MEMORY;
    for (int value = 1001; value < VALUES; value++) {
        if (s->pixels[value] == 0)
            continue;
        const CityscapesLabel *label = cityscapes_label(value / 1000);
        if (!label || (!label->is_ignored && label->mean_pixels == 0))
            return status_fail(ERR_FORMAT,
                               "%s: instance id %d of the image; class %d has no instances",
                               pair->truth, value, value / 1000);
        if (!label->is_ignored)
            image->counted[image->n++] =
                (Counted){(uint16_t)value, s->pixels[value], s->hit[value], s->category_hit[value]};
    }
    return OK;
}

static Status instance_path(Arena *a, char **out, const char *labels)
{
    size_t kept = strlen(labels) - strlen(CITYSCAPES_LABEL_FILES);
    *out = arena_printf(a, "%.*s%s", (int)kept, labels, CITYSCAPES_INSTANCE_FILES);
    return *out ? OK : ERR_MEMORY;
}

static Status count_image(Scratch *s, Image *image, const CityscapesPair *pair)
{
    LabelImage truth, found, instance;
    char      *path = NULL;
    TRY(instance_path(&s->arena, &path, pair->truth));
    TRY(label_png_read(&s->arena, &truth, pair->truth));
    TRY(label_png_read(&s->arena, &found, pair->found));
    if (!truth.narrow || !found.narrow)
        return status_fail(ERR_FORMAT, "%s: has 16 bits a pixel; expected 8-bit label ids",
                           truth.narrow ? pair->found : pair->truth);
    TRY(check_same_size(&truth, &found, pair->found));
    TRY(count_labels(s, &truth, &found, pair));
    TRY(label_png_read_wide(&s->arena, &instance, path));
    TRY(check_same_size(&instance, &found, pair->found));
    return count_instances(s, image, &instance, &found, pair);
}

static Status keep_pixels(Work *work, int64_t at, const PixelCount *tally)
{
    pthread_mutex_lock(&work->failure.lock);
    Status st = pixel_tally_keep(work->arena, &work->pixels[at], tally, N);
    pthread_mutex_unlock(&work->failure.lock);
    return st;
}

static void count_range(void *ctx, int64_t begin, int64_t end)
{
    Work   *work = ctx;
    Arena   kept = {0};
    Status  st = OK;
    int64_t at = begin;

    Scratch *s = ARENA_NEW(&kept, Scratch);
    int64_t *tables = ARENA_ARRAY(&kept, int64_t, 4 * VALUES);
    if (!s || !tables) {
        st = ERR_MEMORY;
    } else {
        s->pairs = tables;
        s->pixels = tables + VALUES;
        s->hit = tables + 2 * VALUES;
        s->category_hit = tables + 3 * VALUES;
    }
    for (; st == OK && at < end; at++) {
        ArenaMark mark = arena_mark(&s->arena);
        st = count_image(s, &work->image[at], &work->pair[at]);
        if (st == OK)
            st = keep_pixels(work, at, s->tally);
        arena_rewind(&s->arena, mark);
        if (st != OK)
            break;
    }
    if (st != OK) {
        cityscapes_keep_failure(&work->failure, st, at);
    } else {
        pthread_mutex_lock(&work->failure.lock);
        for (int t = 0; t < N; t++)
            for (int p = 0; p < N; p++)
                work->out->confusion[t][p] += s->confusion[t][p];
        pthread_mutex_unlock(&work->failure.lock);
    }
    if (s)
        arena_release(&s->arena);
    arena_release(&kept);
}

/* ---- scores ---- */

typedef struct Weighted {
    double hit, missed;
} Weighted;

/* Sums in the order of images and instance values, as the script adds them. */
static void weigh(Weighted *label, Weighted *category, const Image *image, int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        for (int64_t k = 0; k < image[i].n; k++) {
            const Counted         *c = &image[i].counted[k];
            const CityscapesLabel *l = cityscapes_label(c->value / 1000);
            double                 weight = l->mean_pixels / (double)c->pixels;
            label[c->value / 1000].hit += (double)c->hit * weight;
            label[c->value / 1000].missed += (double)(c->pixels - c->hit) * weight;
            category[l->category].hit += (double)c->category_hit * weight;
            category[l->category].missed += (double)(c->pixels - c->category_hit) * weight;
        }
}

static double over(double part, double whole)
{
    return whole == 0 ? NAN : part / whole;
}

static void score_label(CityscapesPixels *out, int c, const Weighted *w)
{
    int64_t row = 0, false_found = 0, both = out->confusion[c][c];
    out->class_iou[c] = out->class_iiou[c] = NAN;
    if (ignored(c))
        return;
    for (int k = 0; k < N; k++) {
        row += out->confusion[c][k];
        false_found += k != c && !ignored(k) ? out->confusion[k][c] : 0;
    }
    out->class_iou[c] = over((double)both, (double)(row + false_found));
    if (cityscapes_label(c)->has_instances)
        out->class_iiou[c] = over(w->hit, (w->hit + (double)false_found) + w->missed);
}

static void score_category(CityscapesPixels *out, int k, const Weighted *w)
{
    int64_t both = 0, rows = 0, false_found = 0, false_things = 0;
    bool    has_instances = true, any = false;

    for (int c = 0; c < N; c++)
        if (cityscapes_label(c)->category == k) {
            has_instances = has_instances && cityscapes_label(c)->has_instances;
            any = any || !ignored(c);
        }
    for (int t = 0; t < N; t++)
        for (int p = 0; p < N; p++) {
            bool    row_in = cityscapes_label(t)->category == k;
            bool    column_in = cityscapes_label(p)->category == k;
            int64_t n = out->confusion[t][p];
            if (row_in && !ignored(t)) {
                rows += n;
                both += column_in && !ignored(p) ? n : 0;
            } else if (!row_in && !ignored(t) && column_in) {
                false_found += ignored(p) ? 0 : n;
                false_things += n; // PITFALL: iIoU counts caravans and trailers as false vehicles
            }
        }
    out->category_iou[k] = any ? over((double)both, (double)(rows + false_found)) : NAN;
    out->category_iiou[k] =
        has_instances ? over(w->hit, (w->hit + (double)false_things) + w->missed) : NAN;
}

static double mean_defined(const double *x, int n)
{
    double sum = 0;
    int    seen = 0;
    for (int i = 0; i < n; i++)
        if (!isnan(x[i])) {
            sum += x[i];
            seen++;
        }
    return seen ? sum / seen : NAN;
}

static void score(CityscapesPixels *out, const Image *image, int64_t n)
{
    Weighted label[N] = {{0, 0}}, category[CITYSCAPES_CATEGORIES] = {{0, 0}};
    weigh(label, category, image, n);
    for (int c = 0; c < N; c++)
        score_label(out, c, &label[c]);
    for (int k = 0; k < CITYSCAPES_CATEGORIES; k++)
        score_category(out, k, &category[k]);
    out->mean_iou = mean_defined(out->class_iou, N);
    out->mean_iiou = mean_defined(out->class_iiou, N);
    out->mean_category_iou = mean_defined(out->category_iou, CITYSCAPES_CATEGORIES);
    out->mean_category_iiou = mean_defined(out->category_iiou, CITYSCAPES_CATEGORIES);
}

Status cityscapes_pixels(Arena *kept, CityscapesPixels *out, const char *truth_dir,
                         const char *found_dir)
{
    Arena           a = {0};
    CityscapesPair *pair = NULL;
    int64_t         n = 0;
    Status          st = OK;
    Work work = {.out = out, .arena = kept, .failure = {.lock = PTHREAD_MUTEX_INITIALIZER}};

    memset(out, 0, sizeof *out);
    TRY_OUT(cityscapes_pairs(&a, &pair, &n, truth_dir, "_gtFine_" CITYSCAPES_LABEL_FILES, found_dir,
                             ".png"));
    work.pair = pair;
    work.image = ARENA_ARRAY(&a, Image, n);
    work.pixels = ARENA_ARRAY(kept, PixelImage, n);
    if (!work.image || !work.pixels)
        TRY_OUT(ERR_MEMORY);
    threads_for(n, threads_grain(n, 1), count_range, &work);
    if (work.failure.st != OK)
        TRY_OUT(status_fail(work.failure.st, "%s", work.failure.sentence));
    out->n_images = n;
    out->image = work.pixels;
    score(out, work.image, n);
out:
    for (int64_t i = 0; work.image && i < n; i++)
        arena_release(&work.image[i].arena);
    pthread_mutex_destroy(&work.failure.lock);
    arena_release(&a);
    return st;
}

const char *cityscapes_pixel_definition(void)
{
    return "IoU: TP / (TP + FP + FN) over all pixels of all images, ignored classes left out; "
           "iIoU: "
           "TP and FN of each instance weighted by mean class size / its size; mean over classes "
           "that are defined";
}
