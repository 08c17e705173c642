/* semseg_files.c -- label images to a confusion matrix, images in parallel */
#include "base/file.h"
#include "base/threads.h"
#include "eval/folder.h"
#include "eval/label_count.h"
#include "eval/label_png.h"
#include "eval/semseg.h"
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

static Status check_options(const SemsegOptions *o)
{
    if (o->n_classes < 1 || o->n_classes > SEMSEG_MAX_CLASSES)
        return status_fail(ERR_USAGE, "number of classes is %lld; expected 1 .. %d",
                           (long long)o->n_classes, SEMSEG_MAX_CLASSES);
    if (o->void_label >= 0 && o->void_label < o->n_classes)
        return status_fail(
            ERR_USAGE, "the void label %lld is also a class; there are %lld (0 .. %lld)",
            (long long)o->void_label, (long long)o->n_classes, (long long)o->n_classes - 1);
    return OK;
}

/* What is counted: the matrix over many images, and one image's classes. */
typedef struct Counts {
    int64_t    *confusion; // (N,N+1)
    int64_t    *n_void;
    PixelCount *tally; // (N) by label; NULL: not wanted
} Counts;

static void add_tally(PixelCount *tally, int64_t truth, int64_t found, int64_t count)
{
    tally[truth].truth += count;
    tally[found].found += count;
    tally[truth].both += truth == found ? count : 0;
}

/* One pair of labels that occurs `count` times. */
static Status add_pair(const SemsegOptions *o, const Counts *out, int64_t truth, int64_t found,
                       int64_t count, const char *name)
{
    int64_t N = o->n_classes;
    bool    found_void = o->allow_void_in_prediction && found == o->void_label;
    if (found >= N && !found_void)
        return status_fail(
            ERR_FORMAT, "%s: predicted label %lld; expected 0 .. %lld (%lld classes)%s", name,
            (long long)found, (long long)N - 1, (long long)N,
            found == o->void_label ? "; it is the void label, which --allow-void counts as a miss"
                                   : "");
    if (truth == o->void_label) {
        *out->n_void += count;
        return OK;
    }
    if (truth >= N)
        return status_fail(ERR_FORMAT,
                           "the ground truth of %s has label %lld; expected 0 .. %lld or the void "
                           "label %lld",
                           name, (long long)truth, (long long)N - 1, (long long)o->void_label);
    out->confusion[truth * (N + 1) + (found_void ? N : found)] += count;
    if (out->tally && !found_void)
        add_tally(out->tally, truth, found, count);
    return OK;
}

static Status add_runs(const SemsegOptions *options, const Counts *out, const uint16_t *truth,
                       const uint16_t *found, int64_t n, const char *name)
{
    for (int64_t i = 0; i < n;) {
        int64_t start = i;
        while (i < n && truth[i] == truth[start] && found[i] == found[start])
            i++;
        TRY(add_pair(options, out, truth[start], found[start], i - start, name));
    }
    return OK;
}

Status semseg_count(const SemsegOptions *options, int64_t *confusion, int64_t *n_void,
                    const uint16_t *truth, const uint16_t *found, int64_t n, const char *name)
{
    Counts out = {.confusion = confusion, .n_void = n_void};
    TRY(check_options(options));
    return add_runs(options, &out, truth, found, n, name);
}

typedef struct Work {
    const SemsegOptions *options;
    const char          *truth_dir, *found_dir;
    char               **path;
    int64_t             *confusion, n_void;
    Arena               *arena; // owns the counts of image
    PixelImage          *image; // (number of paths)
    Status               st;
    int64_t         failed; // the first image that failed, so that the same one is always named
    char            sentence[1024];
    pthread_mutex_t lock;
} Work;

static Status widen(Arena *a, LabelImage *m)
{
    if (m->wide)
        return OK;
    m->wide = ARENA_ARRAY(a, uint16_t, m->h * m->w);
    if (!m->wide)
        return ERR_MEMORY;
    for (int64_t i = 0; i < m->h * m->w; i++)
        m->wide[i] = m->narrow[i];
    return OK;
}

static Status count_image(Arena *a, const Work *work, const Counts *out, int64_t *pairs,
                          const char *path)
{
    LabelImage truth, found;
    char      *truth_path = file_join(a, work->truth_dir, path);
    char      *found_path = file_join(a, work->found_dir, path);
    if (!truth_path || !found_path)
        return ERR_MEMORY;
    TRY(label_png_read(a, &truth, truth_path));
    TRY(label_png_read(a, &found, found_path));
    if (truth.h != found.h || truth.w != found.w)
        return status_fail(ERR_FORMAT,
                           "%s: %lld x %lld pixels; the ground truth %s has %lld x %lld",
                           found_path, (long long)found.w, (long long)found.h, truth_path,
                           (long long)truth.w, (long long)truth.h);
    if (!truth.narrow || !found.narrow) {
        TRY(widen(a, &truth));
        TRY(widen(a, &found));
        return add_runs(work->options, out, truth.wide, found.wide, truth.h * truth.w, found_path);
    }
    memset(pairs, 0, 65536 * sizeof *pairs);
    label_count_pairs(pairs, truth.narrow, found.narrow, truth.h * truth.w);
    for (int i = 0; i < 65536; i++)
        if (pairs[i] > 0)
            TRY(add_pair(work->options, out, i >> 8, i & 255, pairs[i], found_path));
    return OK;
}

static Status keep_image(Work *work, int64_t at, const PixelCount *tally)
{
    pthread_mutex_lock(&work->lock);
    Status st = pixel_tally_keep(work->arena, &work->image[at], tally, work->options->n_classes);
    pthread_mutex_unlock(&work->lock);
    return st;
}

/* Integer counts: adding them up in any order gives the same matrix. */
static void count_range(void *ctx, int64_t begin, int64_t end)
{
    Work    *work = ctx;
    int64_t  N = work->options->n_classes, cells = N * (N + 1), n_void = 0, at = begin;
    Arena    kept = {0}, scratch = {0};
    Status   st = OK;
    int64_t *pairs = ARENA_ARRAY(&kept, int64_t, 65536);
    int64_t *confusion = ARENA_ARRAY(&kept, int64_t, cells);
    Counts   out = {confusion, &n_void, ARENA_ARRAY(&kept, PixelCount, N)};
    if (!pairs || !confusion || !out.tally)
        st = ERR_MEMORY;
    for (; st == OK && at < end; at++) {
        ArenaMark mark = arena_mark(&scratch);
        memset(out.tally, 0, (size_t)N * sizeof *out.tally);
        st = count_image(&scratch, work, &out, pairs, work->path[at]);
        if (st == OK)
            st = keep_image(work, at, out.tally);
        if (st != OK)
            break;
        arena_rewind(&scratch, mark);
    }
    pthread_mutex_lock(&work->lock);
    if (st != OK && (work->st == OK || at < work->failed)) {
        work->st = st;
        work->failed = at;
        strcpy(work->sentence, status_text());
    }
    if (st == OK) {
        work->n_void += n_void;
        for (int64_t i = 0; i < cells; i++)
            work->confusion[i] += confusion[i];
    }
    pthread_mutex_unlock(&work->lock);
    arena_release(&kept);
    arena_release(&scratch);
}

Status semseg_evaluate_dirs(Arena *a, const SemsegOptions *options, SemsegResult *out,
                            const char *truth_dir, const char *found_dir)
{
    int64_t n = 0, N = options->n_classes;
    Work    work = {.options = options,
                    .truth_dir = truth_dir,
                    .found_dir = found_dir,
                    .lock = PTHREAD_MUTEX_INITIALIZER};
    TRY(check_options(options));
    TRY(folder_walk(a, &work.path, &n, truth_dir, ".png"));
    if (n == 0)
        return status_fail(ERR_MISSING, "%s: no .png below this folder", truth_dir);
    work.confusion = ARENA_ARRAY(a, int64_t, N * (N + 1));
    work.arena = a;
    work.image = ARENA_ARRAY(a, PixelImage, n);
    if (!work.confusion || !work.image)
        return ERR_MEMORY;
    threads_for(n, threads_grain(n, 1), count_range, &work);
    pthread_mutex_destroy(&work.lock);
    if (work.st != OK)
        return status_fail(work.st, "%s", work.sentence);
    TRY(semseg_score(a, options, out, work.confusion));
    out->n_images = n;
    out->n_void = work.n_void;
    out->image = work.image;
    return OK;
}
