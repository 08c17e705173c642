/* cityscapes_records.c -- see cityscapes_records.h */
#include "eval/cityscapes_records.h"
#include "base/threads.h"
#include "eval/label_png.h"
#include <string.h>

enum { VALUES = 65536, THINGS = CITYSCAPES_THINGS };

typedef struct Work {
    const CityscapesPair *pair;
    const char           *found_dir;
    CityscapesImage      *image;
    CityscapesFailure     failure;
} Work;

static int thing_of(int label)
{
    for (int k = 0; k < THINGS; k++)
        if (cityscapes_thing(k) == label)
            return k;
    return -1;
}

/* ---- one image ---- */

/* counts (VALUES): pixels of each value. Runs of one value are counted at once. */
static void count_values(int64_t *counts, const uint16_t *v, int64_t n)
{
    for (int64_t i = 0; i < n;) {
        int64_t start = i;
        while (i < n && v[i] == v[start])
            i++;
        counts[v[start]] += i - start;
    }
}

static Status list_truth(CityscapesImage *image, const int64_t *counts, const char *path)
{
    int64_t n = 0;
    for (int pass = 0; pass < 2; pass++) {
        for (int v = 0; v < VALUES; v++) {
            if (counts[v] == 0)
                continue;
            int label = v < 1000 ? v : v / 1000, thing = thing_of(label);
            if (!cityscapes_label(label))
                return status_fail(ERR_FORMAT, "%s: instance id %d: unknown label %d", path, v,
                                   label);
            if (thing < 0)
                continue;
            if (pass == 0)
                n++;
            else
                image->truth[image->n_truth++] = (CityscapesTruth){v, thing, counts[v]};
        }
        if (pass == 0 && !(image->truth = ARENA_ARRAY(&image->arena, CityscapesTruth, n)))
            return ERR_MEMORY;
    }
    return OK;
}

/* Adds to counts (VALUES) the truth values under the mask; eight empty pixels cost one step. */
static int64_t count_under_mask(int64_t *counts, const uint16_t *v, const uint8_t *mask, int64_t n)
{
    int64_t pixels = 0;
    for (int64_t i = 0; i < n;) {
        uint64_t eight;
        if (i + 8 <= n) {
            memcpy(&eight, mask + i, 8);
            if (eight == 0) {
                i += 8;
                continue;
            }
        }
        if (mask[i] == 0) {
            i++;
            continue;
        }
        int64_t start = i;
        while (i < n && mask[i] != 0 && v[i] == v[start])
            i++;
        counts[v[start]] += i - start;
        pixels += i - start;
    }
    return pixels;
}

static Status add_found(CityscapesImage *image, const CityscapesFound *line, const int64_t *counts,
                        int64_t pixels)
{
    CityscapesPrediction f = {
        .thing = thing_of(line->label), .confidence = line->confidence, .pixels = pixels};
    int64_t n = 0;
    for (int v = 0; v < CITYSCAPES_LABELS; v++)
        f.void_pixels += cityscapes_label(v)->is_ignored ? counts[v] : 0;
    for (int64_t i = 0; i < image->n_truth; i++)
        n += counts[image->truth[i].value] > 0;
    f.overlap = ARENA_ARRAY(&image->arena, CityscapesOverlap, n);
    if (!f.overlap)
        return ERR_MEMORY;
    for (int pass = 0; pass < 2; pass++) // its own class first
        for (int64_t i = 0; i < image->n_truth; i++) {
            int64_t shared = counts[image->truth[i].value];
            if (shared > 0 && (image->truth[i].thing == f.thing) == (pass == 0)) {
                f.overlap[f.n_shared++] = (CityscapesOverlap){i, shared};
                f.n_overlaps += pass == 0;
            }
        }
    image->found[image->n_found++] = f;
    return OK;
}

static Status read_image(Arena *scratch, CityscapesImage *image, const CityscapesPair *pair,
                         const char *root)
{
    LabelImage       truth;
    CityscapesFound *line = NULL;
    int64_t          n_lines = 0;
    int64_t         *counts = ARENA_ARRAY(scratch, int64_t, VALUES);
    if (!counts)
        return ERR_MEMORY;
    TRY(label_png_read_wide(scratch, &truth, pair->truth));
    count_values(counts, truth.wide, truth.h * truth.w);
    TRY(list_truth(image, counts, pair->truth));
    TRY(cityscapes_read_list(scratch, &line, &n_lines, pair->found, root));
    image->found = ARENA_ARRAY(&image->arena, CityscapesPrediction, n_lines);
    if (!image->found)
        return ERR_MEMORY;
    for (int64_t i = 0; i < n_lines; i++) {
        LabelImage mask;
        ArenaMark  mark = arena_mark(scratch);
        if (thing_of(line[i].label) < 0)
            continue;
        TRY(mask_png_read(scratch, &mask, line[i].mask));
        if (mask.h != truth.h || mask.w != truth.w)
            return status_fail(ERR_FORMAT,
                               "%s: %lld x %lld pixels; the ground truth %s has %lld x "
                               "%lld",
                               line[i].mask, (long long)mask.w, (long long)mask.h, pair->truth,
                               (long long)truth.w, (long long)truth.h);
        memset(counts, 0, VALUES * sizeof *counts);
        int64_t pixels = count_under_mask(counts, truth.wide, mask.narrow, mask.h * mask.w);
        if (pixels > 0)
            TRY(add_found(image, &line[i], counts, pixels));
        arena_rewind(scratch, mark);
    }
    return OK;
}

static void read_range(void *ctx, int64_t begin, int64_t end)
{
    Work *work = ctx;
    Arena scratch = {0};
    for (int64_t i = begin; i < end; i++) {
        ArenaMark mark = arena_mark(&scratch);
        Status    st = read_image(&scratch, &work->image[i], &work->pair[i], work->found_dir);
        arena_rewind(&scratch, mark);
        if (st != OK) {
            cityscapes_keep_failure(&work->failure, st, i);
            break;
        }
    }
    arena_release(&scratch);
}

double cityscapes_overlap(const CityscapesImage *image, const CityscapesPrediction *f,
                          const CityscapesOverlap *o)
{
    return (double)o->pixels / (double)(image->truth[o->truth].pixels + f->pixels - o->pixels);
}

int64_t cityscapes_excused(const CityscapesImage *image, const CityscapesPrediction *f)
{
    int64_t pixels = f->void_pixels;
    for (int64_t k = 0; k < f->n_overlaps; k++) {
        const CityscapesTruth *t = &image->truth[f->overlap[k].truth];
        pixels += t->value < 1000 ? f->overlap[k].pixels : 0;
        pixels += t->pixels < CITYSCAPES_MIN_PIXELS ? f->overlap[k].pixels : 0;
    }
    return pixels;
}

Status cityscapes_records_read(CityscapesRecords *out, const char *truth_dir, const char *found_dir)
{
    CityscapesPair *pair = NULL;
    Status          st = OK;
    Work            work = {.found_dir = found_dir, .failure = {.lock = PTHREAD_MUTEX_INITIALIZER}};
    memset(out, 0, sizeof *out);
    TRY_OUT(cityscapes_pairs(&out->arena, &pair, &out->n, truth_dir,
                             "_gtFine_" CITYSCAPES_INSTANCE_FILES, found_dir, ".txt"));
    out->image = ARENA_ARRAY(&out->arena, CityscapesImage, out->n);
    if (!out->image)
        TRY_OUT(ERR_MEMORY);
    work.pair = pair;
    work.image = out->image;
    threads_for(out->n, threads_grain(out->n, 1), read_range, &work);
    if (work.failure.st != OK)
        TRY_OUT(status_fail(work.failure.st, "%s", work.failure.sentence));
out:
    pthread_mutex_destroy(&work.failure.lock);
    return st;
}

void cityscapes_records_release(CityscapesRecords *r)
{
    for (int64_t i = 0; r->image && i < r->n; i++)
        arena_release(&r->image[i].arena);
    arena_release(&r->arena);
    memset(r, 0, sizeof *r);
}
