/* coco_index.c -- raw columns to indices, and what is wrong between tables; see coco_data.h */
#include "base/threads.h"
#include "eval/coco_masks.h"
#include "eval/coco_raw.h"
#include <stdio.h>
#include <stdlib.h>
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

int64_t coco_category_at(const CocoTruth *t, int64_t id)
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

static CocoImage raw_image(const CocoRaw *raw, CocoRawId id)
{
    return id.is_text ? (CocoImage){.id = -1, .name = raw->id_text.data + id.value}
                      : (CocoImage){.id = id.value};
}

/* Sorted, one of equal ids kept. */
static Status index_images(CocoTruth *t, const CocoReadOptions *opt, const CocoRaw *raw,
                           const char *path)
{
    int64_t n = raw->image.n, kept = 0;
    t->image = ARENA_ARRAY(&t->arena, CocoImage, n);
    char *text = ARENA_ARRAY(&t->arena, char, raw->id_text.n);
    if (!t->image || !text)
        return status_no_memory("images", n * (int64_t)sizeof(CocoImage));
    if (raw->id_text.n > 0)
        memcpy(text, raw->id_text.data, (size_t)raw->id_text.n);
    for (int64_t i = 0; i < n; i++) {
        const CocoRawImage *from = &raw->image.data[i];
        CocoImage          *to = &t->image[i];
        *to = (CocoImage){.id = from->id.value, .h = from->h, .w = from->w};
        to->has_neg = from->list_at[0] >= 0;
        to->neg_at = from->list_at[0];
        to->n_neg = from->list_n[0];
        to->has_unfinished = from->list_at[1] >= 0;
        to->unfinished_at = from->list_at[1];
        to->n_unfinished = from->list_n[1];
        if (from->id.is_text) {
            to->id = -1;
            to->name = text + from->id.value;
        }
    }
    bool sorted = true;
    for (int64_t i = 1; i < n && sorted; i++)
        sorted = compare_image(&t->image[i - 1], &t->image[i]) < 0;
    if (!sorted)
        qsort(t->image, (size_t)n, sizeof *t->image, compare_image);
    for (int64_t i = 0; i < n; i++) {
        if (i > 0 && compare_image(&t->image[i - 1], &t->image[i]) == 0 && !opt->bug_compatible) {
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

static Status index_categories(CocoTruth *t, const CocoReadOptions *opt, const CocoRaw *raw,
                               const char *path)
{
    int64_t n = raw->category.n, kept = 0;
    t->category = ARENA_ARRAY(&t->arena, CocoCategory, n);
    if (!t->category)
        return status_no_memory("categories", n * (int64_t)sizeof(CocoCategory));
    for (int64_t i = 0; i < n; i++) {
        const CocoRawCategory *from = &raw->category.data[i];
        const char            *name = from->name_at >= 0 ? raw->id_text.data + from->name_at : "";
        t->category[i] = (CocoCategory){from->id, arena_strdup(&t->arena, name), from->frequency};
        if (!t->category[i].name)
            return status_no_memory("categories", n);
    }
    qsort(t->category, (size_t)n, sizeof *t->category, compare_category);
    for (int64_t i = 0; i < n; i++) {
        if (kept > 0 && t->category[kept - 1].id == t->category[i].id) {
            if (!opt->bug_compatible)
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

typedef struct ResolveWork {
    const CocoTruth *t;
    const CocoRaw   *raw;
    CocoRows        *rows;
} ResolveWork;

static void resolve_range(void *ctx, int64_t begin, int64_t end)
{
    const ResolveWork *w = (const ResolveWork *)ctx;
    bool               is_text = w->raw->ids_are_text == 1;
    bool               same_kind = w->t->n_images > 0 && (w->t->image[0].name != NULL) == is_text;
    CocoImage          last = {0};
    int32_t            at = -1;
    for (int64_t i = begin; i < end; i++) {
        CocoImage key = raw_image(w->raw, (CocoRawId){w->raw->image_id.data[i], is_text});
        if (same_kind && (i == begin || compare_image(&key, &last) != 0))
            at = (int32_t)find_image(w->t, &key); // rows of one image mostly stand together
        last = key;
        w->rows->image[i] = at;
        w->rows->category[i] = (int32_t)coco_category_at(w->t, w->raw->category_id.data[i]);
    }
}

/* image and category index of every row; -1 where unlisted */
static Status resolve(const CocoTruth *t, const CocoRaw *raw, CocoRows *rows)
{
    int64_t     n = raw->image_id.n;
    ResolveWork w = {t, raw, rows};
    rows->image = (int32_t *)malloc((size_t)(n + 1) * sizeof *rows->image);
    rows->category = (int32_t *)malloc((size_t)(n + 1) * sizeof *rows->category);
    if (!rows->image || !rows->category)
        return status_no_memory("rows", n * 8);
    threads_for(n, 1 << 14, resolve_range, &w);
    return OK;
}

/* The columns change hands. */
static void take_columns(CocoRaw *raw, CocoRows *rows)
{
    rows->n = raw->image_id.n;
    rows->id = raw->id.data;
    rows->box = raw->box.data;
    rows->area = raw->area.data;
    rows->score = raw->score.data;
    rows->is_crowd = raw->crowd.data;
    rows->ignore = raw->ignore.data;
    rows->n_visible = raw->visible.data;
    rows->mask = raw->mask.data;
    rows->number = raw->number.data;
    rows->part = raw->part.data;
    rows->text = raw->text.data;
    rows->keypoint = raw->keypoint.data;
    rows->n_keypoints = raw->n_keypoints;
    raw->id.data = NULL;
    raw->box.data = raw->area.data = raw->score.data = raw->number.data = raw->keypoint.data = NULL;
    raw->crowd.data = raw->ignore.data = NULL;
    raw->visible.data = raw->part.data = NULL;
    raw->mask.data = NULL;
    raw->text.data = NULL;
}

void coco_rows_release(CocoRows *r)
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
static Status unlisted(const CocoRaw *raw, const CocoRows *rows, const int32_t *column,
                       const char *path, const char *what, const char *mend)
{
    char    list[512] = "";
    int64_t n = 0, len = 0;
    for (int64_t i = 0; i < rows->n; i++)
        if (column[i] < 0 && n++ < NAMED && len < 400) {
            if (column == rows->image && raw->ids_are_text == 1)
                len += snprintf(list + len, sizeof list - (size_t)len, "%s\"%.30s\"",
                                len ? ", " : "", raw->id_text.data + raw->image_id.data[i]);
            else
                len += snprintf(list + len, sizeof list - (size_t)len, "%s%lld", len ? ", " : "",
                                (long long)(column == rows->image ? raw->image_id.data[i]
                                                                  : raw->category_id.data[i]));
        }
    if (n == 0)
        return OK;
    return status_fail(ERR_FORMAT, "%s: %lld %s %s that the ground truth does not list: %s%s%s",
                       path, (long long)n, n == 1 ? "row names" : "rows name", what, list,
                       n > NAMED ? ", ..." : "", mend);
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

static int compare_names(const void *x, const void *y)
{
    const CocoCategory *a = *(const CocoCategory *const *)x, *b = *(const CocoCategory *const *)y;
    int                 by_name = strcmp(a->name, b->name);
    return by_name ? by_name : compare_category(a, b);
}

/* Categories that share a name: legal, and most often a mistake. */
static Status warn_of_names(CocoTruth *t, const char *path)
{
    int64_t              shared = 0;
    const CocoCategory **c = malloc((size_t)(t->n_categories + 1) * sizeof *c);
    if (!c)
        return status_no_memory("categories", t->n_categories * 8);
    for (int64_t k = 0; k < t->n_categories; k++)
        c[k] = &t->category[k];
    qsort(c, (size_t)t->n_categories, sizeof *c, compare_names);
    for (int64_t k = 1; k < t->n_categories; k++)
        if (c[k]->name[0] && strcmp(c[k]->name, c[k - 1]->name) == 0 && shared++ < NAMED)
            text_printf(&t->warnings, "%s: categories %lld and %lld are both called \"%.60s\"\n",
                        path, (long long)c[k - 1]->id, (long long)c[k]->id, c[k]->name);
    if (shared > NAMED)
        text_printf(&t->warnings, "%s: ... and %lld more categories share a name\n", path,
                    (long long)(shared - NAMED));
    free(c);
    return text_status(&t->warnings);
}

static Status check_truth(CocoTruth *t, const CocoReadOptions *opt, const CocoRaw *raw,
                          const char *path)
{
    int64_t repeated, example = 0, zeros = 0;
    TRY(repeated_ids(t->rows.id, t->rows.n, &repeated, &example));
    if (!opt->bug_compatible) {
        TRY(unlisted(raw, &t->rows, t->rows.image, path, "images", ""));
        TRY(unlisted(raw, &t->rows, t->rows.category, path, "categories", ""));
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
                    opt->bug_compatible
                        ? "counts as a miss even when it is found, as in pycocotools"
                        : "is scored as any other; pycocotools would count it as a miss");
    for (int64_t i = 0; i < t->n_images && !opt->lvis; i++)
        if (t->image[i].has_neg && t->image[i].has_unfinished) {
            text_printf(&t->warnings,
                        "%s: has LVIS's lists of categories; COCO's rules are followed here, "
                        "`godwit eval lvis` follows LVIS's\n",
                        path);
            break;
        }
    return warn_of_names(t, path);
}

Status coco_index_truth(CocoTruth *t, const CocoReadOptions *opt, CocoRaw *raw, const char *name)
{
    TRY(index_images(t, opt, raw, name));
    TRY(index_categories(t, opt, raw, name));
    t->listed = raw->listed.data;
    raw->listed.data = NULL;
    TRY(resolve(t, raw, &t->rows));
    take_columns(raw, &t->rows);
    TRY(check_truth(t, opt, raw, name));
    return coco_check_masks(&t->rows, opt, t, name, &t->warnings);
}

/* ---- results ---- */

Status coco_index_results(CocoResults *r, const CocoReadOptions *opt, CocoRaw *raw,
                          const CocoTruth *t, const char *name)
{
    TRY(resolve(t, raw, &r->rows));
    take_columns(raw, &r->rows);
    if (!opt->ignore_unknown)
        TRY(unlisted(raw, &r->rows, r->rows.image, name, "images",
                     "; --ignore-unknown leaves them out"));
    int64_t n_unknown_image = 0;
    for (int64_t i = 0; i < r->rows.n; i++) {
        r->n_unknown_category += r->rows.category[i] < 0;
        n_unknown_image += r->rows.image[i] < 0;
    }
    if (n_unknown_image > 0)
        text_printf(&r->warnings,
                    "%s: %lld results on images that the ground truth does not list are left out\n",
                    name, (long long)n_unknown_image);
    if (r->n_unknown_category > 0)
        text_printf(
            &r->warnings,
            "%s: %lld results of categories that the ground truth does not list are left out\n",
            name, (long long)r->n_unknown_category);
    if (r->rows.n == 0)
        text_printf(&r->warnings, "%s: no results at all\n", name);
    TRY(coco_check_masks(&r->rows, opt, t, name, &r->warnings));
    if (opt->iou != COCO_SEGM) {
        free(r->rows.mask);
        free(r->rows.text);
        r->rows.mask = NULL;
        r->rows.text = NULL;
    }
    return text_status(&r->warnings);
}
