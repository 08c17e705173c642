/* coco_index.c -- raw columns to indices, and what is wrong between tables; see coco_data.h */
#include "base/file.h"
#include "base/threads.h"
#include "eval/coco_parse.h"
#include "eval/rle.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { NAMED = 10 }; // how many offenders a sentence names

/* ---- tables sorted by id ---- */

static int compare_image(const void *x, const void *y)
{
    const CocoImage *a = (const CocoImage *)x, *b = (const CocoImage *)y;
    if (a->name && b->name)
        return strcmp(a->name, b->name);
    return (a->id > b->id) - (a->id < b->id);
}

static int compare_category(const void *x, const void *y)
{
    int64_t a = ((const CocoCategory *)x)->id, b = ((const CocoCategory *)y)->id;
    return (a > b) - (a < b);
}

static int64_t find_image(const CocoTruth *t, const CocoImage *key)
{
    int64_t lo = 0, hi = t->n_images;
    while (lo < hi) {
        int64_t mid = (lo + hi) / 2;
        if (compare_image(&t->image[mid], key) < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo < t->n_images && compare_image(&t->image[lo], key) == 0 ? lo : -1;
}

static int64_t find_category(const CocoTruth *t, int64_t id)
{
    int64_t lo = 0, hi = t->n_categories;
    while (lo < hi) {
        int64_t mid = (lo + hi) / 2;
        if (t->category[mid].id < id)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo < t->n_categories && t->category[lo].id == id ? lo : -1;
}

static CocoImage raw_image(const CocoParse *p, CocoRawId id)
{
    return id.is_text ? (CocoImage){.id = -1, .name = p->id_text.data + id.value}
                      : (CocoImage){.id = id.value};
}

/* Sorted, one of equal ids kept. */
static Status index_images(CocoTruth *t, CocoParse *p, const char *path)
{
    int64_t n = p->image.n, kept = 0;
    t->image = ARENA_ARRAY(&t->arena, CocoImage, n);
    char *text = ARENA_ARRAY(&t->arena, char, p->id_text.n);
    if (!t->image || !text)
        return status_no_memory("images", n * (int64_t)sizeof(CocoImage));
    if (p->id_text.n > 0)
        memcpy(text, p->id_text.data, (size_t)p->id_text.n);
    for (int64_t i = 0; i < n; i++) {
        const CocoRawImage *raw = &p->image.data[i];
        CocoImage          *to = &t->image[i];
        *to = (CocoImage){.id = raw->id.value, .h = raw->h, .w = raw->w};
        to->has_neg = raw->list_at[0] >= 0;
        to->neg_at = raw->list_at[0];
        to->n_neg = raw->list_n[0];
        to->has_unfinished = raw->list_at[1] >= 0;
        to->unfinished_at = raw->list_at[1];
        to->n_unfinished = raw->list_n[1];
        if (raw->id.is_text) {
            to->id = -1;
            to->name = text + raw->id.value;
        }
    }
    bool sorted = true;
    for (int64_t i = 1; i < n && sorted; i++)
        sorted = compare_image(&t->image[i - 1], &t->image[i]) < 0;
    if (!sorted)
        qsort(t->image, (size_t)n, sizeof *t->image, compare_image);
    for (int64_t i = 0; i < n; i++) {
        if (i > 0 && compare_image(&t->image[i - 1], &t->image[i]) == 0 && !p->opt.bug_compatible) {
            if (t->image[i].name)
                return status_fail(ERR_FORMAT, "%s: image id \"%.60s\" is used twice", path,
                                   t->image[i].name);
            return status_fail(ERR_FORMAT, "%s: image id %lld is used twice", path,
                               (long long)t->image[i].id);
        }
        if (kept > 0 && compare_image(&t->image[kept - 1], &t->image[i]) == 0)
            kept--;
        t->image[kept++] = t->image[i];
    }
    t->n_images = kept;
    return OK;
}

static Status index_categories(CocoTruth *t, CocoParse *p, const char *path)
{
    int64_t n = p->category.n, kept = 0;
    t->category = ARENA_ARRAY(&t->arena, CocoCategory, n);
    if (!t->category)
        return status_no_memory("categories", n * (int64_t)sizeof(CocoCategory));
    for (int64_t i = 0; i < n; i++) {
        const CocoRawCategory *raw = &p->category.data[i];
        const char            *name = raw->name_at >= 0 ? p->id_text.data + raw->name_at : "";
        t->category[i] = (CocoCategory){raw->id, arena_strdup(&t->arena, name), raw->frequency};
        if (!t->category[i].name)
            return status_no_memory("categories", n);
    }
    qsort(t->category, (size_t)n, sizeof *t->category, compare_category);
    for (int64_t i = 0; i < n; i++) {
        if (kept > 0 && t->category[kept - 1].id == t->category[i].id) {
            if (!p->opt.bug_compatible)
                return status_fail(ERR_FORMAT, "%s: category id %lld is used twice", path,
                                   (long long)t->category[i].id);
            kept--;
        }
        t->category[kept++] = t->category[i];
    }
    t->n_categories = kept;
    return OK;
}

/* ---- rows ---- */

/* image and category index of every row; -1 where unlisted */
static Status resolve(const CocoTruth *t, CocoParse *p, CocoRows *rows)
{
    int64_t n = p->image_id.n;
    rows->image = (int32_t *)malloc((size_t)(n + 1) * sizeof *rows->image);
    rows->category = (int32_t *)malloc((size_t)(n + 1) * sizeof *rows->category);
    if (!rows->image || !rows->category)
        return status_no_memory("rows", n * 8);
    bool      is_text = p->ids_are_text == 1;
    CocoImage last = {0};
    int64_t   last_at = -2;
    for (int64_t i = 0; i < n; i++) {
        CocoImage key = raw_image(p, (CocoRawId){p->image_id.data[i], is_text});
        if (last_at == -2 || compare_image(&key, &last) != 0) {
            bool same_kind = t->n_images > 0 && (t->image[0].name != NULL) == is_text;
            last_at = same_kind ? find_image(t, &key) : -1;
            last = key;
        }
        rows->image[i] = (int32_t)last_at;
        rows->category[i] = (int32_t)find_category(t, p->category_id.data[i]);
    }
    return OK;
}

/* The columns change hands. */
static void take_columns(CocoParse *p, CocoRows *rows)
{
    rows->n = p->image_id.n;
    rows->id = p->id.data;
    rows->box = p->box.data;
    rows->area = p->area.data;
    rows->score = p->score.data;
    rows->is_crowd = p->crowd.data;
    rows->ignore = p->ignore.data;
    rows->n_visible = p->visible.data;
    rows->mask = p->mask.data;
    rows->number = p->number.data;
    rows->part = p->part.data;
    rows->text = p->text.data;
    rows->keypoint = p->keypoint.data;
    rows->n_keypoints = p->n_keypoints;
    p->id.data = NULL;
    p->box.data = p->area.data = p->score.data = p->number.data = p->keypoint.data = NULL;
    p->crowd.data = p->ignore.data = NULL;
    p->visible.data = p->part.data = NULL;
    p->mask.data = NULL;
    p->text.data = NULL;
}

static void rows_release(CocoRows *r)
{
    free(r->id);
    free(r->image);
    free(r->category);
    free(r->box);
    free(r->area);
    free(r->score);
    free(r->is_crowd);
    free(r->ignore);
    free(r->n_visible);
    free(r->mask);
    free(r->number);
    free(r->part);
    free(r->text);
    free(r->keypoint);
    memset(r, 0, sizeof *r);
}

/* The first ten rows whose `column` is -1, with what they name. */
static Status unlisted(const CocoParse *p, const CocoRows *rows, const int32_t *column,
                       const char *path, const char *what)
{
    char    list[512] = "";
    int64_t n = 0, len = 0;
    for (int64_t i = 0; i < rows->n; i++)
        if (column[i] < 0 && n++ < NAMED && len < 400) {
            if (column == rows->image && p->ids_are_text == 1)
                len += snprintf(list + len, sizeof list - (size_t)len, "%s\"%.30s\"",
                                len ? ", " : "", p->id_text.data + p->image_id.data[i]);
            else
                len += snprintf(list + len, sizeof list - (size_t)len, "%s%lld", len ? ", " : "",
                                (long long)(column == rows->image ? p->image_id.data[i]
                                                                  : p->category_id.data[i]));
        }
    if (n == 0)
        return OK;
    return status_fail(ERR_FORMAT,
                       "%s: %lld rows name %s that the ground truth does not list: %s%s", path,
                       (long long)n, what, list, n > NAMED ? ", ..." : "");
}

static int compare_id(const void *x, const void *y)
{
    int64_t a = *(const int64_t *)x, b = *(const int64_t *)y;
    return (a > b) - (a < b);
}

/* *repeated = how many ids occur twice, *example one of them. */
static Status repeated_ids(const int64_t *id, int64_t n, int64_t *repeated, int64_t *example)
{
    *repeated = 0;
    bool sorted = true;
    for (int64_t i = 1; i < n && sorted; i++)
        sorted = id[i - 1] < id[i];
    if (sorted)
        return OK;
    int64_t *copy = (int64_t *)malloc((size_t)n * sizeof *copy);
    if (!copy)
        return status_no_memory("ids", n * 8);
    memcpy(copy, id, (size_t)n * sizeof *copy);
    qsort(copy, (size_t)n, sizeof *copy, compare_id);
    for (int64_t i = 1; i < n; i++)
        if (copy[i] == copy[i - 1]) {
            ++*repeated;
            *example = copy[i];
        }
    free(copy);
    return OK;
}

static Status check_truth(CocoTruth *t, const CocoParse *p, const char *path)
{
    int64_t repeated, example = 0, zeros = 0;
    TRY(repeated_ids(t->rows.id, t->rows.n, &repeated, &example));
    if (!p->opt.bug_compatible) {
        TRY(unlisted(p, &t->rows, t->rows.image, path, "images"));
        TRY(unlisted(p, &t->rows, t->rows.category, path, "categories"));
        if (repeated > 0)
            return status_fail(
                ERR_FORMAT,
                "%s: annotation id %lld is used twice (%lld such); the reference would score its "
                "last "
                "record twice: give each annotation its own id, or use the bug-compatible mode",
                path, (long long)example, (long long)repeated);
    }
    for (int64_t i = 0; i < t->rows.n; i++)
        zeros += t->rows.id[i] == 0;
    if (zeros > 0)
        text_printf(&t->warnings, "%s: annotation id 0 %s\n", path,
                    p->opt.bug_compatible
                        ? "counts as a miss even when it is found, as in pycocotools"
                        : "is scored as any other; pycocotools would count it as a miss");
    for (int64_t c = 0; c < t->n_categories && t->n_categories < 5000; c++)
        for (int64_t k = 0; k < c; k++)
            if (t->category[c].name[0] && strcmp(t->category[c].name, t->category[k].name) == 0)
                text_printf(&t->warnings, "%s: categories %lld and %lld are both called \"%s\"\n",
                            path, (long long)t->category[k].id, (long long)t->category[c].id,
                            t->category[c].name);
    return text_status(&t->warnings);
}

static Status finish_truth(CocoTruth *t, CocoParse *p, const char *path)
{
    static const char *const NAME[4] = {"", "images", "annotations", "categories"};
    for (int s = SECTION_IMAGES; s <= SECTION_CATEGORIES; s++)
        if (!(p->sections_seen & 1U << s))
            return status_fail(ERR_FORMAT, "%s: no \"%s\"; expected a COCO ground truth", path,
                               NAME[s]);
    TRY(index_images(t, p, path));
    TRY(index_categories(t, p, path));
    t->listed = p->listed.data;
    p->listed.data = NULL;
    TRY(resolve(t, p, &t->rows));
    take_columns(p, &t->rows);
    return check_truth(t, p, path);
}

/* ---- results ---- */

typedef struct MaskWork {
    CocoRows *rows;
    int64_t   first_bad;
} MaskWork;

/* Area and box of compressed masks: the runs are read once here and again where they meet a ground truth. */
static Status measure_mask(CocoRows *r, int64_t i, uint32_t **counts, int64_t *cap)
{
    const CocoMask *m = &r->mask[i];
    const char     *text = r->text + m->at;
    int64_t         runs = rle_string_runs(text, m->n);
    Rle             rle;
    if (runs > *cap) {
        uint32_t *moved = (uint32_t *)realloc(*counts, (size_t)runs * 2 * sizeof **counts);
        if (!moved)
            return status_no_memory("runs", runs * 8);
        *counts = moved;
        *cap = runs * 2;
    }
    TRY(rle_read_string(&rle, *counts, text, m->n, m->h, m->w));
    r->area[i] = rle.area;
    if (isnan(r->box[4 * i]))
        for (int k = 0; k < 4; k++)
            r->box[4 * i + k] = rle.box[k];
    return OK;
}

static void measure_range(void *ctx, int64_t begin, int64_t end)
{
    MaskWork *w = (MaskWork *)ctx;
    uint32_t *counts = NULL;
    int64_t   cap = 0;
    for (int64_t i = begin; i < end; i++)
        if (measure_mask(w->rows, i, &counts, &cap) != OK) {
            int64_t seen = __atomic_load_n(&w->first_bad, __ATOMIC_RELAXED);
            while (i < seen && !__atomic_compare_exchange_n(&w->first_bad, &seen, i, false,
                                                            __ATOMIC_RELAXED, __ATOMIC_RELAXED)) {
            }
            break;
        }
    free(counts);
}

static Status measure_masks(CocoRows *rows, const char *path)
{
    MaskWork w = {.rows = rows, .first_bad = INT64_MAX};
    threads_for(rows->n, 4096, measure_range, &w);
    if (w.first_bad == INT64_MAX)
        return OK;
    uint32_t *counts = NULL; // once more, for the sentence
    int64_t   cap = 0;
    char      why[512];
    Status    st = measure_mask(rows, w.first_bad, &counts, &cap);
    free(counts);
    snprintf(why, sizeof why, "%s", status_text());
    return status_fail(st, "%s: result %lld: %s", path, (long long)w.first_bad + 1, why);
}

static Status finish_results(CocoResults *r, const CocoTruth *t, CocoParse *p, const char *path)
{
    TRY(resolve(t, p, &r->rows));
    take_columns(p, &r->rows);
    if (!p->opt.ignore_unknown)
        TRY(unlisted(p, &r->rows, r->rows.image, path, "images"));
    for (int64_t i = 0; i < r->rows.n; i++)
        r->n_unknown_category += r->rows.category[i] < 0;
    if (r->n_unknown_category > 0)
        text_printf(
            &r->warnings,
            "%s: %lld results of categories that the ground truth does not list are left out\n",
            path, (long long)r->n_unknown_category);
    if (r->rows.n == 0)
        text_printf(&r->warnings, "%s: no results at all\n", path);
    if (p->branch == BRANCH_MASK && r->rows.n > 0)
        TRY(measure_masks(&r->rows, path));
    if (p->opt.iou != COCO_SEGM) {
        free(r->rows.mask);
        free(r->rows.text);
        r->rows.mask = NULL;
        r->rows.text = NULL;
    }
    return text_status(&r->warnings);
}

/* ---- entry points ---- */

static const JsonLimits LIMITS = {.max_depth = 64, .max_string = 16 << 20};

Status coco_truth_parse(CocoTruth *t, const CocoReadOptions *options, const char *bytes, int64_t n,
                        const char *name)
{
    CocoParse p;
    Status    st = OK;
    memset(t, 0, sizeof *t);
    coco_parse_init(&p, options, false);
    TRY_OUT(json_stream_bytes(bytes, n, name, &LIMITS, coco_parse_event, &p));
    TRY_OUT(finish_truth(t, &p, name));
out:
    coco_parse_release(&p);
    return st;
}

Status coco_results_parse(CocoResults *r, const CocoReadOptions *options, const CocoTruth *truth,
                          const char *bytes, int64_t n, const char *name)
{
    CocoParse p;
    Status    st = OK;
    memset(r, 0, sizeof *r);
    coco_parse_init(&p, options, true);
    TRY_OUT(json_stream_bytes(bytes, n, name, &LIMITS, coco_parse_event, &p));
    TRY_OUT(finish_results(r, truth, &p, name));
out:
    coco_parse_release(&p);
    return st;
}

Status coco_truth_read(CocoTruth *t, const CocoReadOptions *options, const char *path)
{
    FileMap map;
    TRY(file_map(&map, path));
    Status st = coco_truth_parse(t, options, map.bytes, map.n, path);
    file_unmap(&map);
    return st;
}

Status coco_results_read(CocoResults *r, const CocoReadOptions *options, const CocoTruth *truth,
                         const char *path)
{
    FileMap map;
    TRY(file_map(&map, path));
    Status st = coco_results_parse(r, options, truth, map.bytes, map.n, path);
    file_unmap(&map);
    return st;
}

Status coco_read(CocoTruth *truth, CocoResults *results, const CocoReadOptions *options,
                 const char *truth_path, const char *results_path)
{
    memset(results, 0, sizeof *results);
    TRY(coco_truth_read(truth, options, truth_path));
    return coco_results_read(results, options, truth, results_path);
}

void coco_truth_release(CocoTruth *t)
{
    arena_release(&t->arena);
    rows_release(&t->rows);
    free(t->listed);
    text_release(&t->warnings);
    memset(t, 0, sizeof *t);
}

void coco_results_release(CocoResults *r)
{
    rows_release(&r->rows);
    text_release(&r->warnings);
    memset(r, 0, sizeof *r);
}
